import Graph
import Testing

@testable import Runtime

/// Scores, pattern, mix and bias in the executor against the interpreter, and with a key/value store.
@Suite struct PairExecutionTests {
    static let variants: [AttentionAttributes] = [
        AttentionAttributes(heads: 2, keyHeads: 2, headSize: 8, causal: true),
        AttentionAttributes(heads: 4, keyHeads: 2, headSize: 8, valueSize: 4, causal: false),
        AttentionAttributes(heads: 3, keyHeads: 1, headSize: 5, scale: 0.3, softCap: 2, causal: true),
        AttentionAttributes(heads: 4, keyHeads: 2, headSize: 8, causal: true, window: 3),
        AttentionAttributes(heads: 2, keyHeads: 1, headSize: 6, causal: false, window: 2),
    ]

    /// Attention in parts of inputs q, k, v and offsets, with a bias from the parameter `table`.
    private func parts(_ builder: GraphBuilder, _ attention: AttentionAttributes, isCross: Bool) -> [Value] {
        let keyRows: Dimension = .named(isCross ? "keys" : "rows")
        let rows = PairRows(queries: .named("rows"), keys: isCross ? keyRows : nil, pairs: .named("pairs"))
        let attributes = PairAttributes(attention, rows: rows)
        let query = builder.input("q", .real(.named("rows"), .fixed(attention.heads * attention.headSize)))
        let key = builder.input("k", .real(keyRows, .fixed(attention.keyHeads * attention.headSize)))
        let value = builder.input("v", .real(keyRows, .fixed(attention.keyHeads * attention.valueSize)))
        var offsets = [builder.input("offsets", .indices(.named("bounds")))]
        if isCross { offsets.append(builder.input("key offsets", .indices(.named("bounds")))) }
        let table = builder.parameter("table", rows: 8, columns: attention.heads)
        let buckets = PositionBiasAttributes(
            buckets: 8, maximumDistance: 5, bidirectional: !attention.causal, rows: rows)
        let bias = builder.results(.positionBias(buckets), [table] + offsets)[0]
        let scores = builder.results(.attentionScores(attributes), [query, key] + offsets)[0]
        let pattern = builder.results(.attentionPattern(attributes), [scores + bias] + offsets)[0]
        return [bias, pattern, builder.results(.attentionMix(attributes), [pattern, value] + offsets)[0]]
    }

    private func data(_ attention: AttentionAttributes, _ offsets: [Int32], keys: [Int32]? = nil) -> TestData {
        var data = TestData(seed: 3)
        let (rows, keyRows) = (Int(offsets.last ?? 0), Int((keys ?? offsets).last ?? 0))
        data.real("q", rows, attention.heads * attention.headSize)
        data.real("k", keyRows, attention.keyHeads * attention.headSize)
        data.real("v", keyRows, attention.keyHeads * attention.valueSize)
        data.indices("offsets", offsets)
        if let keys { data.indices("key offsets", keys) }
        data.parameter("table", 8, attention.heads)
        return data
    }

    @Test(arguments: variants, [[0], [0, 0], [0, 1], [0, 5, 6, 6, 19]] as [[Int32]])
    func valuesMatchTheInterpreter(attention: AttentionAttributes, offsets: [Int32]) throws {
        let builder = GraphBuilder()
        let values = parts(builder, attention, isCross: false)
        try expectSameNumbers(
            try builder.finish(), values.map(\.id), data(attention, offsets), tolerance: 3e-6)
    }

    @Test func crossAttentionMatchesTheInterpreter() throws {
        let attention = AttentionAttributes(heads: 4, keyHeads: 2, headSize: 8, valueSize: 3, causal: false)
        let builder = GraphBuilder()
        let values = parts(builder, attention, isCross: true)
        let data = data(attention, [0, 5, 6, 6, 9], keys: [0, 2, 2, 9, 13])
        try expectSameNumbers(try builder.finish(), values.map(\.id), data, tolerance: 3e-6)
    }

    @Test(arguments: variants, [false, true])
    func gradientsMatchTheInterpreter(attention: AttentionAttributes, isCross: Bool) throws {
        let builder = GraphBuilder()
        let output = parts(builder, attention, isCross: isCross)[2]
        let loss = (output * output.applying(.sigmoid)).sum(.all)
        let leaves = builder.graph.nodes.indices.filter {
            switch builder.graph.nodes[$0].operation {
            case .input(let name): ["q", "k", "v"].contains(name)
            case .parameter: true
            default: false
            }
        }
        #expect(leaves.count == 4)
        let derived = try builder.finish().differentiating(loss.id, withRespectTo: leaves.map { ValueID($0) })
        let data = data(attention, [0, 4, 5, 5, 13], keys: isCross ? [0, 1, 4, 6, 11] : nil)
        try expectSameNumbers(derived.graph, derived.gradients.compactMap { $0 }, data, tolerance: 5e-6)
        // With one gradient wanted the others are not computed.
        for gradient in derived.gradients.compactMap({ $0 }) {
            try expectSameNumbers(derived.graph, [gradient], data, tolerance: 5e-6)
        }
    }

