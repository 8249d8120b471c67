/// Types of the operations on pairs of queries and keys; see ``PairRows``.
extension TypedInputs {
    func scores(_ attributes: PairAttributes) throws(TypeMismatch) -> ValueType {
        try pairOffsets(attributes.rows)
        try matrix(0, "query", attributes.rows.queries, attributes.attention.heads * attributes.attention.headSize)
        try matrix(1, "key", attributes.rows.keys, attributes.keyColumns)
        try evenHeads(attributes)
        return attributes.type
    }

    func scoresGradient(_ attributes: PairAttributes) throws(TypeMismatch) -> [ValueType] {
        try pairOffsets(attributes.rows)
        try matrix(0, "query", attributes.rows.queries, attributes.attention.heads * attributes.attention.headSize)
        try matrix(1, "key", attributes.rows.keys, attributes.keyColumns)
        try pairs(2, attributes)
        return [try real(0), try real(1)]
    }

    func pattern(_ attributes: PairAttributes) throws(TypeMismatch) -> ValueType {
        try pairOffsets(attributes.rows)
        try pairs(0, attributes)
        return attributes.type
    }

    func patternGradient(_ attributes: PairAttributes) throws(TypeMismatch) -> ValueType {
        try pairOffsets(attributes.rows)
        try pairs(0, attributes)
        try pairs(1, attributes)
        return attributes.type
    }

    func mix(_ attributes: PairAttributes) throws(TypeMismatch) -> ValueType {
        try pairOffsets(attributes.rows)
        try pairs(0, attributes)
        try matrix(1, "value", attributes.rows.keys, attributes.valueColumns)
        try evenHeads(attributes)
        return attributes.mixed
    }

    func mixGradient(_ attributes: PairAttributes) throws(TypeMismatch) -> [ValueType] {
        try pairOffsets(attributes.rows)
        try pairs(0, attributes)
        try matrix(1, "value", attributes.rows.keys, attributes.valueColumns)
        try matrix(2, "adjoint", attributes.rows.queries, attributes.attention.heads * attributes.attention.valueSize)
        return [try real(0), try real(1)]
    }

    func positionBias(_ attributes: PositionBiasAttributes) throws(TypeMismatch) -> ValueType {
        try pairOffsets(attributes.rows)
        let table = try real(0).shape
        guard table.rows == .fixed(attributes.buckets), let heads = table.columns.fixedValue else {
            throw TypeMismatch("\(operation.name) needs a table of \(attributes.buckets) rows, not \(table)")
        }
        return .real(attributes.rows.pairs, .fixed(heads))
    }

    func positionBiasGradient(_ attributes: PositionBiasAttributes) throws(TypeMismatch) -> ValueType {
        try pairOffsets(attributes.rows)
        let bias = try real(0).shape
        guard bias.rows == attributes.rows.pairs else {
            throw TypeMismatch("\(operation.name) needs one row for each of \(attributes.rows.pairs), not \(bias)")
        }
        return .real(.fixed(attributes.buckets), bias.columns)
    }

    // MARK: Words of the rules

    private func pairOffsets(_ rows: PairRows) throws(TypeMismatch) {
        let first = operation.pairOffsetsPlace ?? 0
        let wanted = first + (rows.hasKeyOffsets ? 2 : 1)
        try count(wanted)
        for place in first..<wanted { _ = try index(place) }
        if rows.hasKeyOffsets, try index(first) != index(first + 1) {
            throw TypeMismatch("\(operation.name) needs as many offsets of keys as of queries")
        }
    }

    private func pairs(_ place: Int, _ attributes: PairAttributes) throws(TypeMismatch) {
        guard try real(place) == attributes.type else {
            throw TypeMismatch("\(operation.name) needs \(attributes.type) as input \(place), not \(types[place])")
        }
    }

    private func matrix(
        _ place: Int, _ what: String, _ rows: Dimension, _ columns: Int
    ) throws(TypeMismatch) {
        let shape = try real(place).shape
        guard shape == Shape(rows, .fixed(columns)) else {
            throw TypeMismatch("\(operation.name) needs a \(what) of [\(rows), \(columns)], not \(shape)")
        }
    }

    private func evenHeads(_ attributes: PairAttributes) throws(TypeMismatch) {
        let (heads, keyHeads) = (attributes.attention.heads, attributes.attention.keyHeads)
        guard keyHeads > 0, heads % keyHeads == 0 else {
            throw TypeMismatch("\(heads) query heads can not share \(keyHeads) key heads evenly")
        }
    }
}

extension PairAttributes {
    fileprivate var keyColumns: Int { attention.keyHeads * attention.headSize }
    fileprivate var valueColumns: Int { attention.keyHeads * attention.valueSize }
    /// Scores and pattern: one row for each pair, one column for each head.
    fileprivate var type: ValueType { .real(rows.pairs, .fixed(attention.heads)) }
    /// What the heads give.
    var mixed: ValueType { .real(rows.queries, .fixed(attention.heads * attention.valueSize)) }
}
