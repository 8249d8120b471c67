import Checkpoints
import Foundation
import InterventionDSL
import Models
import Testing

@testable import Session

/// Control vectors that the gguf package wrote, with outputs of torch hooks (Tests/Reference/make_control_vectors.py).
@Suite struct ControlVectorTests {
    private func adapter(_ name: String) throws -> (adapter: Adapter, model: Model, strength: Double) {
        let settings = try PeerFixtures.json("control_vectors/\(name)/case.json")
        let model = try PeerFixtures.model(settings["model"] as? String ?? "")
        let strength = settings["strength"] as? Double ?? 1
        let path = PeerFixtures.folder.appendingPathComponent("control_vectors/\(name)/vector.gguf").path
        return (try ControlVector.adapter(at: path, for: model, strength: strength), model, strength)
    }

    @Test(arguments: ["qwen2", "gpt2"]) func outputsAgree(name: String) throws {
        let (adapter, model, _) = try adapter(name)
        let settings = try PeerFixtures.json("control_vectors/\(name)/case.json")
        let input = try PeerFixtures.input(settings["input"] as? [String: Any] ?? [:], name: name)
        let found = try Session(model, adapters: [adapter]).run(input.examples).logits?.values ?? []
        let expected = try PeerFixtures.tensors("control_vectors/\(name)/expected.safetensors").tensor(
            "expected.logits")
        #expect(PeerFixtures.error(found, expected.floats()) <= 1e-5)
    }

    @Test func whatIsWrittenIsRead() throws {
        let (adapter, model, strength) = try adapter("qwen2")
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).gguf")
        defer { try? FileManager.default.removeItem(at: file) }
        try ControlVector.write(adapter, to: file.path, modelHint: "qwen2")
        #expect(ControlVector.isControlVector(file.path))
        let again = try ControlVector.adapter(at: file.path, for: model)
        for (first, second) in zip(adapter.program.declarations, again.program.declarations) {
            #expect(first.place == second.place)
            guard case .numbers(let old)? = (first.intervention as? Add)?.vector,
                case .numbers(let new)? = (second.intervention as? Add)?.vector
            else {
                Issue.record("an addition is expected")
                continue
            }
            #expect(PeerFixtures.error(new, old.map { $0 * Float(strength) }) <= 1e-6)
        }
    }

    @Test func onlyAdditionsOfBlocksAreWritten() throws {
        let (_, model, _) = try adapter("gpt2")
        let vector = [Float](repeating: 1, count: 32)
        let program = Program {
            Zero().on(.blockOutput, layer: 1).at(.all).named("zero")
            Add(vector).on(.mlpOutput, layer: 1).at(.all).named("mlp")
            Add(vector).on(.blockOutput, layer: 0).at(.all).named("first")
        }
        let adapter = Adapter(
            name: "mixed", program: program, parameters: [:],
            base: Adapter.BaseModel(name: model.name, fingerprint: try model.fingerprint()))
        #expect { try ControlVector.write(adapter, to: "/nowhere/x.gguf") } throws: {
            "\($0)" == """
                mixed: 'zero' is Zero; a control vector holds Add only
                mixed: 'mlp' acts on mlp_output.1; a control vector acts on listed layers of block_output
                mixed: 'first' acts on layer 0, which llama.cpp never steers
                """
        }
    }

    @Test func vectorsOfOtherModelsAreRefused() throws {
        let path = PeerFixtures.folder.appendingPathComponent("control_vectors/qwen2/vector.gguf").path
        let model = try PeerFixtures.model("gpt2")
        #expect { try ControlVector.adapter(at: path, for: model) } throws: {
            "\($0)" == "\(path): 'direction.2': gpt2 has the layers 0-1"
        }
        let smaller = try PeerFixtures.model("smollm2-like")
        #expect { try ControlVector.adapter(at: path, for: smaller) } throws: {
            "\($0)" == """
                \(path): 'direction.1' has 32 numbers; smollm2-like is 24 wide
                \(path): 'direction.2' has 32 numbers; smollm2-like is 24 wide
                """
        }
    }
}
