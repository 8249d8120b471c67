import Foundation
import Graph
import InterventionDSL
import Models
import Testing

@testable import Session

/// In generation an encoder runs once, with the prompts.
@Suite struct EncodedValuesTests {
    private func model(_ name: String) throws -> Model {
        try Model(at: PeerFixtures.folder.appendingPathComponent("relative/\(name)").path)
    }

    private let prompts = [Example(tokens: [5, 9, 3]), Example(tokens: [7, 1, 2, 8, 4]), Example(tokens: [6])]

    /// Edits on both sides, of the keys that the decoder makes of the encoder's rows too.
    private static let program = Program {
        Run("encoder") {
            Scale(by: 0.5).on(.blockOutput, layer: 1).at(.last)
            Scale(by: 1.5).on(.crossKeyOutput, layer: 0).at(.first)
        }
        Run.base { Scale(by: 0.9).on(.blockOutput, layer: 0).at(.all) }
    }

    @Test func noStepRunsTheEncoder() throws {
        let session = try Session(model("t5"), program: Self.program)
        let prompt = try session.compiledGraph(.generation(.prompt)).plan
        let decode = try session.compiledGraph(.generation(.decode)).plan
        #expect(prompt.inputNames.contains("encoder.tokens"))
        #expect(!decode.inputNames.contains("encoder.tokens"))
        #expect(!decode.weightNames.contains { $0.hasPrefix("encoder.") || $0.contains("EncDecAttention.k") })
    }

    /// The answer is what running everything again for each token gives.
    @Test(arguments: [1, 3]) func answersAreThoseOfRunningEverythingAgain(beams: Int) throws {
        let session = try Session(model("t5"), program: Self.program)
        var settings = GenerationSettings(maximumTokens: 6)
        settings.ignoresEnd = true
        if beams > 1 { settings.beams = BeamSettings(beams) }
        let together = try session.generate(prompts, settings: settings)
        for (place, prompt) in prompts.enumerated() {
            let answer = together[place].tokens
            #expect(try session.generate([prompt], settings: settings)[0].tokens == answer)
            guard beams == 1 else { continue }
            var example = session.decoderPrompt(of: prompt)
            for token in answer {
                let logits = try #require(session.run([example]).logits)
                let last = logits.values.suffix(logits.columns)
                #expect(last.indices.max { last[$0] < last[$1] }.map { $0 - last.startIndex } == Int(token))
                example.tokens.append(token)
            }
        }
    }

    @Test func editsOfTheEncoderAreRecordedOnce() throws {
        let session = try Session(model("t5"), program: Self.program)
        let recorder = ReceiptRecorder()
        var settings = GenerationSettings(maximumTokens: 4)
        settings.ignoresEnd = true
        _ = try session.generate([prompts[0]], settings: settings, receipt: recorder)
        let receipt = recorder.receipt
        for edit in receipt.edits {
            #expect(edit.steps.map(\.step) == (edit.run == "encoder" ? [0] : [0, 1, 2, 3]), "\(edit.declaration)")
        }
        #expect(receipt.edits.count { $0.run == "encoder" } == 2)
    }
}
