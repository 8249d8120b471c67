import Foundation
import Testing

@testable import Checkpoints

@Suite("GGUF files")
struct GGUFTests {
    @Test("Metadata of a file of the gguf package reads as it was written")
    func metadata() throws {
        let file = try GGUFFile(at: fixture("reference.gguf"))
        #expect(file.version == 3 && file.alignment == 32)
        #expect(file.keys.first == "general.architecture" && file.keys.count == 18)
        #expect(try file.string("general.architecture") == "llama")
        #expect(try file.integer("test.uint8") == 200)
        #expect(try file.integer("test.int8") == -100)
        #expect(try file.integer("test.uint16") == 60000)
        #expect(try file.integer("test.int16") == -30000)
        #expect(try file.integer("test.uint32") == 4_000_000_000)
        #expect(try file.integer("test.int32") == -2_000_000_000)
        #expect(try file.integer("test.int64") == -(1 << 62))
        #expect(try file.float("test.float32") == 1.5)
        #expect(try file.float("test.int8") == -100)
        #expect(try file.value("test.float64").number == 0.1)
        #expect(try file.value("test.uint64").description == "9223372036854775809")
        #expect(try file.boolean("test.bool"))
        #expect(try file.string("test.string") == "naïve 😀")
        #expect(try file.strings("test.strings") == ["<s>", "", "Ġthe", "😀"])
        #expect(try file.integers("test.integers") == [3, -4, 5])
        #expect(try file.floats("test.floats") == [0.5, -1000])
        #expect(try file.array("test.booleans").booleans() == [true, false, true])
        #expect(try file.array("test.nested").arrays().map { try $0.integers() } == [[1, 2], [3]])
        #expect(file.has("test.bool") && !file.has("test.boo"))
        var lengths: [Int] = []
        try file.array("test.strings").forEachString {
            #expect($0 == lengths.count)
            lengths.append($1.count)
        }
        #expect(lengths == [3, 0, 5, 4])
    }

    @Test("Tensors of a file of the gguf package have its shapes and values")
    func tensors() throws {
        let file = try GGUFFile(at: fixture("reference.gguf"))
        let values = try SafetensorsFile(at: fixture("gguf-values.safetensors"))
        #expect(file.tensors.map(\.type) == [.f32, .f16, .bf16, .q8_0, .q4_1, .f32])
        #expect(try file.tensor("blk.0.q4.weight").shape == [3, 64])
        #expect(try file.tensor("norm.weight").shape == [5])
        for tensor in file.tensors {
            #expect(bits(tensor.floats()) == bits(try values.tensor(tensor.name).floats()), "\(tensor)")
        }
    }

    @Test("Metadata that is absent or of another type is answered with what there is")
    func metadataErrors() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("m.gguf")
        try GGUFWriter.write(
            metadata: [
                ("llama.block_count", .uint32(3)), ("big", .uint64(.max)),
                ("list", .array(GGUFArray(strings: ["a"]))), ("text", .string("x")),
            ], tensors: [], to: url)
        let file = try GGUFFile(at: url)
        #expect(
            folder.error { _ = try file.integer("llama.blok_count") }
                == "'m.gguf' has no metadata 'llama.blok_count'. Did you mean 'llama.block_count'?")
        #expect(
            folder.error { _ = try file.string("llama.block_count") }
                == "'m.gguf' has metadata 'llama.block_count' as uint32, not as a string.")
        #expect(
            folder.error { _ = try file.integer("big") }
                == "'m.gguf' has metadata 'big' as uint64, not as a whole number.")
        #expect(
            folder.error { _ = try file.float("text") } == "'m.gguf' has metadata 'text' as string, not as a number.")
        #expect(
            folder.error { _ = try file.integers("list") }
                == "'m.gguf' has metadata 'list' as an array of string, not as an array of whole numbers.")
        #expect(
            folder.error {
                try file.array("list").forEachString { _, _ in }
                _ = try file.floats("text")
            }
                == "'m.gguf' has metadata 'text' as string, not as an array.")
    }

    @Test("What is written reads back")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("w.gguf")
        let nested = GGUFArray(arrays: [GGUFArray(int32s: [1, 2]), GGUFArray(strings: ["x", ""])])
        try GGUFWriter.write(
            metadata: [
                ("a", .uint8(1)), ("b", .int8(-1)), ("c", .uint16(2)), ("d", .int16(-2)), ("e", .uint32(3)),
                ("f", .int32(-3)), ("g", .float32(0.5)), ("h", .bool(true)), ("i", .string("ü")),
                ("j", .array(GGUFArray(float32s: [1, 2.5]))), ("k", .uint64(4)), ("l", .int64(-4)),
                ("m", .float64(0.1)),
                ("n", .array(nested)),
            ],
            tensors: [
                try NamedTensor("v", shape: [3], floats: [1, 2, 3]),
                try NamedTensor("w", shape: [2, 1, 3], floats: [1, 2, 3, 4, 5, 6], as: .f16),
                try NamedTensor("s", shape: [], floats: [9], as: .bf16),
                try NamedTensor("i", shape: [2], integers: [-1, 5], as: .i32),
            ], to: url)
        let file = try GGUFFile(at: url)
        #expect(file.keys.joined() == "abcdefghijklmn")
        #expect(try "abcdef".map { try file.integer(String($0)) } == [1, -1, 2, -2, 3, -3])
        #expect(try file.float("g") == 0.5 && file.boolean("h") && file.string("i") == "ü")
        #expect(try file.floats("j") == [1, 2.5])
        #expect(try file.integer("k") == 4 && file.integer("l") == -4 && file.value("m").number == 0.1)
        #expect(try file.array("n").arrays()[1].strings() == ["x", ""])
        #expect(file.tensors.map(\.description) == ["v F32 [3]", "w F16 [2, 1, 3]", "s BF16 []", "i I32 [2]"])
        #expect(try file.tensor("w").floats() == [1, 2, 3, 4, 5, 6])
        #expect(try file.tensor("s").floats() == [9])
        #expect(try file.tensor("i").integers() == [-1, 5])
    }

    @Test("Tensors that GGUF can not hold are refused")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("w.gguf")
        func error(_ tensors: [NamedTensor]) -> String? {
            folder.error { try GGUFWriter.write(metadata: [], tensors: tensors, to: url) }
        }
        let one = try NamedTensor("a", shape: [1], floats: [1])
        #expect(error([one, one]) == "Tensor 'a' is not possible: another tensor has the same name.")
        #expect(
            error([try NamedTensor("a", shape: [1, 1, 1, 1, 1], floats: [1])])
                == "Tensor 'a' is not possible: GGUF allows 4 dimensions, not 5.")
        #expect(
            error([try NamedTensor("a", shape: [1], bytes: [1], as: .bool)])
                == "Tensor 'a' is not possible: GGUF has no BOOL.")
        #expect(!FileManager.default.fileExists(atPath: url.path))
    }
}
