import Checkpoints
import Foundation
import Graph
import Testing

@testable import Runtime

/// Rows of blocks and mixtures of experts in the executor against the interpreter.
@Suite struct BlockExecutionTests {
    @Test(arguments: [0, 1, 7, 90]) func blocks(rows: Int) throws {
        var data = TestData(seed: UInt64(rows) + 1)
        let builder = GraphBuilder()
        func input(_ name: String, _ columns: Int) -> Value {
            data.real(name, rows, columns)
            return builder.input(name, .real(.named("rows"), .fixed(columns)))
        }
        let (wide, parts, x) = (input("wide", 60), input("parts", 36), input("x", 12))
        let (weights, scores) = (input("weights", 3), input("scores", 5))
        let (values, columns) = scores.largest(3)
        let blocks = ColumnBlocks(width: 4, first: 1, stride: 3, count: 4)
        func node(_ operation: ColumnBlockOperation, _ inputs: Value...) -> Value {
            builder.results(.blocks(operation), inputs)[0]
        }
        let results = [
            values, columns, wide.columns(blocks), node(.pad(blocks, total: 50), wide.columns(0..<16)),
            node(.place(count: 5), parts, columns), node(.take(count: 5), wide, columns), node(.mix, parts, weights),
            node(.spread, x, weights), node(.dot, parts, x),
        ]
        try expectSameNumbers(try builder.finish(), results.map(\.id), data, "\(rows) rows:")
    }

    @Test(arguments: [0, 1, 7, 90], [false, true])
    func experts(rows: Int, transposes: Bool) throws {
        for (shares, sums) in [(false, false), (true, false), (false, true), (true, true)] {
            var data = TestData(seed: UInt64(rows) + 1)
            let builder = GraphBuilder()
            let inputs = shares ? 9 : 18
            data.real("x", rows, inputs)
            data.real("scores", rows, 5)
            data.real("dy", rows, sums ? 6 : 12)
            let x = builder.input("x", .real(.named("rows"), .fixed(inputs)))
            let chosen = builder.input("scores", .real(.named("rows"), 5)).largest(2).columns
            let dy = builder.input("dy", .real(.named("rows"), .fixed(sums ? 6 : 12)))
            let (height, width) = transposes ? (6, 9) : (9, 6)
            let matrices = try (0..<5).map { expert in
                try data.weight("w\(expert)", height, width)
                return builder.weight("w\(expert)", rows: height, columns: width)
            }
            let product = ExpertProduct(
                experts: 5, slots: 2, transposesMatrices: transposes, sharesInput: shares, sumsSlots: sums)
            let y = builder.results(.expertProduct(product), [x, chosen] + matrices)[0]
            let slope = builder.results(
                .expertWeightGradient(product, expert: 3), [x, chosen, dy, matrices[3]])[0]
            try expectSameNumbers(
                try builder.finish(), [y.id, slope.id], data, "\(rows) rows, \(shares) \(sums):")
        }
    }

    /// Matrices in one 16-bit type are read as they are; a mixture of types is expanded.
    @Test(arguments: [[StorageType.bf16], [.f16], [.bf16, .f32]]) func storedExperts(types: [StorageType]) throws {
        var data = TestData(seed: 5)
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("weights.safetensors")
        let tensors = try (0..<3).map { expert in
            try NamedTensor(
                "w\(expert)", shape: [4, 6], floats: data.numbers(24), as: types[expert % types.count])
        }
        try SafetensorsWriter.write(tensors, to: url)
        let file = try SafetensorsFile(at: url)
        let builder = GraphBuilder()
        let matrices = try (0..<3).map { expert in
            let tensor = try file.tensor("w\(expert)")
            data.weights.append(FrozenWeight(tensor))
            data.bindings.weights["w\(expert)"] = Matrix64(
                rows: 4, columns: 6, values: tensor.floats().map(Double.init))
            return builder.weight("w\(expert)", rows: 4, columns: 6)
        }
        data.real("x", 20, 6)
        data.real("scores", 20, 3)
        let x = builder.input("x", .real(.named("rows"), 6))
        let chosen = builder.input("scores", .real(.named("rows"), 3)).largest(2).columns
        let product = ExpertProduct(experts: 3, slots: 2, sharesInput: true)
        let y = builder.results(.expertProduct(product), [x, chosen] + matrices)[0]
        try expectSameNumbers(try builder.finish(), [y.id], data, "\(types)")
    }
}
