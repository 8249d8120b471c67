import Foundation

/// The pairs of one sequence: its queries, its keys and where its rows begin.
struct SequencePairs {
    /// Rows of the queries.
    let queries: Range<Int>
    /// Live rows of the keys.
    let keys: Range<Int>
    /// Keys of the store that come before the live ones.
    let storedCount: Int
    let sequence: Int
    /// The row of the pair of the first query and the first key.
    let firstPair: Int

    var keyCount: Int { storedCount + keys.count }

    /// The row of a pair; `query` counts within the sequence, `key` over stored and live ones.
    func pair(_ query: Int, _ key: Int) -> Int { firstPair + query * keyCount + key }

    /// The position of a query among the keys.
    func position(_ query: Int) -> Int { storedCount + query }
}

extension NodeEvaluation {
    /// The pairs of each sequence.
    /// - Throws: for offsets that are not, stored rows of other sequences, and a number of pairs other than `total`.
    func sequencePairs(_ rows: PairRows, store: Int?, total: Int) throws(InterpreterError) -> [SequencePairs] {
        let first = node.operation.pairOffsetsPlace ?? 0
        let queries = try ascending(first)
        let keys = rows.hasKeyOffsets ? try ascending(first + 1) : queries
        let stored = store.flatMap { self.stored[$0] } ?? []
        if let store, !stored.isEmpty, stored.count != queries.count - 1 {
            throw .stored(
                slot: store, message: "holds \(stored.count) sequences, the batch has \(queries.count - 1)",
                provenance: node.provenance)
        }
        var found: [SequencePairs] = []
        var pair = 0
        for sequence in 0..<queries.count - 1 {
            let part = SequencePairs(
                queries: queries[sequence]..<queries[sequence + 1], keys: keys[sequence]..<keys[sequence + 1],
                storedCount: stored.isEmpty ? 0 : stored[sequence].keys.rows, sequence: sequence, firstPair: pair)
            pair += part.queries.count * part.keyCount
            found.append(part)
        }
        guard pair == total else { throw .pairs(given: total, wanted: pair, provenance: node.provenance) }
        return found
    }

    private func ascending(_ place: Int) throws(InterpreterError) -> [Int] {
        let offsets = inputs[place].indices.map(Int.init)
        guard offsets.first == 0, zip(offsets, offsets.dropFirst()).allSatisfy(<=) else {
            throw .offsets(offsets, rows: offsets.last ?? 0, provenance: node.provenance)
        }
        return offsets
    }

    /// The pairs of an operation whose queries and keys have so many rows, where they are known.
    private func pairs(
        _ attributes: PairAttributes, total: Int, queries: Int? = nil, keys: Int? = nil
    ) throws(InterpreterError) -> [SequencePairs] {
        let found = try sequencePairs(attributes.rows, store: attributes.attention.store, total: total)
        _ = try storedSegments(attributes.attention, sequences: found.count)
        let first = node.operation.pairOffsetsPlace ?? 0
        for (place, rows) in [(first, queries), (first + (attributes.rows.hasKeyOffsets ? 1 : 0), keys)] {
            let offsets = inputs[place].indices.map(Int.init)
            if let rows, offsets.last != rows { throw .offsets(offsets, rows: rows, provenance: node.provenance) }
        }
        return found
    }

    // MARK: Scores

    /// cap(scale · q·k), −∞ where the mask hides the key.
    func attentionScores(_ attributes: PairAttributes) throws(InterpreterError) -> Matrix64 {
        var scores = Matrix64(rows: extents[0].rows, columns: extents[0].columns, repeating: -.infinity)
        for part in try pairs(attributes, total: scores.rows, queries: real(0).rows, keys: real(1).rows) {
            for (query, key) in part.visible(attributes.attention) {
                for head in 0..<attributes.attention.heads {
                    let raw = rawScore(part, query, key, head, attributes.attention)
                    scores[part.pair(query, key), head] =
                        attributes.attention.softCap.map { $0 * Foundation.tanh(raw / $0) } ?? raw
                }
            }
        }
        return scores
    }

