import Graph
import Testing

@testable import Runtime

/// What a run refuses before it computes anything, with whole texts.
@Suite struct BatchErrorTests {
    /// Embedding, attention and loss on inputs named as the models name them.
    private func graph() throws -> (graph: ComputationGraph, loss: ValueID, logits: ValueID) {
        let inputs = RunInputs()
        let builder = GraphBuilder()
        let tokens = builder.input(inputs.tokens, .indices(inputs.rows))
        let offsets = builder.input(inputs.offsets, .indices(inputs.bounds))
        let table = builder.weight("embed_tokens.weight", rows: 10, columns: 4)
        let x = builder.from(.model("model.embed_tokens")) { table.rows(at: tokens) }
        let attributes = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 4, causal: true)
        let mixed = builder.from(.model("model.layers.0")) {
            x + builder.node(.attention(attributes), x, x, x, offsets)
        }
        let labelled = builder.input(inputs.labelled, .indices(inputs.labelledRows))
        let targets = builder.input(inputs.targets, .indices(inputs.labelledRows))
        let edits = builder.input("edits", .indices(.named("edits.count")))
        let factors = builder.parameter("p", rows: 1, columns: 4)
        let edited = mixed.replacingRows(at: edits, with: mixed.rows(at: edits) * factors)
        let logits = edited.rows(at: labelled).times(table, transposed: true)
        let loss = builder.node(.crossEntropy, logits, targets).sum(.all)
        let scale = builder.input(inputs.lossScale, .real(1, 1))
        let scaled = loss * scale
        return (try builder.finish(), scaled.id, logits.id)
    }

    private func goodBatch() -> InputBatch {
        var batch = InputBatch()
        batch.set("base.tokens", indices: [3, 1, 9, 0, 2])
        batch.set("base.offsets", indices: [0, 3, 5])
        batch.set("base.labelled", indices: [2, 4])
        batch.set("base.targets", indices: [5, 9])
        batch.set("edits", indices: [4, 0])
        batch.set("base.loss_scale", rows: 1, columns: 1, values: [0.5])
        return batch
    }

    private func weights() throws -> WeightDictionary {
        let values = (0..<40).map { Float($0 % 7) * 0.1 }
        return WeightDictionary([try FrozenWeight("embed_tokens.weight", rows: 10, columns: 4, values: values)])
    }

    private func store(_ columns: Int = 4, name: String = "p") throws -> ParameterStore {
        try ParameterStore([ParameterSpecification(name, 1, columns, initialiser: .constant(2))], seed: 0)
    }

    private func error(_ change: (inout InputBatch) -> Void) throws -> String? {
        let (graph, loss, _) = try graph()
        let executor = try Executor(try Plan(graph, outputs: [loss]), weights: weights())
        var batch = goodBatch()
        change(&batch)
        let store = try store()
        return message { try executor.run(batch, parameters: store) }
    }

    @Test func aGoodBatchRuns() throws { #expect(try error { _ in } == nil) }

    @Test func missingAndMisnamedInputs() throws {
        #expect(
            try error {
                var other = InputBatch()
                other.set("base.token", indices: [1])
                $0 = other
            } == "Input 'base.tokens' index[base.rows, 1] was not given. Did you mean 'base.token'?")
        #expect(
            try error { $0.set("base.tokens", rows: 5, columns: 1, values: [0, 0, 0, 0, 0]) }
                == "Input 'base.tokens' was given as numbers; the graph wants indices.")
        #expect(
            try error { $0.set("base.loss_scale", indices: [1]) }
                == "Input 'base.loss_scale' was given as indices; the graph wants numbers.")
        #expect(
            try error { $0.set("base.loss_scale", rows: 1, columns: 2, values: [1, 1]) }
                == "Input 'base.loss_scale' has 2 columns; the graph wants 1.")
        #expect(
            try error { $0.set("base.loss_scale", rows: 2, columns: 1, values: [1]) }
                == "Input 'base.loss_scale' has 1 numbers, which do not make 2 rows of 1.")
        #expect(
            try error { $0.set("base.loss_scale", rows: .max, columns: 2, values: [1]) }
                == "Input 'base.loss_scale' has 1 numbers, which do not make \(Int.max) rows of 2.")
    }

    @Test func extentsThatContradictEachOtherNameBothInputs() throws {
        #expect(
            try error { $0.set("base.targets", indices: [1]) }
                == "'base.labelled' makes base.labelled.rows 2, but 'base.targets' makes it 1.")
        #expect(
            try error { $0.set(size: "base.rows", 7) }
                == "'base.tokens' makes base.rows 5, but 'size of base.rows' makes it 7.")
    }

    @Test func anExtentThatNobodyTells() throws {
        let builder = GraphBuilder(provenance: .model("head"))
        let x = builder.input("x", .real(1, 3))
        let wide = x.broadcast(to: Shape(.named("base.rows"), 3))
        let executor = try Executor(try Plan(try builder.finish(), outputs: [wide.id]), weights: WeightDictionary([]))
        var batch = InputBatch()
        batch.set("x", rows: 1, columns: 3, values: [1, 2, 3])
        #expect(
            message { try executor.run(batch) }
                == "No input that was given tells base.rows, which %1 (head) needs.")
        batch.set(size: "base.rows", 2)
        try executor.run(batch)
        #expect(executor.output(0).floats() == [1, 2, 3, 1, 2, 3])
        for size in [-1, .max] {
            batch.set(size: "base.rows", size)
            #expect(
                message { try executor.run(batch) } == "size of base.rows is \(size); allowed: 0...2147483647.")
        }
    }

    @Test func indicesOutOfRange() throws {
        #expect(
            try error { $0.set("base.tokens", indices: [3, 1, 10, 0, 2]) }
                == "Input 'base.tokens' holds 10 at place 2, which is no row of embed_tokens.weight; allowed: 0..<10.")
        #expect(
            try error { $0.set("base.tokens", indices: [3, 1, 9, 0, -1]) }
                == "Input 'base.tokens' holds -1 at place 4, which is no row of embed_tokens.weight; allowed: 0..<10.")
        #expect(
            try error { $0.set("base.labelled", indices: [2, 5]) }
                == "Input 'base.labelled' holds 5 at place 1, which is no row of %12 (graph); allowed: 0..<5.")
        #expect(
            try error { $0.set("base.targets", indices: [10, 0]) }
                == "Input 'base.targets' holds 10 at place 0, which is no class of %14 (graph); allowed: 0..<10, or "
                + "negative for none.")
        #expect(
            try error { $0.set("edits", indices: [0, 5]) }
                == "Input 'edits' holds 5 at place 1, which is no row of %5 (model.layers.0); allowed: 0..<5.")
        #expect(
            try error { $0.set("edits", indices: [4, 4]) }
                == "Input 'edits' names row 4 a second time at place 1; each row may be edited once.")
        #expect(
            try error { $0.set("edits", indices: [2, 1, 2]) }
                == "Input 'edits' names row 2 a second time at place 2; each row may be edited once.")
    }

    @Test func offsetsThatAreNone() throws {
        #expect(
            try error { $0.set("base.offsets", indices: [1, 3, 5]) }
                == "Input 'base.offsets' holds 1 at place 0, but offsets begin with 0.")
        #expect(
            try error { $0.set("base.offsets", indices: [0, 4, 3, 5]) }
                == "Input 'base.offsets' holds 3 at place 2, but offsets do not fall, and place 1 holds 4.")
        #expect(
            try error { $0.set("base.offsets", indices: [0, 3]) }
                == "Input 'base.offsets' holds 3 at place 1, but offsets end with the number of rows, 5.")
        #expect(
            try error { $0.set("base.offsets", indices: []) }
                == "Input 'base.offsets' has 0 rows; the graph wants 1.")
    }

    @Test func parametersThatAreMissingOrOfAnotherShape() throws {
        let (graph, loss, _) = try graph()
        let executor = try Executor(try Plan(graph, outputs: [loss]), weights: weights())
        #expect(
            message { try executor.run(goodBatch()) }
                == "The plan needs a parameter store with 'p'; none was given.")
        let (other, wide) = (try store(name: "pq"), try store(5))
        #expect(
            message { try executor.run(goodBatch(), parameters: other) }
                == "There is no parameter 'p'. Did you mean 'pq'?")
        #expect(
            message { try executor.run(goodBatch(), parameters: wide) }
                == "Parameter 'p' is [1, 5]; the graph wants [1, 4].")
    }

    @Test func weightsThatAreMissingOrOfAnotherShape() throws {
        let (graph, loss, _) = try graph()
        let plan = try Plan(graph, outputs: [loss])
        let near = WeightDictionary([try FrozenWeight("embed_token.weight", rows: 1, columns: 1, values: [0])])
        #expect(
            message { _ = try Executor(plan, weights: near) }
                == "There is no weight 'embed_tokens.weight'. Did you mean 'embed_token.weight'?")
        let turned = WeightDictionary([
            try FrozenWeight("embed_tokens.weight", rows: 4, columns: 10, values: [Float](repeating: 0, count: 40))
        ])
        #expect(
            message { _ = try Executor(plan, weights: turned) }
                == "Weight 'embed_tokens.weight' is [4, 10]; the graph wants [10, 4].")
    }

    @Test func outputsThatAreNone() throws {
        let (graph, loss, logits) = try graph()
        #expect(
            message { _ = try Plan(graph, outputs: [ValueID(99)]) }
                == "%99 is not a value of the graph, which has \(graph.nodes.count) nodes.")
        #expect(
            message { _ = try Plan(graph, outputs: [ValueID(loss.node, 1)]) }
                == "%\(loss.node).1 is not a value of the graph, which has \(graph.nodes.count) nodes.")
        let executor = try Executor(try Plan(graph, outputs: [loss]), weights: weights())
        #expect(
            message { _ = try executor.output(of: logits) }
                == "\(logits) is not an output of the plan; its outputs are \(loss).")
        #expect(executor.output(0).count == 0)
    }

    @Test func aFailedRunLeavesTheExecutorUsable() throws {
        let (graph, loss, _) = try graph()
        let executor = try Executor(try Plan(graph, outputs: [loss]), weights: weights())
        let store = try store()
        try executor.run(goodBatch(), parameters: store)
        let first = executor.output(0)[0, 0]
        var bad = goodBatch()
        bad.set("base.tokens", indices: (0..<400).map { _ in 77 })
        bad.set("base.offsets", indices: [0, 400])
        #expect(message { try executor.run(bad, parameters: store) } != nil)
        try executor.run(goodBatch(), parameters: store)
        #expect(executor.output(0)[0, 0] == first)
    }
}
