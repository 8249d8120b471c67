import Graph
import Testing

@testable import Runtime

@Suite(.serialized) struct DeterminismTests {
    /// A small network with attention, norms, loss and gradients, on enough rows that kernels are split over threads.
    private func training() throws -> (plan: Plan, data: TestData) {
        var data = TestData(seed: 17)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 64))
        data.real("x", 300, 64)
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        data.indices("offsets", [0, 120, 121, 300])
        let targets = builder.input("targets", .indices(.named("rows")))
        data.indices("targets", (0..<300).map { Int32($0 % 50) })
        let norm = builder.weight("norm", rows: 1, columns: 64)
        try data.weight("norm", 1, 64)
        let rotation = builder.parameter("rotation", rows: 64, columns: 4)
        data.parameter("rotation", 64, 4)
        let head = builder.weight("head", rows: 50, columns: 64)
        try data.weight("head", 50, 64)
        let normed = builder.node(.rmsNorm(RMSNormAttributes(epsilon: 1e-5)), x, norm)
        let edited = normed + normed.times(rotation).applying(.tanh).times(rotation, transposed: true)
        let attributes = AttentionAttributes(heads: 4, keyHeads: 4, headSize: 16, causal: true)
        let mixed = builder.node(.attention(attributes), edited, edited, edited, offsets)
        let logits = (edited + mixed).times(head, transposed: true) * 0.1
        let loss = builder.node(.crossEntropy, logits, targets).sum(.all)
        let derived = try builder.finish().differentiating(loss.id, withRespectTo: [rotation.id, x.id])
        return (try Plan(derived.graph, outputs: [loss.id] + derived.gradients.compactMap { $0 }), data)
    }

    @Test func theSameBatchGivesTheSameBitsInOneExecutorAndAnother() throws {
        let (plan, data) = try training()
        let store = try data.store()
        let (first, second) = (try data.executor(plan), try data.executor(plan))
        try first.run(data.batch, parameters: store)
        let bits = (0..<3).map { first.output($0).floats() }
        #expect(bits[1].count == 256 && bits[1].contains { $0 != 0 })
        for executor in [first, second, first] {
            try executor.run(data.batch, parameters: store)
            #expect((0..<3).map { executor.output($0).floats() } == bits)
        }
    }

    @Test func changedParametersAreReadWhereTheyLie() throws {
        let (plan, data) = try training()
        let store = try #require(try data.store())
        let executor = try data.executor(plan)
        try executor.run(data.batch, parameters: store)
        let before = executor.output(0)[0, 0]
        try store.set("rotation", [Float](repeating: 0, count: 256))
        try executor.run(data.batch, parameters: store)
        #expect(executor.output(0)[0, 0] != before)
        // Another store of the same shape takes the place of the first.
        let other = try #require(try data.store())
        try executor.run(data.batch, parameters: other)
        #expect(executor.output(0)[0, 0] == before)
    }

    @Test func profilingCountsEachKernelCall() throws {
        let (plan, data) = try training()
        let executor = try data.executor(plan)
        #expect(executor.profile().isEmpty)
        executor.isProfiling = true
        let store = try data.store()
        for _ in 0..<2 { try executor.run(data.batch, parameters: store) }
        #expect(executor.profile().reduce(0) { $0 + $1.calls } == 2 * plan.stepCount)
        #expect(executor.profile().first { $0.name == "attention" }?.calls == 2)
        #expect(executor.profileByProvenance().map(\.name).sorted() == ["gradient of graph", "graph"])
        executor.resetProfile()
        #expect(executor.profile().isEmpty)
    }
}
