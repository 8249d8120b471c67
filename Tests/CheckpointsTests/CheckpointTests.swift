import Foundation
import Testing

@testable import Checkpoints

@Suite("Checkpoints")
struct CheckpointTests {
    @Test("A sharded folder reads as one checkpoint")
    func sharded() throws {
        let checkpoint = try Checkpoint(at: fixture("sharded"))
        #expect(checkpoint.format == .shardedSafetensors)
        #expect(checkpoint.tensors.map(\.name) == (0..<5).map { "layers.\($0).weight" })
        for (number, tensor) in checkpoint.tensors.enumerated() {
            #expect(tensor.floats() == [Float](repeating: Float(number), count: 16))
        }
        #expect(checkpoint.metadata == ["format": "pt"])
    }

    @Test("Files and folders are recognised")
    func formats() throws {
        #expect(try Checkpoint(at: fixture("reference.safetensors")).format == .safetensors)
        let gguf = try Checkpoint(at: fixture("reference.gguf"))
        #expect(gguf.format == .gguf)
        #expect(try gguf.gguf?.string("general.architecture") == "llama")

        let folder = try TemporaryFolder()
        let tensor = try NamedTensor("w", shape: [1], floats: [3])
        try SafetensorsWriter.write([tensor], to: folder.url.appendingPathComponent("other.safetensors"))
        #expect(try Checkpoint(at: folder.url).tensor("w").floats() == [3])
        let preferred = try NamedTensor("w", shape: [1], floats: [4])
        try SafetensorsWriter.write([preferred], to: folder.url.appendingPathComponent("model.safetensors"))
        _ = try folder.write([1], to: "pytorch_model.bin")
        #expect(try Checkpoint(at: folder.url).tensor("w").floats() == [4])
        #expect(
            folder.error { _ = try Checkpoint(at: folder.url).tensor("v") }
                == "'FOLDER' has no tensor 'v' among its 1. Did you mean 'w'?")
    }

    @Test("A folder without readable weights says what it has and what to do")
    func noWeights() throws {
        let folder = try TemporaryFolder()
        func error() -> String? { folder.error { _ = try Checkpoint(at: folder.url) } }
        #expect(
            error()
                == "'FOLDER' has no weights that can be read: expected model.safetensors, model.safetensors.index.json "
                + "or a .gguf file among its 0 entries.")
        let pickle = try folder.write([1], to: "pytorch_model.bin")
        let advice =
            "which is code and is never executed; convert it once in Python: safetensors.torch.save_file("
            + "torch.load(\"pytorch_model.bin\", weights_only=True), \"model.safetensors\")."
        #expect(
            error() == "'FOLDER' has no weights that can be read: pytorch_model.bin is a pickle, \(advice)")
        #expect(
            folder.error { _ = try Checkpoint(at: pickle) }
                == "'pytorch_model.bin' can not be read: it is a pickle, \(advice)")
        _ = try folder.write([1], to: "a.safetensors")
        _ = try folder.write([1], to: "b.safetensors")
        #expect(
            error()
                == "'FOLDER' has no weights that can be read: it has several .safetensors files and no index: "
                + "a.safetensors, b.safetensors. Name one.")
        #expect(
            folder.error { _ = try Checkpoint(at: folder.url.appendingPathComponent("no")) }
                == "No file or folder exists at 'no'.")
    }

    @Test(
        "A damaged index is refused with the byte",
        arguments: [
            ("[]", "'model.safetensors.index.json' is damaged at byte 0: '{' of the index is expected here, not '['."),
            ("{}", "'model.safetensors.index.json' is damaged at byte 0: the index has no 'weight_map'."),
            (
                "{\"weight_map\":{\"a\":\"../x.safetensors\"}}",
                "'model.safetensors.index.json' is damaged at byte 15: "
                    + "the file of 'a' is '../x.safetensors', not a name in this folder."
            ),
            (
                "{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}",
                "'model.safetensors.index.json' is damaged at byte 23: the weight map has the key 'a' twice."
            ),
            ("{\"weight_map\":{\"a\":\"x.safetensors\"}}", "No file or folder exists at 'x.safetensors'."),
            (
                "{\"weight_map\":{\"b\":\"y.safetensors\"}}",
                "'y.safetensors' has no tensor 'b' among its 1. Did you mean 'a'?"
            ),
            (
                "{\"weight_map\":{}} {",
                "'model.safetensors.index.json' is damaged at byte 18: the index is followed by '{'."
            ),
        ])
    func damagedIndex(json: String, expected: String) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Array(json.utf8), to: "model.safetensors.index.json")
        let tensor = try NamedTensor("a", shape: [1], floats: [3])
        try SafetensorsWriter.write([tensor], to: folder.url.appendingPathComponent("y.safetensors"))
        #expect(folder.error { _ = try Checkpoint(at: folder.url) } == expected)
    }
}
