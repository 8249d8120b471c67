import Checkpoints
import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// A folded model gives without any program what the model gives with it.
@Suite struct FoldingTests {
    private let input = [Example(tokens: [1, 5, 9, 3]), Example(tokens: [7, 2])]

    /// Affine, with a gate that parameters make and a head's columns; nothing of the package knows it.
    struct Turned: Intervention {
        func parameters(at site: SiteShape) -> ParameterList {
            [
                ParameterSpecification("matrix", site.width, site.width, initialiser: .normal(0.1)),
                ParameterSpecification("gate", 1, site.width, initialiser: .normal(1)),
            ]
        }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            let gate = try context.parameter("gate").applying(.sigmoid)
            return rows.times(try context.parameter("matrix")) * gate + rows.sum(.columns) * 0.1 - gate
        }
    }

    /// Reads what enters the module, which is what enters the projection.
    struct Adapted: Intervention {
        func parameters(at site: SiteShape) -> ParameterList {
            [
                ParameterSpecification("down", 2, site.moduleInputWidth ?? 1, initialiser: .normal(0.3)),
                ParameterSpecification("up", site.width, 2, initialiser: .normal(0.3)),
            ]
        }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            rows + (try context.moduleInput()).linear(try context.parameter("down")).linear(try context.parameter("up"))
        }
    }

    private static let attention = Program { LoReFT(rank: 2).on(.attentionOutput, layers: .all).at(.all) }
    private static let scaling = Program { Scale(by: 0.5).on(.attentionOutput, layers: .all).at(.all) }
    private static let mlp = Program {
        NodiReFT(rank: 3, dropout: 0.5).on(.mlpOutput, layers: .all).at(.all).scaled(0.7)
    }

    static let programs: [(String, Program)] = [
        (
            "chain",
            Program {
                attention
                mlp
                LoReFT(rank: 1).on(.attentionOutput, layer: 1).at(.all)
            }
        ),
        (
            "average",
            Average([
                (
                    Program {
                        attention
                        attention
                    }, 0.5
                ), (attention, 0.25),
            ]).program
        ),
        (
            "constants",
            Program {
                Zero().on(.attentionOutput, layer: 0).at(.all)
                Scale(by: -0.5).on(.attentionOutput, layer: 1).at(.all)
            }
        ),
        ("own", Program { Turned().on(.mlpOutput, layers: .all).at(.all) }),
        ("heads", Program { Scale(by: 3).on(.headQuery, layer: 1, head: 1).at(.all) }),
    ]

    private func folded(_ session: Session) throws -> Model {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FoldedModel(session).write(to: folder.path)
        // The files stay mapped after they are gone.
        return try Model(at: folder.path)
    }

    private func check(_ session: Session, _ what: String) throws {
        let model = try folded(session)
        let (new, old) = (try Session(model).run(input), try session.run(input))
        let states = [SiteID(.blockOutput, layer: 1)]
        let expected = try old.logits?.values ?? session.run(input, collecting: states).collected[0].values
        let found = try new.logits?.values ?? Session(model).run(input, collecting: states).collected[0].values
        #expect(PeerFixtures.error(found, expected) < 1e-5, "\(what)")
        let inMemory = try Session(session.folded())
        let same =
            try inMemory.run(input).logits?.values ?? inMemory.run(input, collecting: states).collected[0].values
        #expect(PeerFixtures.error(same, expected) < 1e-5, "\(what), in memory")
        let unedited = try Session(session.model).run(input).logits?.values
        if let unedited { #expect(PeerFixtures.error(unedited, expected) > 1e-4, "\(what): nothing was edited") }
    }

    @Test(arguments: programs.indices, ["llama", "gpt2", "bert", "llama-biased-wide-heads"])
    func theFoldedModelGivesWhatTheEditedOneGives(index: Int, name: String) throws {
        let (what, program) = Self.programs[index]
        try check(Session(PeerFixtures.model(name), program: program, seed: 11), "\(what) on \(name)")
    }

    @Test func whatReadsTheProjectionsInputFoldsToo() throws {
        for name in ["llama", "qwen2"] {
            let program = Program { Adapted().on(.queryOutput, layers: .all).at(.all) }
            try check(Session(PeerFixtures.model(name), program: program, seed: 3), name)
        }
    }

    /// Queries, keys and values that are columns of one projection, side by side or head by head. What is left alone stays
    /// as it is, to the bit.
    @Test(arguments: ["gpt2", "phi3", "gpt-neox"]) func columnsOfAFusedProjectionFold(name: String) throws {
        let program = Program {
            Adapted().on(.valueOutput, layers: .all).at(.all)
            Scale(by: -0.5).on(.queryOutput, layer: 1).at(.all)
            Scale(by: 3).on(.headKey, layer: 1, head: 0).at(.all)
            if name != "phi3" { LoReFT(rank: 2).on(.queryOutput, layer: 0).at(.all) }
        }
        let session = try Session(PeerFixtures.model(name), program: program, seed: 5)
        try check(session, name)
        let only = Program { Scale(by: 2).on(.valueOutput, layer: 0).at(.all) }
        let folded = try FoldedModel(Session(session.model, program: only))
        let tensor = try #require(folded.tensors.first)
        let before = try #require(session.model.weights.floats(named: tensor.weight, count: tensor.values.count))
        let changed = zip(before, tensor.values).filter { $0 != $1 }
        // Phi-3's two heads share one of keys and values.
        #expect(changed.count == before.count / (name == "phi3" ? 4 : 3))
        #expect(changed.allSatisfy { $1 == 2 * $0 })
    }

    /// RoBERTa's graph reads its table of positions from the third row on; the folder keeps the first two.
    @Test(arguments: ["llama", "gpt2", "roberta"]) func trainedWeightsOfTheModelAreWritten(name: String) throws {
        let program = Program {
            Train(weights: "*")
            NodiReFT(rank: 3).on(.mlpOutput, layer: 0).at(.all)
        }
        let session = try Session(PeerFixtures.model(name), program: program, seed: 11)
        for parameter in session.hookGraph.parameters where parameter.weight != nil {
            try session.parameters.set(
                parameter.name,
                session.parameters.values(of: parameter.name).enumerated().map { place, value in
                    value * (1 + 0.1 * Float(place % 3))
                })
        }
        try check(session, name)
    }

    /// Biases of projections that had none come with the others of the configuration's key.
    @Test func theFolderIsACompleteModel() throws {
        let session = try Session(PeerFixtures.model("llama"), program: Self.attention, seed: 11)
        let folded = try FoldedModel(session)
        #expect(folded.enabledKeys == ["attention_bias"])
        #expect(folded.tensors.filter { !$0.isNew }.count == session.model.sizes.layers)
        #expect(folded.tensors.filter(\.isNew).count == 4 * session.model.sizes.layers)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try folded.write(to: folder.path)
        let json =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: folder.appendingPathComponent("config.json"))) as? [String: Any]
        #expect(json?["attention_bias"] as? Bool == true)
        let own = session.model.location.url.path
        #expect { try folded.write(to: own) } throws: {
            "\($0)" == "\(own): is the model's own folder, whose weights would be lost"
        }
    }

    private func reason(_ name: String, _ program: Program) throws -> String {
        do {
            _ = try FoldedModel(Session(PeerFixtures.model(name), program: program))
            return "none"
        } catch let error as ProgramErrors {
            return error.problems.map { "'\($0.declaration)': \($0.error)" }.joined(separator: "\n")
        }
    }

    @Test func whatCanNotBeFoldedIsRefusedWithAllReasons() throws {
        let program = Program {
            LoReFT(rank: 1).on(.blockOutput, layer: 0).at(.all).named("stream")
            LoReFT(rank: 1).on(.attentionOutput, layer: 0).at(.last).named("last")
            LoReFT(rank: 1, activation: .relu).on(.mlpOutput, layer: 0).at(.all).named("curved")
            Skip().on(.mlpOutput, layer: 1).at(.all).named("skip")
            Noise(level: 1).on(.attentionOutput, layer: 1).at(.all).named("noise")
            Scale(by: 2).on(.logits).at(.all).named("logits")
            Collect("states").on(.queryOutput, layer: 0).at(.all)
        }
        let path = "model.layers.1.post_attention_layernorm"
        let reasons = [
            ("stream", "block_output.0", "it is not the output of a projection, but of add"),
            ("last", "attention_output.0", "it edits the positions l1, and a weight acts on all rows"),
            ("curved", "mlp_output.0", "relu in its edit is not linear in the rows"),
            ("skip", "mlp_output.1", "its edit reads what \(path) gives, which is no row of the projection"),
            ("noise", "attention_output.1", "its edit is random"),
            (
                "logits", "logits",
                "its tensor 'model.embed_tokens.weight' is used in 2 places, and all of them would change"
            ),
            ("states", "query_output.0", "it gives rows to whoever runs the program, which weights can not"),
        ]
        let expected = reasons.map { "'\($0)': on \($1) it can not be folded into weights: \($2)" }
        let found = try reason("llama", program).split(separator: "\n").map(String.init)
        #expect(found == expected)
        #expect(
            try reason("qwen2", Program { LoReFT(rank: 1).on(.mlpOutput, layer: 0).at(.all) })
                == "'loreft': on mlp_output.0 it can not be folded into weights: it adds the same row everywhere, which takes "
                + "a bias, and models of type qwen2 have none at model.layers.0.mlp.down_proj.weight")
        #expect(
            try reason("gpt2", Program { Scale(by: 2).on(.logits).at(.all) })
                == "'scale': on logits it can not be folded into weights: its tensor 'transformer.wte.weight' is used in 2 "
                + "places, and all of them would change")
        let gguf = PeerFixtures.folder.appendingPathComponent("gguf")
        let file = try #require(
            FileManager.default.contentsOfDirectory(atPath: gguf.path).sorted().first { $0.hasSuffix(".gguf") })
        #expect {
            try FoldedModel(Session(Model(at: gguf.appendingPathComponent(file).path), program: Self.scaling))
                .write(to: "never-written")
        } throws: {
            "\($0)".hasSuffix("a Hugging Face folder: the blocks of a GGUF file take no new numbers exactly")
        }
    }
}
