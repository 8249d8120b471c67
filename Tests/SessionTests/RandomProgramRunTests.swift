import Foundation
import InterventionDSL
import JSON
import Models
import ReFTPresets
import Session
import Testing

/// Programs of random content, sound and wrong, from their text to a run, gradients and generation: each ends in a result
/// or in an error that says something, never in a crash.
///
/// `REFT_FUZZ=100000 swift test --filter RandomProgramRunTests` tries more of them.
@Suite struct RandomProgramRunTests {
    static let count = ProcessInfo.processInfo.environment["REFT_FUZZ"].flatMap(Int.init) ?? 400

    /// How far a program came.
    enum Stage: Hashable { case unread, unbound, unfit, ran }

    static func attempt(_ text: Data, on model: Model, seed: UInt64) -> (stage: Stage, message: String) {
        let program: Program
        do { program = try Program(json: text, registry: .general + .reft) } catch { return (.unread, "\(error)") }
        let session: Session
        do { session = try Session(model, program: program, seed: seed) } catch { return (.unbound, "\(error)") }
        let tokens: [[Int32]] = [[5, 9, 17, 4, 5], [8, 3], [7, 7, 9]]
        let examples = tokens.map { tokens in
            Example(
                tokens: tokens, target: .tokens([-100] + tokens.dropFirst()), promptLength: max(1, tokens.count - 1),
                fields: ["subject": [0, 1]])
        }
        let names = program.runs.map(\.name).filter { $0 != Program.baseName }
        let sources = Dictionary(names.map { ($0, examples) }) { first, _ in first }
        do {
            let isTrained = !session.parameters.specifications.isEmpty
            let result = try session.run(examples, sources: sources, gradients: isTrained)
            guard let logits = result.logits, logits.rows == 10 else { return (.ran, "logits are missing") }
            if names.isEmpty {
                _ = try session.generate(examples, settings: GenerationSettings(maximumTokens: 3))
            }
            return (.ran, "")
        } catch {
            return (.unfit, "\(error)")
        }
    }

    @Test func randomProgramsRunOrSayWhyNot() throws {
        let model = try PeerFixtures.model("llama")
        var stages: [Stage: Int] = [:]
        for seed in 0..<UInt64(Self.count) {
            var random = RandomProgramText(seed: seed)
            let text = random.program().text
            let (stage, message) = Self.attempt(Data(text.utf8), on: model, seed: seed)
            stages[stage, default: 0] += 1
            #expect((stage == .ran) == message.isEmpty, "seed \(seed): \(message)\n\(text)")
        }
        // The generator is worth something only if programs end at each stage.
        for stage in [Stage.unread, .unbound, .ran] {
            #expect(stages[stage, default: 0] >= Self.count / 10, "\(stages)")
        }
        #expect(stages[.unfit, default: 0] >= 1, "\(stages)")
    }

    @Test func damagedTextsAreReadOrRefused() throws {
        let model = try PeerFixtures.model("llama")
        for seed in 0..<UInt64(Self.count) {
            var random = RandomProgramText(seed: seed)
            let data = random.damaged(random.program().text)
            let (stage, message) = Self.attempt(data, on: model, seed: seed)
            #expect((stage == .ran) == message.isEmpty, "seed \(seed): \(message)")
        }
    }

    /// What was read is written, and reads the same again.
    @Test func randomProgramsSurviveWriting() throws {
        for seed in 0..<UInt64(Self.count) {
            var random = RandomProgramText(seed: seed)
            guard let program = try? Program(json: Data(random.program().text.utf8), registry: .general + .reft),
                let text = try? program.json()
            else { continue }
            #expect(try Program(json: Data(text.utf8), registry: .general + .reft) == program, "seed \(seed): \(text)")
        }
    }
}
