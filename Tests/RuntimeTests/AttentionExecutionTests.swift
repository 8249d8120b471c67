import Graph
import Testing

@testable import Runtime

@Suite struct AttentionExecutionTests {
    static let variants: [AttentionAttributes] = [
        AttentionAttributes(heads: 2, keyHeads: 2, headSize: 8, causal: true),
        AttentionAttributes(heads: 4, keyHeads: 2, headSize: 8, valueSize: 4, causal: false),
        AttentionAttributes(heads: 3, keyHeads: 1, headSize: 5, scale: 0.3, softCap: 2, causal: true),
        AttentionAttributes(heads: 4, keyHeads: 2, headSize: 8, causal: true, window: 3),
        AttentionAttributes(heads: 2, keyHeads: 1, headSize: 8, causal: true, hasParameterKeys: true),
        AttentionAttributes(heads: 2, keyHeads: 2, headSize: 6, causal: false, window: 2, hasParameterKeys: true),
    ]

    /// The attention of inputs q, k, v, offsets and parameters pk, pv.
    private func attention(_ builder: GraphBuilder, _ attributes: AttentionAttributes) -> [Value] {
        let keyWidth = attributes.keyHeads * attributes.headSize
        let valueWidth = attributes.keyHeads * attributes.valueSize
        var inputs = [
            builder.input("q", .real(.named("rows"), .fixed(attributes.heads * attributes.headSize))),
            builder.input("k", .real(.named("rows"), .fixed(keyWidth))),
            builder.input("v", .real(.named("rows"), .fixed(valueWidth))),
            builder.input("offsets", .indices(.named("bounds"))),
        ]
        if attributes.hasParameterKeys {
            inputs.append(builder.parameter("pk", rows: 2, columns: keyWidth))
            inputs.append(builder.parameter("pv", rows: 2, columns: valueWidth))
        }
        return builder.results(.attention(attributes), inputs)
    }

    private func data(_ attributes: AttentionAttributes, offsets: [Int32]) -> TestData {
        var data = TestData(seed: 3)
        let rows = Int(offsets.last ?? 0)
        data.real("q", rows, attributes.heads * attributes.headSize)
        data.real("k", rows, attributes.keyHeads * attributes.headSize)
        data.real("v", rows, attributes.keyHeads * attributes.valueSize)
        data.indices("offsets", offsets)
        data.parameter("pk", 2, attributes.keyHeads * attributes.headSize)
        data.parameter("pv", 2, attributes.keyHeads * attributes.valueSize)
        return data
    }

    @Test(arguments: variants, [[0], [0, 0], [0, 1], [0, 5, 6, 6, 19]] as [[Int32]])
    func bothResultsMatchTheInterpreter(attributes: AttentionAttributes, offsets: [Int32]) throws {
        let builder = GraphBuilder()
        let results = attention(builder, attributes)
        try expectSameNumbers(
            try builder.finish(), results.map(\.id), data(attributes, offsets: offsets), tolerance: 3e-6)
    }

    @Test(arguments: variants) func gradientsMatchTheInterpreter(attributes: AttentionAttributes) throws {
        let builder = GraphBuilder()
        let output = attention(builder, attributes)[0]
        let loss = (output * output.applying(.sigmoid)).sum(.all)
        var leaves = ["q", "k", "v"].map { name in
            builder.graph.nodes.firstIndex { $0.operation == .input(name) }
        }
        if attributes.hasParameterKeys {
            leaves += ["pk", "pv"].map { name in builder.graph.nodes.firstIndex { $0.operation == .parameter(name) } }
        }
        let values = leaves.compactMap { $0.map { ValueID($0) } }
        let derived = try builder.finish().differentiating(loss.id, withRespectTo: values)
        let data = data(attributes, offsets: [0, 4, 5, 5, 13])
        try expectSameNumbers(derived.graph, derived.gradients.compactMap { $0 }, data, tolerance: 5e-6)
        // With one gradient wanted the others are not computed.
        for gradient in derived.gradients.compactMap({ $0 }) {
            try expectSameNumbers(derived.graph, [gradient], data, tolerance: 5e-6)
        }
    }

    // MARK: Stored keys and values

    /// Two attentions in a row, the second reading what the first gave, with a store if asked.
    private func twoLayers(store: Bool, window: Int?) throws -> (graph: ComputationGraph, output: ValueID) {
        let builder = GraphBuilder()
        var x = builder.input("x", .real(.named("rows"), 12))
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        for layer in 0..<2 {
            let attributes = AttentionAttributes(
                heads: 3, keyHeads: 1, headSize: 4, causal: true, window: window, store: store ? 7 - layer : nil)
            let key = x.times(builder.weight("k\(layer)", rows: 12, columns: 4))
            let value = x.times(builder.weight("v\(layer)", rows: 12, columns: 4))
            x = x + builder.node(.attention(attributes), x, key, value, offsets)
        }
        return (try builder.finish(), x.id)
    }

    private struct Rows {
        var random = Philox(seed: 8)
        var weights: [FrozenWeight] = []
        var sequences: [[Float]]

        init(sequences count: Int, rows: Int) throws {
            sequences = Array(repeating: [], count: count)
            // Small weights, so that rounding is not blown up by sharp attention.
            func numbers() -> [Float] { random.normals(48).map { 0.2 * $0 } }
            for layer in 0..<2 {
                weights.append(try FrozenWeight("k\(layer)", rows: 12, columns: 4, values: numbers()))
                weights.append(try FrozenWeight("v\(layer)", rows: 12, columns: 4, values: numbers()))
            }
            for index in 0..<count { sequences[index] = random.normals(rows * 12) }
        }

