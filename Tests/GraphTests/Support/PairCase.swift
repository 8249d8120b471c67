import Testing

@testable import Graph

/// Attention in parts over random queries, keys and values.
struct PairCase: Sendable, CustomTestStringConvertible {
    let queries: [Int]
    /// The lengths of the sequences that are attended to; nil for self-attention.
    let keys: [Int]?
    let stored: [Int]?
    let attributes: AttentionAttributes

    init(_ queries: [Int], keys: [Int]? = nil, stored: [Int]? = nil, _ attributes: AttentionAttributes) {
        self.queries = queries
        self.keys = keys
        self.stored = stored
        self.attributes = attributes
    }

    static let all = [
        PairCase([3, 1, 2], AttentionAttributes(heads: 2, keyHeads: 2, headSize: 3, causal: true)),
        PairCase([2, 3], AttentionAttributes(heads: 2, keyHeads: 2, headSize: 2, causal: false)),
        PairCase([4, 0], AttentionAttributes(heads: 4, keyHeads: 2, headSize: 2, valueSize: 3, causal: true)),
        PairCase([5, 1], AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true, window: 2)),
        PairCase([4], AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: false, window: 2)),
        PairCase([3], AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, softCap: 0.7, causal: true)),
        PairCase(
            [2, 0, 1], stored: [1, 3, 2],
            AttentionAttributes(
                heads: 2, keyHeads: 2, headSize: 2, valueSize: 1, softCap: 1.5, causal: true, window: 3, store: 0)),
        PairCase([3, 2], keys: [2, 4], AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: false)),
    ]

    var testDescription: String {
        "\(queries) over \(keys ?? queries), stored \(stored ?? []), \(attributes)"
    }

    var rows: PairRows {
        PairRows(
            queries: .named("rows"), keys: keys == nil ? nil : .named("keys"), pairs: .named("pairs"))
    }

    static func offsets(_ lengths: [Int]) -> [Int32] {
        lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int32($1)) }
    }

    func offsets(_ check: GradientCheck) -> [Value] {
        [check.indices("offsets", Self.offsets(queries), symbol: "bounds")]
            + (keys.map { [check.indices("key offsets", Self.offsets($0), symbol: "bounds")] } ?? [])
    }

    /// Query, key and value as variables.
    func variables(_ check: GradientCheck) -> (query: Value, key: Value, value: Value) {
        let (keyColumns, valueColumns) = (
            attributes.keyHeads * attributes.headSize, attributes.keyHeads * attributes.valueSize
        )
        if let stored, let slot = attributes.store {
            check.store(slot, stored, keyColumns: keyColumns, valueColumns: valueColumns)
        }
        let (queryCount, keyCount) = (queries.reduce(0, +), (keys ?? queries).reduce(0, +))
        let keyRows = keys == nil ? "rows" : "keys"
        return (
            check.variable(queryCount, attributes.heads * attributes.headSize, symbol: "rows"),
            check.variable(keyCount, keyColumns, symbol: keyRows),
            check.variable(keyCount, valueColumns, symbol: keyRows)
        )
    }

    /// The number of pairs, stored keys included.
    var pairCount: Int {
        queries.indices.reduce(0) { $0 + queries[$1] * ((stored?[$1] ?? 0) + (keys ?? queries)[$1]) }
    }
}
