import Foundation
import Testing

@testable import Session

/// Answers and scores of transformers' `generate`, for many ways of decoding.
@Suite struct GenerationParityTests {
    struct Case: Decodable, CustomTestStringConvertible {
        var name: String
        var model: String
        var prompt: [Int32]
        var arguments: Arguments
        var answers: [[Int32]]
        var scores: [Double]?

        var testDescription: String { name }
    }

    struct Arguments: Decodable {
        var numBeams: Int?
        var lengthPenalty: Double?
        var earlyStopping: Early?
        var numReturnSequences: Int?
        var repetitionPenalty: Double?
        var noRepeatNgramSize: Int?
        var minNewTokens: Int?
        var sequenceBias: [String: Double]?
        var badWordsIds: [Int]?
        var presence: Double?
        var frequency: Double?
        var eosTokenId: [Int]?

        var settings: GenerationSettings {
            var settings = GenerationSettings(maximumTokens: 12)
            if let numBeams {
                settings.beams = BeamSettings(
                    numBeams, lengthPenalty: lengthPenalty ?? 1, earlyStopping: earlyStopping?.value ?? .heuristic,
                    returned: numReturnSequences ?? 1)
            }
            settings.repetitionPenalty = repetitionPenalty ?? 1
            settings.noRepeatNGram = noRepeatNgramSize ?? 0
            settings.minimumTokens = minNewTokens ?? 0
            for (token, bias) in sequenceBias ?? [:] { settings.logitBias[Int(token) ?? -1] = bias }
            settings.bannedTokens = badWordsIds ?? []
            settings.presencePenalty = presence ?? 0
            settings.frequencyPenalty = frequency ?? 0
            settings.endTokens = eosTokenId ?? []
            return settings
        }
    }

    struct Early: Decodable {
        var value: BeamSettings.EarlyStopping

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let isEager = try? container.decode(Bool.self) {
                value = isEager ? .immediately : .heuristic
            } else {
                value = try container.decode(String.self) == "never" ? .never : .heuristic
            }
        }
    }

    static let cases: [Case] = {
        let url = PeerFixtures.folder.appendingPathComponent("generation/cases.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try? decoder.decode([Case].self, from: Data(contentsOf: url))) ?? []
    }()
    static let models = Array(Set(cases.map(\.model))).sorted()

    @Test func thereAreCases() { #expect(Self.cases.count >= 100) }

    @Test(arguments: models) func answersAndScoresAreThoseOfTransformers(model: String) throws {
        let session = try Session(PeerFixtures.model(model))
        for one in Self.cases where one.model == model {
            let answers = try session.generate([Example(tokens: one.prompt)], settings: one.arguments.settings)
            #expect(answers.map(\.tokens) == one.answers, "\(one.name)")
            for (answer, score) in zip(answers, one.scores ?? []) {
                #expect(abs((answer.score ?? .nan) - score) <= 1e-4 * max(1, abs(score)), "\(one.name)")
            }
        }
    }

    /// Both prompts of each way of decoding at once: they have different lengths and end at different steps.
    @Test(arguments: models) func promptsInOneBatchGetTheSameAnswers(model: String) throws {
        let session = try Session(PeerFixtures.model(model))
        let cases = Self.cases.filter { $0.model == model }
        for one in cases where one.name.hasSuffix(" 0") {
            let prompts =
                cases.filter { $0.name.hasSuffix(" 0") }.map(\.prompt).prefix(1)
                + cases.filter { $0.name.hasSuffix(" 1") }.map(\.prompt).prefix(1)
            let together = try session.generate(
                prompts.map { Example(tokens: $0) }, settings: one.arguments.settings)
            #expect(together.filter { $0.prompt == 0 }.map(\.tokens) == one.answers, "\(one.name)")
            let alone = try session.generate([Example(tokens: prompts[1])], settings: one.arguments.settings)
            #expect(together.filter { $0.prompt == 1 }.map(\.tokens) == alone.map(\.tokens), "\(one.name)")
        }
    }
}
