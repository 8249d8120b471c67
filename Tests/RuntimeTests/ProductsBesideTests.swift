import Graph
import Testing

@testable import Runtime

/// Products of the same few rows with frozen matrices run in one call; nobody can tell by the numbers.
@Suite struct ProductsBesideTests {
    /// Three products of x, one of them with a bias, and one of another value.
    private func plan() throws -> (plan: Plan, data: TestData) {
        var data = TestData(seed: 31)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 40))
        for (name, rows) in [("q", 24), ("k", 9), ("v", 70)] { try data.weight(name, rows, 40) }
        try data.weight("o", 33, 70)
        try data.weight("b", 1, 9)
        let query = x.linear(builder.weight("q", rows: 24, columns: 40))
        let key = builder.node(
            .matmul(transposeLeft: false, transposeRight: true), x, builder.weight("k", rows: 9, columns: 40),
            builder.weight("b", rows: 1, columns: 9))
        let value = x.linear(builder.weight("v", rows: 70, columns: 40))
        let output = value.linear(builder.weight("o", rows: 33, columns: 70))
        return (try Plan(try builder.finish(), outputs: [query.id, key.id, value.id, output.id]), data)
    }

    @Test func onlyProductsOfTheSameRowsStandBesideEachOther() throws {
        let (plan, data) = try plan()
        let executor = try data.executor(plan)
        #expect(plan.stepCount == 4)
        #expect([0, 3].map { executor.steps[$0].besideCount } == [3, 1])
        let inBytes = try Executor(plan, weights: WeightDictionary(data.weights), precision: .int8)
        #expect((0..<4).map { inBytes.steps[$0].besideCount } == [1, 1, 1, 1])
    }

    @Test(arguments: [1, 5, 8, 20]) func theNumbersAreThoseOfTheInterpreter(rows: Int) throws {
        var (plan, data) = try plan()
        data.real("x", rows, 40)
        let executor = try data.executor(plan)
        try executor.run(data.batch)
        let expected = try Interpreter(plan.graph).evaluate(plan.outputs, bindings: data.bindings)
        for index in expected.indices { #expect(difference(executor.output(index), expected[index]) < 2e-6) }
        let together = expected.indices.map { executor.output($0).floats() }
        // A profile runs them one by one.
        executor.isProfiling = true
        try executor.run(data.batch)
        #expect(expected.indices.map { executor.output($0).floats() } == together)
    }
}
