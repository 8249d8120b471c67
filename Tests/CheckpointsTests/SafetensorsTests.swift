import Foundation
import Testing

@testable import Checkpoints

@Suite("safetensors files")
struct SafetensorsTests {
    @Test("A file of the reference implementation reads as it was written")
    func reference() throws {
        let file = try SafetensorsFile(at: fixture("reference.safetensors"))
        let values = try SafetensorsFile(at: fixture("reference-values.safetensors"))
        #expect(file.metadata == ["format": "pt", "note": "two\nlines, \"quoted\", ünïcode 😀"])
        #expect(file.tensors.count == 13)
        for tensor in file.tensors {
            #expect(bits(tensor.floats()) == bits(try values.tensor(tensor.name).floats()), "\(tensor)")
            #expect(tensor.shape == (try values.tensor(tensor.name).shape))
        }
        #expect(try file.tensor("i64").integers() == (0..<6).map { $0 - (1 << 40) })
        #expect(try file.tensor("i32").integers() == (0..<6).map { $0 - 70000 })
        #expect(try file.tensor("i16").integers() == (0..<6).map { $0 - 300 })
        #expect(try file.tensor("i8").integers() == (0..<6).map { $0 - 3 })
        #expect(try file.tensor("u8").integers() == (0..<6).map { $0 + 250 })
        #expect(try file.tensor("bool").integers() == [0, 1, 0, 1, 0, 1])
        #expect(try file.tensor("scalar").shape == [])
        #expect(try file.tensor("empty").description == "empty F32 [0, 4]")
        #expect(try file.tensor("quote \" slash \\ naïve 😀").floats() == [7])
    }

    @Test("Files are written with the bytes of the reference implementation")
    func sameBytes() throws {
        let folder = try TemporaryFolder()
        for name in ["reference-values.safetensors", "blocks.safetensors", "gguf-values.safetensors"] {
            let file = try SafetensorsFile(at: fixture(name))
            let copy = folder.url.appendingPathComponent(name)
            try SafetensorsWriter.write(
                file.tensors.reversed().map(NamedTensor.init), metadata: file.metadata, to: copy)
            #expect(try Data(contentsOf: copy) == Data(contentsOf: fixture(name)), "\(name)")
        }
    }

    @Test("Every kind of element source is written and read back")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("a.safetensors")
        let count = 150_000
        let tensors = [
            try NamedTensor("half", shape: [3], floats: [1, 0.1, -70000], as: .f16),
            try NamedTensor("brain", shape: [3], floats: [1, 0.1, -70000], as: .bf16),
            try NamedTensor("double", shape: [2], floats: [0.1, -2], as: .f64),
            try NamedTensor("long", shape: [2], integers: [Int64.min, 5]),
            try NamedTensor("int", shape: [1, 2], integers: [-7, 1 << 30], as: .i32),
            try NamedTensor("large", shape: [count / 2, 2]) { range, buffer in
                for (place, index) in range.enumerated() { buffer[place] = Float(index) }
            },
            try NamedTensor("none", shape: [0], floats: []),
        ]
        let metadata = ["a": "tab\t \u{1} \u{8}\u{c}\r\n", "b\"": "\\"]
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
        let file = try SafetensorsFile(at: url)
        #expect(file.metadata == metadata)
        #expect(file.tensors.map(\.name) == ["long", "double", "large", "none", "int", "brain", "half"])
        #expect(try file.tensor("half").floats() == [1, 0.099975586, -.infinity])
        #expect(try file.tensor("brain").floats() == [1, 0.100097656, -70144])
        #expect(try file.tensor("double").floats() == [0.1, -2])
        #expect(try file.tensor("long").integers() == [Int64.min, 5])
        #expect(try file.tensor("int").integers() == [-7, 1 << 30])
        #expect(try file.tensor("large").floats() == (0..<count).map(Float.init))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.safetensors"])
    }

    @Test("Tensors that can not be written are refused before the file is touched")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let url = try folder.write([1, 2, 3], to: "kept")
        let one = try NamedTensor("one", shape: [1], floats: [1])
        let blocks = try NamedTensor("q", shape: [32], bytes: [UInt8](repeating: 0, count: 34), as: .q8_0)
        let reserved = try NamedTensor("__metadata__", shape: [1], floats: [1])
        #expect(
            folder.error { try SafetensorsWriter.write([one, one], to: url) }
                == "Tensor 'one' is not possible: another tensor has the same name.")
        #expect(
            folder.error { try SafetensorsWriter.write([blocks], to: url) }
                == "Tensor 'q' is not possible: safetensors has no Q8_0.")
        #expect(
            folder.error { try SafetensorsWriter.write([reserved], to: url) }
                == "Tensor '__metadata__' is not possible: safetensors reserves this name.")
        #expect(
            folder.error { _ = try NamedTensor("a", shape: [2, 2], floats: [1]) }
                == "Tensor 'a' is not possible: shape [2, 2] has 4 elements, 1 were given.")
        #expect(
            folder.error { _ = try NamedTensor("a", shape: [1], floats: [1], as: .i32) }
                == "Tensor 'a' is not possible: its elements can be stored as F32, F16, BF16, F64, not I32.")
        #expect(
            folder.error { _ = try NamedTensor("a", shape: [1], integers: [1 << 31], as: .i32) }
                == "Tensor 'a' is not possible: 2147483648 does not fit I32.")
        #expect(
            folder.error { _ = try NamedTensor("a", shape: [-1]) { _, _ in } }
                == "Tensor 'a' is not possible: the size of shape [-1] does not fit 64 bits.")
        #expect(
            folder.error { _ = try NamedTensor("a", shape: [33], bytes: [1], as: .q8_0) }
                == "Tensor 'a' is not possible: Q8_0 [33] does not take 1 bytes.")
        #expect(try Data(contentsOf: url) == Data([1, 2, 3]))
    }

    @Test("A missing tensor is answered with the nearest name")
    func missing() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("m.safetensors")
        try SafetensorsWriter.write([try NamedTensor("model.norm.weight", shape: [1], floats: [1])], to: url)
        let file = try SafetensorsFile(at: url)
        #expect(
            folder.error { _ = try file.tensor("model.norm.wieght") }
                == "'m.safetensors' has no tensor 'model.norm.wieght' among its 1. Did you mean 'model.norm.weight'?")
        #expect(folder.error { _ = try file.tensor("x") } == "'m.safetensors' has no tensor 'x' among its 1.")
        #expect(file["x"] == nil)
    }
}
