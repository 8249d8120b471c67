import Graph
import Testing

@testable import Runtime

@Suite struct PlanTests {
    /// A random graph of values [rows, 6] over a small set of operations, many of them able to run in place.
    private func randomGraph(seed: UInt64, nodes: Int) throws -> (graph: ComputationGraph, values: [ValueID]) {
        var random = Philox(seed: seed)
        let builder = GraphBuilder()
        var values = [builder.input("x", .real(.named("rows"), 6)), builder.input("y", .real(.named("rows"), 6))]
        let places = builder.input("places", .indices(.named("count")))
        let weight = builder.weight("w", rows: 6, columns: 6)
        let scale = builder.weight("scale", rows: 1, columns: 6)
        func pick() -> Value {
            // Mostly recent values, so that older ones die.
            let back = Int(random.nextBits() % 3) == 0 ? values.count : min(values.count, 4)
            return values[values.count - 1 - Int(random.nextBits()) % back]
        }
        for _ in 0..<nodes {
            let (a, b) = (pick(), pick())
            let next: Value
            switch random.nextBits() % 12 {
            case 0: next = a.applying(.tanh)
            case 1: next = a + b
            case 2: next = (a * b).applying(.sigmoid)
            case 3: next = a.times(weight).applying(.tanh)
            case 4: next = a.replacingRows(at: places, with: b.rows(at: places))
            case 5: next = a.replacingColumns(from: 2, with: b.columns(1..<4))
            case 6: next = builder.node(.rmsNorm(RMSNormAttributes(epsilon: 1e-5)), a, scale)
            case 7: next = builder.node(.concatenateColumns, a.columns(3..<6), b.columns(0..<3))
            case 8: next = a.softmax()
            case 9: next = builder.node(.gated(.silu), a, b)
            case 10:
                let pair = builder.results(.gatedGradient(.silu), [a, b, pick()])
                next = pair[0].applying(.tanh) - pair[1].applying(.tanh)
            default: next = a.columns(1..<5).applying(.square).sum(.columns) * b.applying(.tanh) * 0.1
            }
            values.append(next.applying(.tanh))
        }
        return (try builder.finish(), values.map(\.id))
    }

    @Test func sharedBuffersGiveTheBitsOfBuffersOfTheirOwn() throws {
        for seed in 0..<40 as Range<UInt64> {
            let (graph, values) = try randomGraph(seed: seed, nodes: 60)
            var random = Philox(seed: seed + 1000)
            // A few outputs: they must survive to the end, whatever comes after them.
            var outputs = [values[values.count - 1]]
            for _ in 0..<3 { outputs.append(values[Int(random.nextBits()) % values.count]) }
            var data = TestData(seed: seed)
            data.real("x", 9, 6)
            data.real("y", 9, 6)
            data.indices("places", [7, 0, 3])
            try data.weight("w", 6, 6)
            try data.weight("scale", 1, 6)
            let shared = try data.executor(try Plan(graph, outputs: outputs))
            let own = try data.executor(try Plan(graph, outputs: outputs, reusesBuffers: false))
            try shared.run(data.batch)
            try own.run(data.batch)
            #expect(shared.plan.bufferCount < own.plan.bufferCount)
            for place in outputs.indices {
                #expect(shared.output(place).floats() == own.output(place).floats(), "seed \(seed), output \(place)")
            }
            let expected = try Interpreter(graph).evaluate(outputs, bindings: data.bindings)
            for place in outputs.indices {
                #expect(difference(shared.output(place), expected[place]) <= 2e-5, "seed \(seed), output \(place)")
            }
        }
    }

    @Test func rowCountsChangeBetweenRunsWithoutPlanning() throws {
        let (graph, values) = try randomGraph(seed: 77, nodes: 40)
        let output = [values[values.count - 1]]
        let plan = try Plan(graph, outputs: output)
        var first: [Float] = []
        var executor: Executor?
        for rows in [5, 1, 200, 4, 5] {
            var data = TestData(seed: 4)
            try data.weight("w", 6, 6)
            try data.weight("scale", 1, 6)
            data.real("x", rows, 6)
            data.real("y", rows, 6)
            data.indices("places", [0])
            let runner = try executor ?? data.executor(plan)
            executor = runner
            try runner.run(data.batch)
            let expected = try Interpreter(graph).evaluate(output, bindings: data.bindings)
            #expect(difference(runner.output(0), expected[0]) <= 2e-5, "\(rows) rows")
            // The same batch after larger and smaller ones: the same bits.
            if rows == 5 {
                if first.isEmpty { first = runner.output(0).floats() }
                #expect(runner.output(0).floats() == first)
            }
        }
    }

