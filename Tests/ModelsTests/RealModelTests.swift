import Checkpoints
import Foundation
import Graph
import Models
import Runtime
import Testing

/// Real models, which are not part of the repository: `REFT_TEST_MODELS` names a folder with `stories260K/` and
/// `SmolLM2-135M-Instruct.Q4_1.gguf`. Reference values are transformers' (Tests/Fixtures).
@Suite struct RealModelTests {
    /// The file or folder, or nil with a note when the tests run without it.
    static func model(_ name: String) -> URL? {
        let folder = ProcessInfo.processInfo.environment["REFT_TEST_MODELS"].map { URL(fileURLWithPath: $0) }
        let url = folder?.appendingPathComponent(name)
        if let url, FileManager.default.fileExists(atPath: url.path) { return url }
        print("SKIPPED: \(name) is not there; set REFT_TEST_MODELS to a folder that holds it")
        return nil
    }

    struct Story: Decodable {
        var prompt: String
        var promptIds: [Int32]
        var generatedIds: [Int32]
    }

    /// The place of the largest number of each row.
    private func largest(_ rows: [Float], width: Int) -> [Int] {
        stride(from: 0, to: rows.count, by: width).map { start in
            (0..<width).max { rows[start + $0] < rows[start + $1] } ?? 0
        }
    }

    @Test func greedyTextOfStories260K() throws {
        guard let folder = Self.model("stories260K") else { return }
        struct Fixture: Decodable { var cases: [Story] }
        let model = try Model(at: folder.path)
        let tokenizer = try model.requiredTokenizer()
        let (graph, outputs) = try model.graph()
        let logits = try #require(outputs.logits)
        for story in try FixtureModel.decoded(Fixture.self, "stories260K.json").cases {
            #expect(tokenizer.encode(story.prompt) == story.promptIds)
            // The largest logit after each row is the next token of the greedy text.
            let rows = FixtureBatch([story.promptIds + story.generatedIds.dropLast()])
            let values = try rows.execute(graph, [logits], of: model)[0]
            let next = largest(values, width: model.sizes.vocabulary).dropFirst(story.promptIds.count - 1)
            #expect(next.map(Int32.init) == story.generatedIds)
        }
    }

    @Test func logitsOfSmolLM2FromGGUF() throws {
        guard let file = Self.model("SmolLM2-135M-Instruct.Q4_1.gguf") else { return }
        struct Fixture: Decodable {
            var text: String
            var ids: [Int32]
            var chats: [Story]
        }
        let fixture = try FixtureModel.decoded(Fixture.self, "smollm2.json")
        let expected = try Checkpoint(at: FixtureModel.fixtures.appendingPathComponent("smollm2.safetensors"))
        let clock = ContinuousClock()
        let began = clock.now
        let model = try Model(at: file.path)
        print("opened SmolLM2 in \(clock.now - began)")
        #expect(try model.describe().parameterCount == 134_515_008)
        let tokenizer = try model.requiredTokenizer()
        #expect(tokenizer.encode(fixture.text) == fixture.ids)
        #expect(tokenizer.chatTemplate != nil)

        let (graph, outputs) = try model.graph()
        let sites = try [0, 15, 29].map { try #require(graph.site(SiteID(.blockOutput, layer: $0))).value }
        let values = try FixtureBatch([fixture.ids]).execute(
            graph, [try #require(outputs.logits)] + sites, of: model)
        let vocabulary = model.sizes.vocabulary
        let top = largest(values[0], width: vocabulary)
        let agreeing = zip(top, try expected.tensor("top1").integers()).count { $0 == $1 }
        print("top-1 agrees at \(agreeing) of \(top.count) positions")
        #expect(agreeing * 100 >= top.count * 99)
        let rows = try expected.tensor("logit_positions").integers().map(Int.init)
        func error(_ name: String, _ values: [Float], width: Int) throws -> Double {
            let picked = rows.flatMap { values[$0 * width..<($0 + 1) * width].map(Double.init) }
            return relativeError(picked, try expected.tensor(name).floats())
        }
        let logitError = try error("logits", values[0], width: vocabulary)
        print("logits differ by \(logitError) of the largest")
        #expect(logitError < 1e-3)
        for (layer, value) in zip([0, 15, 29], values.dropFirst()) {
            #expect(try error("block_output.\(layer)", value, width: model.sizes.hidden) < 1e-3)
        }
    }
}
