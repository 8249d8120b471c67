/// The types of an operation's inputs, with the questions that type inference asks of them.
struct TypedInputs {
    let operation: Operation
    let types: [ValueType]

    func count(_ expected: Int) throws(TypeMismatch) {
        guard types.count == expected else {
            throw TypeMismatch("\(operation.name) takes \(expected) inputs, \(types.count) were given")
        }
    }

    func real(_ place: Int) throws(TypeMismatch) -> ValueType {
        guard types[place].element == .real else {
            throw TypeMismatch("\(operation.name) needs numbers as input \(place), not indices")
        }
        return types[place]
    }

    /// The number of indices.
    func index(_ place: Int) throws(TypeMismatch) -> Dimension {
        guard types[place].element == .index, types[place].shape.columns == 1 else {
            throw TypeMismatch("\(operation.name) needs a list of indices as input \(place), not \(types[place])")
        }
        return types[place].shape.rows
    }

    func same(_ left: Int, _ right: Int) throws(TypeMismatch) {
        let (first, second) = (try real(left).shape, try real(right).shape)
        guard first == second else {
            throw TypeMismatch("\(operation.name) needs equal shapes, not \(first) and \(second)")
        }
    }

    func broadcast(_ left: Int, _ right: Int) throws(TypeMismatch) -> Shape {
        let (first, second) = (try real(left).shape, try real(right).shape)
        guard let rows = joined(first.rows, second.rows), let columns = joined(first.columns, second.columns) else {
            throw TypeMismatch("\(operation.name) of \(first) and \(second): only an extent of 1 is repeated")
        }
        return Shape(rows, columns)
    }

    private func joined(_ first: Dimension, _ second: Dimension) -> Dimension? {
        if first == second || second == 1 { return first }
        return first == 1 ? second : nil
    }

    func normWeight(_ place: Int, groups: Int) throws(TypeMismatch) {
        let (rows, weight) = (try real(0).shape, try real(place).shape)
        guard let columns = rows.columns.fixedValue, groups > 0, columns % groups == 0,
            weight == Shape(1, .fixed(columns / groups))
        else {
            throw TypeMismatch("\(operation.name) of \(rows) in \(groups) groups can not use a weight of \(weight)")
        }
    }

    func columns(_ place: Int, contain start: Int, _ count: Int) throws(TypeMismatch) {
        let shape = try real(place).shape
        guard let total = shape.columns.fixedValue, start >= 0, count > 0, start <= total, count <= total - start else {
            throw TypeMismatch("columns \(start)..<\(start &+ count) are not within \(shape)")
        }
    }

    func product(transposeLeft: Bool, transposeRight: Bool) throws(TypeMismatch) -> ValueType {
        guard types.count == 2 || types.count == 3 else {
            throw TypeMismatch("matmul takes 2 inputs and perhaps a bias, \(types.count) were given")
        }
        let (left, right) = (try real(0).shape, try real(1).shape)
        let (rows, inner) = transposeLeft ? (left.columns, left.rows) : (left.rows, left.columns)
        let (otherInner, columns) = transposeRight ? (right.columns, right.rows) : (right.rows, right.columns)
        guard inner == otherInner else {
            let (leftMark, rightMark) = (transposeLeft ? "ᵀ" : "", transposeRight ? "ᵀ" : "")
            throw TypeMismatch("\(left)\(leftMark) · \(right)\(rightMark): \(inner) columns meet \(otherInner) rows")
        }
        if types.count == 3, try real(2).shape != Shape(1, columns) {
            throw TypeMismatch("a bias of \(types[2]) does not fit a product of \(columns) columns")
        }
        return .real(rows, columns)
    }