    // MARK: Stored keys and values

    /// Two attentions in a row with a bias, whose patterns are scaled if asked.
    private func twoLayers(store: Bool, edited: Bool) throws -> (graph: ComputationGraph, output: ValueID) {
        let builder = GraphBuilder()
        var x = builder.input("x", .real(.named("rows"), 12))
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        let rows = PairRows(queries: .named("rows"), pairs: .named("pairs"))
        let buckets = PositionBiasAttributes(
            buckets: 6, maximumDistance: 20, bidirectional: false, store: store ? 1 : nil, rows: rows)
        let bias = builder.node(.positionBias(buckets), builder.weight("table", rows: 6, columns: 3), offsets)
        for layer in 0..<2 {
            let attributes = PairAttributes(
                AttentionAttributes(
                    heads: 3, keyHeads: 1, headSize: 4, causal: true, window: layer == 0 ? 9 : nil,
                    store: store ? layer : nil), rows: rows)
            let key = x.times(builder.weight("k\(layer)", rows: 12, columns: 4))
            let value = x.times(builder.weight("v\(layer)", rows: 12, columns: 4))
            let scores = builder.node(.attentionScores(attributes), x, key, offsets) + bias
            let pattern = builder.node(.attentionPattern(attributes), scores, offsets)
            x = x + builder.node(.attentionMix(attributes), edited ? pattern * 0.5 : pattern, value, offsets)
        }
        return (try builder.finish(), x.id)
    }

    @Test(arguments: [false, true]) func stepsWithAStoreEqualTheWholeSequence(edited: Bool) throws {
        var random = Philox(seed: 8)
        var weights = [
            try FrozenWeight("table", rows: 6, columns: 3, values: random.normals(18))
        ]
        for name in ["k0", "v0", "k1", "v1"] {
            weights.append(try FrozenWeight(name, rows: 12, columns: 4, values: random.normals(48).map { 0.2 * $0 }))
        }
        let sequences = (0..<2).map { _ in random.normals(40 * 12) }
        func batch(_ ranges: [Range<Int>]) -> InputBatch {
            var (batch, numbers, offsets) = (InputBatch(), [Float](), [Int32(0)])
            for (range, sequence) in zip(ranges, sequences) {
                numbers += sequence[range.lowerBound * 12..<range.upperBound * 12]
                offsets.append(Int32(numbers.count / 12))
            }
            batch.set("x", rows: numbers.count / 12, columns: 12, values: numbers)
            batch.set("offsets", indices: offsets)
            return batch
        }
        let whole = try twoLayers(store: false, edited: edited)
        let full = try Executor(Plan(whole.graph, outputs: [whole.output]), weights: WeightDictionary(weights))
        let stored = try twoLayers(store: true, edited: edited)
        let plan = try Plan(stored.graph, outputs: [stored.output])
        #expect(plan.keyValueSlots == (0..<2).map { KeyValueSlot(slot: $0, keyWidth: 4, valueWidth: 4) })
        let executor = try Executor(plan, weights: WeightDictionary(weights))
        let store = KeyValueStore(plan.keyValueSlots, sequences: 2)
        var done = [0, 0]
        for step in [[20, 3], [1, 1], [1, 0], [1, 30], [17, 6]] {
            let ranges = zip(done, step).map { $0..<$0 + $1 }
            try executor.run(batch(ranges), keyValues: store)
            try full.run(batch(ranges.map { 0..<$0.upperBound }))
            let (given, expected) = (executor.output(0).floats(), full.output(0).floats())
            var (first, end) = (0, 0)
            for range in ranges {
                end += range.upperBound * 12
                let count = range.count * 12
                let part = Array(given[first..<first + count])
                #expect(largestDifference(part, Array(expected[end - count..<end])) <= 1e-5, "rows \(range)")
                first += count
            }
            done = ranges.map(\.upperBound)
            #expect(store.lengths == done)
        }
    }

    @Test func tooManyPairsAreRefused() throws {
        let attention = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: true)
        let builder = GraphBuilder()
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        let table = builder.parameter("table", rows: 8, columns: attention.heads)
        let buckets = PositionBiasAttributes(
            buckets: 8, maximumDistance: 5, bidirectional: true,
            rows: PairRows(queries: .named("rows"), pairs: .named("pairs")))
        let bias = builder.node(.positionBias(buckets), table, offsets)
        var data = TestData(seed: 1)
        data.parameter("table", 8, 1)
        data.batch.set("offsets", indices: [0, 100_000])
        data.batch.set(size: "rows", 100_000)
        let executor = try data.executor(try Plan(try builder.finish(), outputs: [bias.id]))
        #expect(
            message { try executor.run(data.batch, parameters: try data.store()) }
                == "number of pairs is larger than any index; allowed: 0...2147483647.")
    }
}
