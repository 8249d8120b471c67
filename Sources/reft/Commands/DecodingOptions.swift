import ArgumentParser
import Foundation
import SwiftReFT

/// How the next token is chosen and when an answer ends.
struct DecodingOptions: ParsableArguments {
    @Option(help: "The ReFT paper's way for a task: commonsense, arithmetic or instruction; other options change it.")
    var decoding: PaperDecoding?
    @Option(parsing: .unconditional, help: "The most tokens of an answer (128).") var maxTokens: Int?
    @Option(parsing: .unconditional, help: "The most tokens of prompt and answer together.") var maxLength: Int?
    @Option(parsing: .unconditional, help: "No end token before this many tokens of the answer.") var minTokens: Int?
    @Option(help: "A text that ends the answer; may be given several times.") var stop: [String] = []
    @Option(parsing: .unconditional, help: "Token ids that end the answer in place of the model's own, as 2,7.")
    var endToken: String?
    @Flag(help: "Go on after an end token.") var ignoreEnd = false
    @Flag(help: "Let rotary models go on beyond the context they were made for.") var beyondContext = false

    @Option(parsing: .unconditional, help: "0 takes the likeliest token (as without it); higher draws more freely.")
    var temperature: Double?
    @Option(parsing: .unconditional, help: "Draw from the k likeliest tokens only.") var topK: Int?
    @Option(parsing: .unconditional, help: "Draw from the likeliest tokens that reach this probability together.")
    var topP: Double?
    @Option(parsing: .unconditional, help: "Draw from tokens at least this many times as likely as the likeliest.")
    var minP: Double?
    @Option(parsing: .unconditional, help: "What the draws are keyed with.") var seed: UInt64 = 0
    @Option(parsing: .unconditional, help: "How many answers are drawn for each prompt.") var samples: Int?

    @Option(parsing: .unconditional, help: "Beam search with so many sequences side by side.") var beams: Int?
    @Option(parsing: .unconditional, help: "The exponent of the length that scores of beams are divided by (1).")
    var lengthPenalty: Double?
    @Option(
        help: """
            When a search with enough answers ends: immediately; by the heuristic that running beams would have to be \
            better now (the default); or never before none can become better.
            """)
    var earlyStopping: BeamSettings.EarlyStopping?
    @Option(name: .customLong("return"), parsing: .unconditional, help: "How many of the beams' answers are given (1).")
    var returned: Int?

    @Option(
        parsing: .unconditional, help: "Divides the scores of tokens of prompt and answer; above 1 they are rarer.")
    var repetitionPenalty: Double?
    @Option(parsing: .unconditional, help: "Subtracted from the scores of tokens that the answer holds.")
    var presencePenalty: Double?
    @Option(parsing: .unconditional, help: "Subtracted from the scores of tokens as often as the answer holds them.")
    var frequencyPenalty: Double?
    @Option(parsing: .unconditional, help: "No n tokens follow one another twice.") var noRepeatNgram: Int?
    @Option(parsing: .unconditional, help: "Added to the scores of tokens: id=value pairs, as 40=-2.5,17=1.")
    var logitBias: String?
    @Option(parsing: .unconditional, help: "Token ids that are never chosen, as 40,17.") var ban: String?

    /// The settings; what makes no sense is found when they are used.
    func settings() throws -> GenerationSettings {
        var settings = decoding.map { .paper($0) } ?? GenerationSettings()
        if let maxTokens { settings.maximumTokens = maxTokens }
        if let maxLength { settings.maximumLength = maxLength }
        if let minTokens { settings.minimumTokens = minTokens }
        settings.stop = stop
        settings.endTokens = try endToken.map { try Self.tokens($0, "--end-token") }
        settings.ignoresEnd = ignoreEnd
        settings.goesBeyondContext = beyondContext
        if let temperature { settings.temperature = temperature }
        if let topK { settings.topK = topK }
        if let topP { settings.topP = topP }
        if let minP { settings.minP = minP }
        settings.seed = seed
        if let samples { settings.samples = samples }
        try setBeams(&settings)
        if let repetitionPenalty { settings.repetitionPenalty = repetitionPenalty }
        if let presencePenalty { settings.presencePenalty = presencePenalty }
        if let frequencyPenalty { settings.frequencyPenalty = frequencyPenalty }
        if let noRepeatNgram { settings.noRepeatNGram = noRepeatNgram }
        settings.logitBias = try logitBias.map(Self.biases) ?? [:]
        settings.bannedTokens = try ban.map { try Self.tokens($0, "--ban") } ?? []
        return settings
    }

    private func setBeams(_ settings: inout GenerationSettings) throws {
        if let beams {
            var changed = settings.beams ?? BeamSettings(beams)
            changed.count = beams
            settings.beams = changed
        }
        guard settings.beams != nil else {
            let alone = [
                lengthPenalty.map { _ in "--length-penalty" }, earlyStopping.map { _ in "--early-stopping" },
                returned.map { _ in "--return" },
            ].compactMap { $0 }
            guard alone.isEmpty else {
                let verb = alone.count == 1 ? "goes" : "go"
                throw CommandError("\(alone.joined(separator: ", ")) \(verb) with --beams")
            }
            return
        }
        if let lengthPenalty { settings.beams?.lengthPenalty = lengthPenalty }
        if let earlyStopping { settings.beams?.earlyStopping = earlyStopping }
        if let returned { settings.beams?.returned = returned }
    }

    private static func tokens(_ list: String, _ option: String) throws -> [Int] {
        try list.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let token = Int(text.filter { !$0.isWhitespace }) else {
                throw CommandError(
                    "\(option) '\(list)': '\(text)' is no token id; give ids with commas between, as 40,17")
            }
            return token
        }
    }

    private static func biases(_ list: String) throws -> [Int: Double] {
        var biases: [Int: Double] = [:]
        for text in list.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = text.split(separator: "=", omittingEmptySubsequences: false).map {
                $0.filter { !$0.isWhitespace }
            }
            guard sides.count == 2, let token = Int(sides[0]), let bias = Double(sides[1]) else {
                throw CommandError("--logit-bias '\(list)': '\(text)' is no id=value pair, as 40=-2.5")
            }
            guard biases.updateValue(bias, forKey: token) == nil else {
                throw CommandError("--logit-bias '\(list)': token \(token) is there twice")
            }
        }
        return biases
    }
}

extension PaperDecoding: ExpressibleByArgument {}
extension BeamSettings.EarlyStopping: ExpressibleByArgument {}
