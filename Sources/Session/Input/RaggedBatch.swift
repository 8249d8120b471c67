import Graph

/// Which rows' logits are read.
public enum Demand: Hashable, Sendable {
    /// All rows of all sequences.
    case everyRow
    /// The rows that carry a label.
    case labelledRows
    /// The last row of each sequence.
    case lastRows
}

/// The rows of several sequences one after another, with what a graph's inputs need to know about them.
public struct RaggedBatch: Sendable {
    public var examples: [Example]
    /// Token ids, all sequences one after another.
    public var tokens: [Int32] = []
    /// The position of each row in its sequence.
    public var positions: [Int32] = []
    public var tokenTypes: [Int32] = []
    /// The first row of each sequence, and the number of rows.
    public var offsets: [Int32] = [0]
    /// The rows whose logits are read.
    public var demanded: [Int32] = []
    /// The judged rows, counted within the demanded ones, and the target of each.
    public var labelled: [Int32] = []
    public var targets: [Int32] = []
    /// Numbers to predict, one for each sequence of a regression.
    public var targetValues: [Float] = []

    /// - Parameter firstPositions: the position of the first row of each sequence, if rows before it lie in a
    ///   key/value store.
    public init(_ examples: [Example], demand: Demand, firstPositions: [Int]? = nil) {
        self.examples = examples
        for (index, example) in examples.enumerated() {
            let start = Int32(tokens.count)
            let first = firstPositions?[index] ?? 0
            tokens += example.tokens
            positions += example.tokens.indices.map { Int32(first + $0) }
            tokenTypes += example.tokenTypes ?? [Int32](repeating: 0, count: example.tokens.count)
            offsets.append(Int32(tokens.count))
            addDemand(of: example, start: start, demand)
        }
    }

    private mutating func addDemand(of example: Example, start: Int32, _ demand: Demand) {
        let judged = example.judgedRows
        switch demand {
        case .everyRow:
            demanded += example.tokens.indices.map { start + Int32($0) }
            labelled += judged.map { start + Int32($0.row) }
        case .labelledRows:
            labelled += judged.indices.map { Int32(demanded.count + $0) }
            demanded += judged.map { start + Int32($0.row) }
        case .lastRows:
            demanded.append(start + Int32(example.tokens.count) - 1)
        }
        targets += judged.map(\.target)
        switch example.target {
        case .category(let label):
            // A whole number: the class for a classifier, the value for a regression.
            targets.append(label)
            targetValues.append(Float(label))
        case .number(let number): targetValues.append(number)
        case .tokens, .ownTokens, .none: break
        }
    }

    /// The number of token rows.
    public var rowCount: Int { tokens.count }
    /// The number of labels that the loss is a mean over.
    public var labelCount: Int { examples.reduce(0) { $0 + $1.labelCount } }
    /// The first row of each sequence.
    public var firstRows: [Int32] { Array(offsets.dropLast()) }
    /// The last row of each sequence.
    public var lastRows: [Int32] { offsets.dropFirst().map { $0 - 1 } }

    /// The row of each sequence at a time step, of those that are so long.
    public func rows(ofStep step: Int) -> [Int32] {
        zip(offsets, offsets.dropFirst()).compactMap { start, end in
            start + Int32(step) < end ? start + Int32(step) : nil
        }
    }

    /// The numbers of all rows, for models that take such in place of tokens.
    public var features: (columns: Int, values: [Float])? {
        let rows = examples.flatMap { $0.features ?? [] }
        guard rows.count == tokens.count, let first = rows.first else { return nil }
        return (first.count, rows.flatMap { $0 })
    }
}
