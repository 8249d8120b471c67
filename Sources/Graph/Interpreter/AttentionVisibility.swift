/// A query row with the keys that it sees.
struct AttentionQuery {
    let row: Int
    let visible: [AttentionKey]
}

/// A key (with its value): where it lies and in which row.
struct AttentionKey {
    enum Place {
        case parameter
        case stored(Interpreter.StoredKeysAndValues)
        case live
    }
    let place: Place
    let row: Int

    /// Which result of the gradient belongs to the key, if any.
    var keyGradient: Int? {
        switch place {
        case .live: 1
        case .parameter: 3
        case .stored: nil
        }
    }

    /// Which result of the gradient belongs to the value, if any.
    var valueGradient: Int? { keyGradient.map { $0 + 1 } }
}

extension AttentionAttributes {
    /// Whether a query sees a key by their positions: under causal attention none that comes later, with a window none
    /// that is `window` or more positions away.
    func sees(query: Int, key: Int) -> Bool {
        if causal && key > query { return false }
        return window.map { abs(query - key) < $0 } ?? true
    }
}

extension NodeEvaluation {
    /// All query rows. The keys of each are, in this order: the parameter keys, which everyone sees, the stored keys of
    /// its sequence at positions 0, 1, …, and the live ones at the positions after those.
    func attentionQueries(_ attributes: AttentionAttributes) throws(InterpreterError) -> [AttentionQuery] {
        let offsets = try sequenceOffsets(rows: real(0).rows)
        let segments = try storedSegments(attributes, sequences: offsets.count - 1)
        let parameters = (0..<(attributes.hasParameterKeys ? real(4).rows : 0)).map {
            AttentionKey(place: .parameter, row: $0)
        }
        var queries: [AttentionQuery] = []
        for sequence in 0..<offsets.count - 1 {
            let (start, end) = (offsets[sequence], offsets[sequence + 1])
            let stored = segments.isEmpty ? nil : segments[sequence]
            let storedLength = stored?.keys.rows ?? 0
            for row in start..<end {
                let position = storedLength + row - start
                var visible = parameters
                if let stored {
                    for key in 0..<storedLength where attributes.sees(query: position, key: key) {
                        visible.append(AttentionKey(place: .stored(stored), row: key))
                    }
                }
                for key in start..<end
                where attributes.sees(query: position, key: storedLength + key - start) {
                    visible.append(AttentionKey(place: .live, row: key))
                }
                queries.append(AttentionQuery(row: row, visible: visible))
            }
        }
        return queries
    }

    private func sequenceOffsets(rows: Int) throws(InterpreterError) -> [Int] {
        let offsets = inputs[3].indices.map(Int.init)
        guard offsets.first == 0, offsets.last == rows, zip(offsets, offsets.dropFirst()).allSatisfy(<=) else {
            throw .offsets(offsets, rows: rows, provenance: node.provenance)
        }
        return offsets
    }

    /// What is stored of each sequence for the attention's slot; nothing where there is no slot or it is empty.
    func storedSegments(
        _ attributes: AttentionAttributes, sequences: Int
    ) throws(InterpreterError) -> [Interpreter.StoredKeysAndValues] {
        guard let slot = attributes.store, let segments = stored[slot], !segments.isEmpty else { return [] }
        guard segments.count == sequences else {
            throw .stored(
                slot: slot, message: "holds \(segments.count) sequences, the batch has \(sequences)",
                provenance: node.provenance)
        }
        let (keyColumns, valueColumns) = (
            attributes.keyHeads * attributes.headSize, attributes.keyHeads * attributes.valueSize
        )
        for (sequence, segment) in segments.enumerated() {
            let (keys, values) = (segment.keys, segment.values)
            guard keys.isConsistent, values.isConsistent, keys.columns == keyColumns, values.columns == valueColumns,
                keys.rows == values.rows
            else {
                throw .stored(
                    slot: slot,
                    message:
                        "holds keys [\(keys.rows), \(keys.columns)] and values [\(values.rows), \(values.columns)] "
                        + "for sequence \(sequence), not \(keyColumns) and \(valueColumns) columns of equal length",
                    provenance: node.provenance)
            }
        }
        return segments
    }
}
