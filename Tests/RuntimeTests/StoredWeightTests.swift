import Checkpoints
import Foundation
import Graph
import Testing

@testable import Runtime

/// Weights in 16 bits, quantised or produced on demand give what their f32 values give.
@Suite struct StoredWeightTests {
    private func stored(_ type: StorageType, _ name: String, _ rows: Int, _ columns: Int, seed: UInt64) throws
        -> (weight: FrozenWeight, values: [Float])
    {
        var random = Philox(seed: seed)
        let numbers = random.normals(rows * columns)
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("weights.safetensors")
        try SafetensorsWriter.write([NamedTensor(name, shape: [rows, columns], floats: numbers, as: type)], to: url)
        let tensor = try SafetensorsFile(at: url).tensor(name)
        return (FrozenWeight(tensor), tensor.floats())
    }

    @Test(arguments: [StorageType.f32, .f16, .bf16, .f64]) func everyUseOfAStoredWeight(type: StorageType) throws {
        let (rows, columns) = (33, 20)
        let (weight, values) = try stored(type, "w", rows, columns, seed: 3)
        var data = TestData(seed: 4)
        data.weights = [weight]
        data.bindings.weights["w"] = Matrix64(rows: rows, columns: columns, values: values.map(Double.init))
        for count in [1, 3, 50] {
            data.real("x", count, columns)
            data.real("y", count, rows)
            data.indices("tokens", (0..<count).map { Int32($0 * 7 % rows) })
            let builder = GraphBuilder()
            let x = builder.input("x", .real(.named("rows"), .fixed(columns)))
            let y = builder.input("y", .real(.named("rows"), .fixed(rows)))
            let tokens = builder.input("tokens", .indices(.named("rows")))
            let w = builder.weight("w", rows: rows, columns: columns)
            let results = [
                w.rows(at: tokens), x.times(w, transposed: true), y.times(w), w.transposed(), w.columns(3..<9),
                w.times(x, transposed: true), x.columns(0..<6).times(w.columns(2..<8), transposed: true),
            ]
            try expectSameNumbers(try builder.finish(), results.map(\.id), data, "\(type), \(count) rows:")
        }
    }

    /// Blocks whose scales are small numbers.
    private func blocks(_ type: StorageType, _ name: String, _ rows: Int, _ columns: Int, seed: UInt64) throws
        -> (weight: FrozenWeight, values: [Float])
    {
        var random = Philox(seed: seed)
        let count = rows * columns / type.blockElements
        var bytes: [UInt8] = (0..<count * type.blockByteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        // f16 numbers of about 0.01.
        for block in 0..<count {
            for place in type == .q6_K ? [208] : [0, 2] { bytes[block * type.blockByteCount + place + 1] = 0x21 }
        }
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("weights.gguf")
        try GGUFWriter.write(
            metadata: [], tensors: [try NamedTensor(name, shape: [rows, columns], bytes: bytes, as: type)], to: url)
        let tensor = try Checkpoint(at: url).tensor(name)
        return (FrozenWeight(tensor), tensor.floats())
    }

    @Test(arguments: [StorageType.q4_1, .q8_0, .q4_K, .q6_K]) func everyUseOfAQuantisedWeight(type: StorageType) throws
    {
        let (rows, columns) = (64, 512)
        let (weight, values) = try blocks(type, "w", rows, columns, seed: 3)
        var data = TestData(seed: 4)
        data.weights = [weight]
        data.bindings.weights["w"] = Matrix64(rows: rows, columns: columns, values: values.map(Double.init))
        for count in [1, 3, 50] {
            data.real("x", count, columns)
            data.real("y", count, rows)
            data.indices("tokens", (0..<count).map { Int32($0 * 7 % rows) })
            let builder = GraphBuilder()
            let x = builder.input("x", .real(.named("rows"), .fixed(columns)))
            let y = builder.input("y", .real(.named("rows"), .fixed(rows)))
            let tokens = builder.input("tokens", .indices(.named("rows")))
            let w = builder.weight("w", rows: rows, columns: columns)
            let losses = builder.results(.linearCrossEntropy, [0.003 * x, w, tokens])
            let stored = [w.rows(at: tokens), x.times(w, transposed: true), y.times(w)] + losses
            try expectSameNumbers(try builder.finish(), stored.map(\.id), data, "\(type), \(count) rows:")
            #expect(!weight.isExpanded || count > 1, "rows, products, their derivatives and losses read the blocks")
            // Columns of blocks, and uses that are no product or gather, read f32.
            let expanded = [
                w.columns(3..<9), w.times(x, transposed: true),
                x.columns(0..<6).times(w.columns(2..<8), transposed: true),
                x.columns(0..<40).times(w.columns(0..<40), transposed: true), y.times(w.columns(0..<256)),
            ]
            try expectSameNumbers(try builder.finish(), expanded.map(\.id), data, "\(type), \(count) rows, expanded:")
            #expect(weight.isExpanded)
        }
    }

    @Test func rowsAreProducedOnceAndFailuresReported() throws {
        struct Broken: Error, CustomStringConvertible { let description = "row 5 is unreadable" }
        let weight = FrozenWeight("w", storage: .q8_0, rows: 3000, columns: 64) { rows, destination in
            for (place, row) in rows.enumerated() {
                for column in 0..<64 { destination[place * 64 + column] = Float(row * 64 + column) }
            }
        }
        let first = try weight.floats()
        #expect(try weight.floats() == first)
        #expect((0..<weight.count).allSatisfy { first[$0] == Float($0) })
        let broken = FrozenWeight("w", storage: .f32, rows: 9, columns: 1) { _, _ in throw Broken() }
        #expect(message { _ = try broken.floats() } == "row 5 is unreadable")
    }

    @Test func aVectorHasOneRow() throws {
        let vector = FrozenWeight(try StoredTensor("norm", shape: [3], floats: [1, 2, 3]))
        #expect(vector.description == "norm F32 [1, 3]")
        #expect(
            message { _ = try FrozenWeight("w", rows: 2, columns: 2, values: [1]) }
                == "Tensor 'w' is not possible: shape [2, 2] does not have 1 elements.")
    }
}
