import Foundation
import Testing

@testable import Checkpoints

@Suite("Stored tensors")
struct StoredTensorTests {
    let tensor: StoredTensor

    init() throws { tensor = try StoredTensor("t", shape: [2, 2, 3], floats: (0..<12).map(Float.init)) }

    @Test("Rows are runs of the last dimension")
    func rows() throws {
        #expect(tensor.rowLength == 3 && tensor.rowCount == 4 && tensor.rowByteCount == 12 && tensor.byteCount == 48)
        var buffer = [Float](repeating: -1, count: 7)
        try buffer.withUnsafeMutableBufferPointer { try tensor.expand(rows: 1..<3, into: $0) }
        #expect(buffer == [3, 4, 5, 6, 7, 8, -1])
        #expect(try tensor.rows(2..<4).floats() == [6, 7, 8, 9, 10, 11])
        #expect(try tensor.rows(4..<4).shape == [0, 3])
        #expect(try tensor.elements(at: [11, 0, 5]) == [11, 0, 5])
        let scalar = try StoredTensor("s", shape: [], floats: [2.5])
        #expect(scalar.rowCount == 1 && scalar.rowLength == 1)
        #expect(try scalar.rows(0..<1).floats() == [2.5])
    }

    @Test("Quantised rows and elements expand like the whole")
    func quantisedRows() throws {
        let file = try SafetensorsFile(at: fixture("blocks.safetensors"))
        let bytes = try file.tensor("Q4_1.blocks").withUnsafeBytes { Array($0) }
        let expected = try file.tensor("Q4_1.values").floats()
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("q.gguf")
        try GGUFWriter.write(
            metadata: [], tensors: [try NamedTensor("w", shape: [3, 64], bytes: bytes, as: .q4_1)], to: url)
        let tensor = try GGUFFile(at: url).tensor("w")
        #expect(bits(tensor.floats()) == bits(expected))
        #expect(bits(try tensor.rows(1..<3).floats()) == bits(Array(expected[64...])))
        #expect(bits(try tensor.elements(at: [191, 3, 40, 64])) == bits([191, 3, 40, 64].map { expected[$0] }))
        #expect(
            bits(try tensor.reorderingRows([2, 0, 1]).floats())
                == bits(Array(expected[128...] + expected[..<64] + expected[64..<128])))
    }

    @Test("Rows can be reordered, dropped and repeated; the copy owns its bytes")
    func reordering() throws {
        let copy = try tensor.reorderingRows([3, 0, 0])
        #expect(copy.shape == [3, 3])
        #expect(copy.floats() == [9, 10, 11, 0, 1, 2, 0, 1, 2])
        #expect(try tensor.reorderingRows([1, 0, 3, 2]).shape == [2, 2, 3])
        #expect(try tensor.reshaped([4, 3]).renamed("u").description == "u F32 [4, 3]")
    }

    @Test("A tensor keeps its file mapped after the file is gone")
    func lifetime() throws {
        var folder: TemporaryFolder? = try TemporaryFolder()
        let url = try #require(folder?.url.appendingPathComponent("f.safetensors"))
        try SafetensorsWriter.write([try NamedTensor("a", shape: [2], floats: [1, 2])], to: url)
        let tensor = try SafetensorsFile(at: url).tensor("a")
        folder = nil
        #expect(!FileManager.default.fileExists(atPath: url.path))
        #expect(tensor.floats() == [1, 2])
    }

    @Test("What does not exist is refused with what does")
    func errors() throws {
        let folder = try TemporaryFolder()
        var buffer = [Float](repeating: 0, count: 5)
        #expect(
            folder.error { _ = try tensor.rows(3..<5) } == "Tensor 't' has no rows 3..<5; allowed: 0..<4.")
        #expect(
            folder.error { _ = try tensor.elements(at: [12]) } == "Tensor 't' has no element 12; allowed: 0..<12.")
        #expect(
            folder.error { _ = try tensor.reorderingRows([0, 4]) } == "Tensor 't' has no rows 4..<5; allowed: 0..<4.")
        #expect(
            folder.error { try buffer.withUnsafeMutableBufferPointer { try tensor.expand(rows: 0..<2, into: $0) } }
                == "Tensor 't' has no room for 2 rows of 3 elements in a buffer of 5; allowed: at least 6.")
        #expect(folder.error { _ = try tensor.integers() } == "Tensor 't' is stored as F32, not integers.")
        #expect(
            folder.error { _ = try tensor.reshaped([5]) }
                == "Tensor 't' is not possible: shape [2, 2, 3] of 12 F32 elements can not become [5].")
        #expect(
            folder.error { _ = try StoredTensor("t", shape: [2], floats: [1]) }
                == "Tensor 't' is not possible: shape [2] does not have 1 elements.")
    }
}