    /// dq = scale · Σ_j ds_j · slope_j · k_j, dk_j = scale · Σ_i ds · slope · q_i, with the slope 1 − tanh²(raw / cap).
    func attentionScoresGradient(_ attributes: PairAttributes) throws(InterpreterError) -> [Matrix64] {
        let attention = attributes.attention
        var (dQuery, dKey) = (zeros(0), zeros(1))
        let adjoint = real(2)
        for part in try pairs(attributes, total: adjoint.rows, queries: dQuery.rows, keys: dKey.rows) {
            for (query, key) in part.visible(attention) {
                for head in 0..<attention.heads {
                    let raw = rawScore(part, query, key, head, attention)
                    let slope = attention.softCap.map { 1 - pow(Foundation.tanh(raw / $0), 2) } ?? 1
                    let change = adjoint[part.pair(query, key), head] * slope * attention.scale
                    let (keys, keyRow) = keyRow(part, key)
                    let keyStart = head / (attention.heads / attention.keyHeads) * attention.headSize
                    let (queryRow, queryStart) = (part.queries.lowerBound + query, head * attention.headSize)
                    for c in 0..<attention.headSize {
                        dQuery[queryRow, queryStart + c] += change * keys[keyRow, keyStart + c]
                        if key >= part.storedCount {
                            dKey[keyRow, keyStart + c] += change * real(0)[queryRow, queryStart + c]
                        }
                    }
                }
            }
        }
        return [dQuery, dKey]
    }

    private func keyRow(_ part: SequencePairs, _ key: Int) -> (matrix: Matrix64, row: Int) {
        guard key < part.storedCount, let slot = node.operation.pairRows?.store, let stored = stored[slot] else {
            return (real(1), part.keys.lowerBound + key - part.storedCount)
        }
        return (stored[part.sequence].keys, key)
    }

    private func valueRow(_ part: SequencePairs, _ key: Int) -> (matrix: Matrix64, row: Int) {
        guard key < part.storedCount, let slot = node.operation.pairRows?.store, let stored = stored[slot] else {
            return (real(1), part.keys.lowerBound + key - part.storedCount)
        }
        return (stored[part.sequence].values, key)
    }

    private func rawScore(
        _ part: SequencePairs, _ query: Int, _ key: Int, _ head: Int, _ attention: AttentionAttributes
    ) -> Double {
        let (keys, row) = keyRow(part, key)
        let start = head / (attention.heads / attention.keyHeads) * attention.headSize
        var product = 0.0
        for c in 0..<attention.headSize {
            product += real(0)[part.queries.lowerBound + query, head * attention.headSize + c] * keys[row, start + c]
        }
        return attention.scale * product
    }

    // MARK: Pattern

    /// e^(s_j − L) over the visible keys of each query, zeros where it sees none.
    func attentionPattern(_ attributes: PairAttributes) throws(InterpreterError) -> Matrix64 {
        var pattern = zeros()
        for part in try pairs(attributes, total: pattern.rows) {
            for query in 0..<part.queries.count {
                let rows = part.visibleKeys(query, attributes.attention).map { part.pair(query, $0) }
                for head in 0..<attributes.attention.heads {
                    let logSum = logSumExp(rows.map { real(0)[$0, head] })
                    guard logSum > -.infinity else { continue }
                    for row in rows { pattern[row, head] = exp(real(0)[row, head] - logSum) }
                }
            }
        }
        return pattern
    }

    /// ds_j = p_j · (dp_j − Σ_i p_i · dp_i) over the visible keys of each query.
    func attentionPatternGradient(_ attributes: PairAttributes) throws(InterpreterError) -> Matrix64 {
        var gradient = zeros()
        for part in try pairs(attributes, total: gradient.rows) {
            for query in 0..<part.queries.count {
                let rows = part.visibleKeys(query, attributes.attention).map { part.pair(query, $0) }
                for head in 0..<attributes.attention.heads {
                    let dot = rows.reduce(0) { $0 + real(0)[$1, head] * real(1)[$1, head] }
                    for row in rows { gradient[row, head] = real(0)[row, head] * (real(1)[row, head] - dot) }
                }
            }
        }
        return gradient
    }