    @Test func editsRunInPlaceWhenTheirBaseDies() throws {
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 8))
        let places = builder.input("places", .indices(.named("count")))
        let hidden = x * 2.0
        let edited = hidden.replacingRows(at: places, with: hidden.rows(at: places) * 3.0)
        let graph = try builder.finish()
        let plan = try Plan(graph, outputs: [edited.id])
        // `hidden` and the edited rows; the base is edited where it lies.
        #expect(plan.description == "plan of 4 steps, 2 buffers of rows · 8 + count · 8 numbers")
        #expect(plan.bufferBytes([Symbol("rows"): 10, Symbol("count"): 2]) == 4 * (80 + 16))
        // When the base is read later it must stay as it is.
        let both = try Plan(graph, outputs: [edited.id, hidden.id])
        #expect(both.description == "plan of 4 steps, 3 buffers of rows · 16 + count · 8 numbers")
        let executor = try Executor(both, weights: WeightDictionary([]))
        var batch = InputBatch()
        batch.set("x", rows: 2, columns: 8, values: (0..<16).map { Float($0) })
        batch.set("places", indices: [1])
        try executor.run(batch)
        #expect(executor.output(0).row(0)[1] == 2)
        #expect(executor.output(0).row(1)[1] == 54)
        #expect(try executor.output(of: hidden.id).row(1)[1] == 18)
    }

    @Test func onlyAncestorsAreScheduledAndUnreadResultsNotComputed() throws {
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 4))
        _ = builder.input("unused", .real(.named("rows"), 4)) * x
        let parts = builder.results(.gatedGradient(.silu), [x, x, x])
        let plan = try Plan(try builder.finish(), outputs: [parts[1].id])
        #expect(plan.inputNames == ["x"])
        #expect(plan.stepCount == 1 && plan.bufferCount == 1)
    }

    @Test func aNodeThatTakesItsOperandTwiceDoesNotOverwriteIt() throws {
        var data = TestData(seed: 2)
        data.real("x", 5, 4)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 4)) * 2.0
        let square = x * x
        let wide = builder.node(.concatenateColumns, square, square.columns(0..<2))
        let view = wide.columns(1..<5)
        let result = view + wide.columns(2..<6)
        try expectSameNumbers(try builder.finish(), [result.id, wide.id], data)
        try expectSameNumbers(try builder.finish(), [result.id], data)
    }

    @Test func aLeafCanBeAnOutput() throws {
        var data = TestData(seed: 2)
        try data.weight("w", 3, 4)
        data.parameter("p", 2, 2)
        data.real("x", 5, 4)
        let builder = GraphBuilder()
        let values = [
            builder.weight("w", rows: 3, columns: 4), builder.parameter("p", rows: 2, columns: 2),
            builder.input("x", .real(.named("rows"), 4)).columns(1..<3), builder.scalar(2.5),
        ]
        try expectSameNumbers(try builder.finish(), values.map(\.id), data)
    }

    @Test func threeThousandNodesArePlannedInNoTime() throws {
        let (graph, values) = try randomGraph(seed: 5, nodes: 1200)
        #expect(graph.nodes.count > 3000)
        let small = try randomGraph(seed: 5, nodes: 300)
        // The best of several tries, on a machine that does other things too.
        func best(_ body: () throws -> Void) rethrows -> Duration {
            let clock = ContinuousClock()
            return try (0..<5).map { _ in try clock.measure(body) }.min() ?? .zero
        }
        let short = try best { for _ in 0..<4 { _ = try Plan(small.graph, outputs: [small.values[300]]) } }
        let long = try best { _ = try Plan(graph, outputs: [values[values.count - 1]]) }
        // Four times the nodes in about the time of four small plans: a quadratic pass would take four times that.
        #expect(long < short * 3, "\(short) for four quarters, \(long) for the whole")
    }
}