    func groupedProduct(groups: Int, transposeRight: Bool) throws(TypeMismatch) -> ValueType {
        try count(3)
        let (rows, matrices) = (try real(0).shape, try real(1).shape)
        guard try index(2) == rows.rows else {
            throw TypeMismatch("\(rows) needs one group for each row, not \(types[2])")
        }
        guard let stacked = matrices.rows.fixedValue, groups > 0, stacked % groups == 0 else {
            throw TypeMismatch("\(matrices) is not \(groups) matrices below each other")
        }
        let one = Shape(.fixed(stacked / groups), matrices.columns)
        let (inner, columns) = transposeRight ? (one.columns, one.rows) : (one.rows, one.columns)
        guard inner == rows.columns else {
            throw TypeMismatch(
                "\(rows) · \(one)\(transposeRight ? "ᵀ" : ""): \(rows.columns) columns meet \(inner) rows")
        }
        return .real(rows.rows, columns)
    }

    func concatenated() throws(TypeMismatch) -> ValueType {
        guard !types.isEmpty else { throw TypeMismatch("concatenateColumns needs at least one part") }
        let rows = try real(0).shape.rows
        var total = 0
        for place in types.indices {
            let shape = try real(place).shape
            guard shape.rows == rows, let count = shape.columns.fixedValue else {
                throw TypeMismatch("\(shape) can not stand beside \(types[0].shape)")
            }
            total += count
        }
        return .real(rows, .fixed(total))
    }

    func rotated(_ attributes: RotaryAttributes) throws(TypeMismatch) -> ValueType {
        try count(3)
        let shape = try real(0).shape
        let (cosine, sine) = (try real(1).shape, try real(2).shape)
        guard shape.columns == .fixed(attributes.heads * attributes.headSize), cosine == sine,
            cosine.rows == shape.rows, let half = cosine.columns.fixedValue, 2 * half <= attributes.headSize
        else {
            throw TypeMismatch(
                "\(shape) with \(attributes.heads) heads of \(attributes.headSize) can not be rotated by \(cosine)")
        }
        return try real(0)
    }

    /// How many inputs the attention itself has.
    static func attentionInputs(_ attributes: AttentionAttributes) -> Int { attributes.hasParameterKeys ? 6 : 4 }

    func attention(_ attributes: AttentionAttributes) throws(TypeMismatch) -> [ValueType] {
        try count(Self.attentionInputs(attributes))
        let (query, key, value) = (try real(0).shape, try real(1).shape, try real(2).shape)
        _ = try index(3)
        let keyColumns = Dimension.fixed(attributes.keyHeads * attributes.headSize)
        let valueColumns = Dimension.fixed(attributes.keyHeads * attributes.valueSize)
        guard attributes.keyHeads > 0, attributes.heads % attributes.keyHeads == 0 else {
            throw TypeMismatch("\(attributes.heads) query heads can not share \(attributes.keyHeads) key heads evenly")
        }
        guard query.columns == .fixed(attributes.heads * attributes.headSize), key.columns == keyColumns,
            value.columns == valueColumns, key.rows == value.rows, key.rows == query.rows
        else {
            throw TypeMismatch(
                "query \(query), key \(key) and value \(value) do not fit \(attributes.heads) heads of "
                    + "\(attributes.headSize) over \(attributes.keyHeads) key heads")
        }
        if attributes.hasParameterKeys {
            let (keys, values) = (try real(4).shape, try real(5).shape)
            guard keys.columns == keyColumns, values.columns == valueColumns, keys.rows == values.rows else {
                throw TypeMismatch(
                    "parameter keys \(keys) and values \(values) do not fit keys \(key), values \(value)")
            }
        }
        return [
            .real(query.rows, .fixed(attributes.heads * attributes.valueSize)),
            .real(query.rows, .fixed(attributes.heads)),
        ]
    }

    func attentionGradient(_ attributes: AttentionAttributes) throws(TypeMismatch) -> [ValueType] {
        let base = Self.attentionInputs(attributes)
        try count(base + 3)
        let forward = TypedInputs(operation: operation, types: Array(types.prefix(base)))
        let outputs = try forward.attention(attributes)
        for (place, expected) in zip([base, base + 1, base + 2], outputs + [outputs[0]]) where types[place] != expected
        {
            throw TypeMismatch("\(operation.name) needs \(expected) as input \(place), not \(types[place])")
        }
        var results = [try real(0), try real(1), try real(2)]
        if attributes.hasParameterKeys { results += [try real(4), try real(5)] }
        return results
    }
}