    // MARK: Mix

    /// Σ_j pattern_j · value_j over the visible keys.
    func attentionMix(_ attributes: PairAttributes) throws(InterpreterError) -> Matrix64 {
        let attention = attributes.attention
        var mixed = zeros()
        for part in try pairs(attributes, total: real(0).rows, queries: mixed.rows, keys: real(1).rows) {
            for (query, key) in part.visible(attention) {
                let (values, row) = valueRow(part, key)
                for head in 0..<attention.heads {
                    let share = real(0)[part.pair(query, key), head]
                    let start = head / (attention.heads / attention.keyHeads) * attention.valueSize
                    for c in 0..<attention.valueSize {
                        mixed[part.queries.lowerBound + query, head * attention.valueSize + c] +=
                            share * values[row, start + c]
                    }
                }
            }
        }
        return mixed
    }

    /// dp_j = dy · value_j, dvalue_j = Σ_i p_ij · dy_i.
    func attentionMixGradient(_ attributes: PairAttributes) throws(InterpreterError) -> [Matrix64] {
        let attention = attributes.attention
        var (dPattern, dValue) = (zeros(0), zeros(1))
        let adjoint = real(2)
        for part in try pairs(attributes, total: dPattern.rows, queries: adjoint.rows, keys: dValue.rows) {
            for (query, key) in part.visible(attention) {
                let (values, row) = valueRow(part, key)
                let (pair, queryRow) = (part.pair(query, key), part.queries.lowerBound + query)
                for head in 0..<attention.heads {
                    let start = head / (attention.heads / attention.keyHeads) * attention.valueSize
                    for c in 0..<attention.valueSize {
                        let change = adjoint[queryRow, head * attention.valueSize + c]
                        dPattern[pair, head] += change * values[row, start + c]
                        if key >= part.storedCount { dValue[row, start + c] += real(0)[pair, head] * change }
                    }
                }
            }
        }
        return [dPattern, dValue]
    }

    // MARK: Bias

    /// The row of the table that the distance of key and query falls into.
    func positionBias(_ attributes: PositionBiasAttributes) throws(InterpreterError) -> Matrix64 {
        var bias = zeros()
        for part in try sequencePairs(attributes.rows, store: attributes.store, total: bias.rows) {
            for query in 0..<part.queries.count {
                for key in 0..<part.keyCount {
                    let bucket = attributes.bucket(distance: key - part.position(query))
                    for head in 0..<bias.columns { bias[part.pair(query, key), head] = real(0)[bucket, head] }
                }
            }
        }
        return bias
    }

    func positionBiasGradient(_ attributes: PositionBiasAttributes) throws(InterpreterError) -> Matrix64 {
        var table = zeros()
        let adjoint = real(0)
        for part in try sequencePairs(attributes.rows, store: attributes.store, total: adjoint.rows) {
            for query in 0..<part.queries.count {
                for key in 0..<part.keyCount {
                    let bucket = attributes.bucket(distance: key - part.position(query))
                    for head in 0..<table.columns { table[bucket, head] += adjoint[part.pair(query, key), head] }
                }
            }
        }
        return table
    }
}

extension SequencePairs {
    /// The keys that a query sees, counted over stored and live ones.
    func visibleKeys(_ query: Int, _ attention: AttentionAttributes) -> [Int] {
        (0..<keyCount).filter { attention.sees(query: position(query), key: $0) }
    }

    /// Every query with every key that it sees.
    func visible(_ attention: AttentionAttributes) -> [(query: Int, key: Int)] {
        (0..<queries.count).flatMap { query in visibleKeys(query, attention).map { (query, $0) } }
    }
}