        /// Rows of each sequence as one ragged batch.
        func batch(_ ranges: [Range<Int>], of sequences: [[Float]]) -> InputBatch {
            var batch = InputBatch()
            var (numbers, offsets): ([Float], [Int32]) = ([], [0])
            for (range, sequence) in zip(ranges, sequences) {
                numbers += sequence[range.lowerBound * 12..<range.upperBound * 12]
                offsets.append(Int32(numbers.count / 12))
            }
            batch.set("x", rows: numbers.count / 12, columns: 12, values: numbers)
            batch.set("offsets", indices: offsets)
            return batch
        }
    }

    @Test(arguments: [nil, 5]) func stepsWithAStoreEqualTheWholeSequence(window: Int?) throws {
        let rows = try Rows(sequences: 3, rows: 100)
        let whole = try twoLayers(store: false, window: window)
        let full = try Executor(Plan(whole.graph, outputs: [whole.output]), weights: WeightDictionary(rows.weights))
        let stored = try twoLayers(store: true, window: window)
        let plan = try Plan(stored.graph, outputs: [stored.output])
        #expect(plan.keyValueSlots.map(\.slot) == [6, 7])
        let executor = try Executor(plan, weights: WeightDictionary(rows.weights))
        let store = KeyValueStore(plan.keyValueSlots, sequences: 3)
        // A prompt of another length each, then pieces of 1 and more rows, one of them empty.
        var done = [0, 0, 0]
        for step in [[40, 3, 1], [1, 1, 1], [1, 0, 30], [1, 1, 1], [57, 95, 2]] {
            let ranges = zip(done, step).map { $0..<$0 + $1 }
            try executor.run(rows.batch(ranges, of: rows.sequences), keyValues: store)
            let given = executor.output(0).floats()
            var first = 0
            for (index, range) in ranges.enumerated() {
                try full.run(rows.batch([0..<range.upperBound], of: [rows.sequences[index]]))
                let expected = Array(full.output(0).floats().suffix(range.count * 12))
                let part = Array(given[first * 12..<(first + range.count) * 12])
                #expect(largestDifference(part, expected) <= 1e-5, "sequence \(index), rows \(range)")
                first += range.count
            }
            done = ranges.map(\.upperBound)
            #expect(store.lengths == done)
        }
    }

    @Test func sequencesAreForkedReorderedAndShortened() throws {
        var rows = try Rows(sequences: 2, rows: 90)
        let whole = try twoLayers(store: false, window: nil)
        let full = try Executor(Plan(whole.graph, outputs: [whole.output]), weights: WeightDictionary(rows.weights))
        let stored = try twoLayers(store: true, window: nil)
        let plan = try Plan(stored.graph, outputs: [stored.output])
        let executor = try Executor(plan, weights: WeightDictionary(rows.weights))
        let store = KeyValueStore(plan.keyValueSlots, sequences: 2)
        try executor.run(rows.batch([0..<80, 0..<5], of: rows.sequences), keyValues: store)
        try store.reorder([1, 0, 0, 1])
        let forked = store.bytes
        #expect(store.lengths == [5, 80, 80, 5])
        // The forks go different ways from here on.
        var beams = [1, 0, 0, 1].map { rows.sequences[$0] }
        for index in beams.indices {
            let length = store.lengths[index]
            beams[index] = Array(beams[index].prefix(length * 12)) + rows.random.normals(4 * 12)
        }
        for _ in 0..<2 {
            let lengths = store.lengths
            try executor.run(rows.batch(lengths.map { $0..<$0 + 2 }, of: beams), keyValues: store)
        }
        #expect(store.bytes > forked)
        let given = executor.output(0).floats()
        for (index, length) in store.lengths.enumerated() {
            try full.run(rows.batch([0..<length], of: [beams[index]]))
            let expected = Array(full.output(0).floats().suffix(24))
            #expect(largestDifference(Array(given[index * 24..<index * 24 + 24]), expected) <= 1e-5, "beam \(index)")
        }
        // Shortened, run again on the same rows: the same numbers. The others are gone.
        try store.truncate(2, to: 82)
        try store.remove([0, 3])
        #expect(store.lengths == [84, 82])
        try store.reorder([1])
        try executor.run(rows.batch([82..<84], of: [beams[2]]), keyValues: store)
        #expect(largestDifference(executor.output(0).floats(), Array(given[48..<72])) <= 1e-6)
        store.removeAllRows()
        #expect(store.lengths == [0] && store.bytes == 0)
    }

    @Test func aStoreThatDoesNotFitIsRefused() throws {
        let rows = try Rows(sequences: 2, rows: 4)
        let stored = try twoLayers(store: true, window: nil)
        let plan = try Plan(stored.graph, outputs: [stored.output])
        let executor = try Executor(plan, weights: WeightDictionary(rows.weights))
        let batch = rows.batch([0..<4, 0..<4], of: rows.sequences)
        let narrow = KeyValueStore(plan.keyValueSlots, sequences: 1)
        let other = KeyValueStore([KeyValueSlot(slot: 6, keyWidth: 4, valueWidth: 4)], sequences: 2)
        #expect(
            message { try executor.run(batch, keyValues: narrow) }
                == "The key/value store does not fit: it has 1 sequences, the batch has 2.")
        #expect(
            message { try executor.run(batch, keyValues: other) }
                == "The key/value store does not fit: it has slot 6 of 4 + 4 columns, the plan wants slot 6 of 4 + 4 "
                + "columns, slot 7 of 4 + 4 columns.")
        #expect(
            message { try narrow.reorder([0, 1]) }
                == "The key/value store does not fit: there is no sequence 1 among its 1.")
        #expect(
            message { try narrow.truncate(0, to: -1) }
                == "The key/value store does not fit: sequence 0 of its 1 can not be shortened to -1 rows.")
    }
}

/// The text of the error that `body` throws, or nil.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}
