import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Session
import Testing

@testable import Training

/// Subspace ReFT (Wu et al. 2024, arXiv 2404.03592, appendix on composition): two tasks are trained in disjoint subspaces
/// of one LoReFT; afterwards either is switched on, or both, or none.
@Suite struct SubspaceReFTTests {
    private static let program = Program {
        LoReFT(rank: 8).on(.blockOutput, layer: 1).at(.last)
            .subspaces(["first": [0, 1, 2, 3], "second": [4, 5, 6, 7]])
    }

    /// After the same prompts, `first` learns one answer and `second` another.
    private static func example(_ token: Int32, _ part: String, answer: Int32) -> Example {
        Example(
            tokens: [1, token, 9, 3, answer], target: .tokens([-100, -100, -100, -100, answer]),
            subspaces: ["loreft": .parts([part])])
    }

    private static let answers: [String: Int32] = ["first": 70, "second": 31]
    private static let examples = (Int32(5)..<13).flatMap { token in
        ["first", "second"].map { example(token, $0, answer: answers[$0] ?? 0) }
    }

    /// The likeliest token after a prompt that was not trained on, and all scores.
    private func scores(_ session: Session, _ choice: SubspaceChoice) throws -> (likeliest: Int32, all: [Float]) {
        let prompt = Example(tokens: [1, 14, 9, 3], subspaces: ["loreft": choice])
        let logits = try #require(try session.run([prompt]).logits)
        let last = Array(logits.values.suffix(logits.columns))
        let best = try #require(last.indices.max { last[$0] < last[$1] })
        return (Int32(best), last)
    }

    @Test func twoTasksLiveInOneAdapter() throws {
        let model = try TinyModel.named("llama")
        let adapter = try model.train(
            Self.program, on: Self.examples, settings: TrainingSettings(epochs: 40, batchSize: 8, learningRate: 2e-2))
        let session = try Session(model, adapters: [adapter])
        for (part, answer) in Self.answers {
            #expect(try scores(session, .parts([part])).likeliest == answer, "\(part)")
        }
        // None is the model as it was.
        let plain = try #require(try Session(model).run([Example(tokens: [1, 14, 9, 3])]).logits)
        let off = try scores(session, .coordinates([])).all
        let largest = plain.values.map(abs).max() ?? 1
        #expect(zip(off, plain.values.suffix(plain.columns)).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
        // Both at once raise both answers above what the model would have said.
        let both = try scores(session, .parts(["first", "second"])).all
        for answer in Self.answers.values { #expect(both[Int(answer)] > off[Int(answer)]) }
    }

    @Test func rowsOfADataSetChoose() throws {
        let text = #"""
            {"tokens": [1, 2], "labels": [-100, 2], "subspaces": {"loreft": ["first"], "other": [0, 2], "third": null}}
            {"prompt": "a", "completion": "b", "subspaces": {}}
            """#
        let rows = try DataRow.rows(of: Data(text.utf8), file: "d")
        #expect(
            rows == [
                .choosing(
                    ["loreft": .parts(["first"]), "other": .coordinates([0, 2])],
                    .tokens([1, 2], labels: [-100, 2], promptLength: nil)),
                .choosing([:], .text(prompt: "a", completion: "b")),
            ])
        let examples = try ExampleEncoder(try TinyModel.named("llama")).encode(Array(rows.prefix(1)))
        #expect(examples[0].subspaces == ["loreft": .parts(["first"]), "other": .coordinates([0, 2])])
        for (given, message) in [
            (
                "3",
                #"d: line 1: "subspaces" must be an object: {"declaration": [coordinates or names of parts]}, not the number 3"#
            ),
            (#"{"a": [1, "b"]}"#, "d: line 1: subspaces.a must be a list of coordinates or of names of parts"),
        ] {
            let error = #expect(throws: InputError.self) {
                try DataRow.rows(
                    of: Data(#"{"prompt": "a", "completion": "b", "subspaces": \#(given)}"#.utf8), file: "d")
            }
            #expect(error?.description == message)
        }
    }
}
