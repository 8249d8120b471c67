import Checkpoints
import Foundation
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

    /// Rows of few tokens are rounded to 8 bits where weights have 4; gradients and longer products are f32.
    @Test func eightBitsAreForFewRowsAndFourBitWeights() throws {
        var random = Philox(seed: 31)
        // Blocks of Q4_1 with scale and minimum of about 0.01.
        var bytes: [UInt8] = (0..<40 * 2 * 20).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for block in 0..<80 { for place in [1, 3] { bytes[block * 20 + place] = 0x21 } }
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("weights.gguf")
        try GGUFWriter.write(
            metadata: [], tensors: [try NamedTensor("w", shape: [40, 64], bytes: bytes, as: .q4_1)], to: url)
        let tensor = try Checkpoint(at: url).tensor("w")
        for (rows, isRounded) in [(1, true), (8, true), (9, false)] {
            var data = TestData(seed: 30)
            let builder = GraphBuilder()
            let x = builder.input("x", .real(.named("rows"), 64))
            data.real("x", rows, 64)
            let dy = builder.input("dy", .real(.named("rows"), 40))
            data.real("dy", rows, 40)
            let weight = builder.weight("w", rows: 40, columns: 64)
            data.weights = [FrozenWeight(tensor)]
            data.bindings.weights["w"] = Matrix64(rows: 40, columns: 64, values: tensor.floats().map(Double.init))
            let outputs = [x.times(weight, transposed: true), dy.times(weight)]
            let plan = try Plan(try builder.finish(), outputs: outputs.map(\.id))
            let executor = try Executor(plan, weights: WeightDictionary(data.weights), precision: .int8)
            try executor.run(data.batch, parameters: try data.store())
            let exact = try Interpreter(plan.graph).evaluate(plan.outputs, bindings: data.bindings)
            let error = difference(executor.output(0), exact[0])
            #expect(isRounded ? error > 1e-5 && error < 1e-2 : error < 1e-6, "\(rows) rows: \(error)")
            #expect(difference(executor.output(1), exact[1]) < 2e-6)
        }
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
