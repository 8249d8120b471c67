import Graph
import Testing

@testable import Runtime

@Suite struct ProductPrecisionTests {
    /// x·Wᵀ, x·P and dy·W on `rows` rows, of widths 24 and 40.
    private func products(rows: Int) throws -> (plan: Plan, data: TestData) {
        var data = TestData(seed: 29)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 24))
        data.real("x", rows, 24)
        let dy = builder.input("dy", .real(.named("rows"), 40))
        data.real("dy", rows, 40)
        let weight = builder.weight("w", rows: 40, columns: 24)
        try data.weight("w", 40, 24)
        let parameter = builder.parameter("p", rows: 24, columns: 40)
        data.parameter("p", 24, 40)
        let outputs = [x.times(weight, transposed: true), dy.times(weight), x.times(parameter)]
        return (try Plan(try builder.finish(), outputs: outputs.map(\.id)), data)
    }

    private func rounded(_ matrix: Matrix64) -> Matrix64 {
        Matrix64(
            rows: matrix.rows, columns: matrix.columns,
            values: matrix.values.map { value in
                let bits = Float(value).bitPattern
                return Double(Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000))
            })
    }

    @Test(arguments: [(30, true), (8, false)])
    func operandsOfProductsWithFrozenWeightsAreRounded(rows: Int, isRounded: Bool) throws {
        let (plan, data) = try products(rows: rows)
        let executor = try Executor(plan, weights: WeightDictionary(data.weights), precision: .bf16)
        try executor.run(data.batch, parameters: try data.store())
        var bindings = data.bindings
        let exact = try Interpreter(plan.graph).evaluate(plan.outputs, bindings: bindings)
        for name in ["x", "dy"] {
            guard case .real(let values)? = bindings.inputs[name] else { continue }
            bindings.inputs[name] = .real(rounded(values))
        }
        bindings.weights["w"] = bindings.weights["w"].map(rounded)
        let expected = try Interpreter(plan.graph).evaluate(plan.outputs, bindings: bindings)
        for index in 0..<2 {
            #expect(difference(executor.output(index), isRounded ? expected[index] : exact[index]) < 1e-6)
            #expect(difference(executor.output(index), isRounded ? exact[index] : expected[index]) > 1e-4)
        }
        #expect(difference(executor.output(2), exact[2]) < 1e-6)
    }

    @Test func profilesTellProductsApart() throws {
        let (plan, data) = try products(rows: 30)
        let executor = try data.executor(plan)
        executor.isProfiling = true
        for _ in 0..<3 { try executor.run(data.batch, parameters: try data.store()) }
        let entries = executor.profileByShape().sorted { $0.name < $1.name }
        #expect(entries.map(\.name) == ["matmul 24 → 40", "matmul 40 → 24"])
        #expect(entries.map(\.calls) == [6, 3])
        #expect(entries.map(\.operations) == [345_600, 172_800])
        #expect(executor.profile().map(\.name) == ["matmul"])
    }
}
