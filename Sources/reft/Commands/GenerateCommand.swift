import ArgumentParser
import Foundation
import SwiftReFT

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Goes on from prompts, with adapters or without.",
        discussion: """
            EXAMPLES
              reft generate MODEL "Once upon a time" --max-tokens 50
              reft generate MODEL --adapter my-adapter --chat "Who are you?" --stream
              reft generate MODEL --adapter my-adapter --subspace loreft=style "Once upon a time"
              reft generate MODEL --bank politeness --bank brevity --prompts questions.txt --adapter-index 0,1,none
              reft generate MODEL --prompts questions.txt --chat --temperature 0.7 --top-p 0.9 --seed 1 --json
              reft generate MODEL "Tom went to the" --program patch.json --source clean="Lily went to the"
              reft generate MODEL "Once upon a time" --beams 4 --length-penalty 0.8 --return 2 --no-repeat-ngram 3
              reft generate MODEL "Once upon a time" --temperature 0.8 --min-p 0.1 --samples 3 --logit-bias 13=-5
              reft generate MODEL --adapter my-adapter --chat "Who are you?" --decoding instruction --receipt -
            """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Argument(help: "The prompt.") var prompt: String?
    @Option(
        help:
            "A file of prompts, one a line, or JSONL of {\"prompt\" or \"instruction\", \"input\", \"positions\", \"sources\"}; they are answered in one batch.",
        completion: .file()) var prompts: String?
    @OptionGroup var sources: SourceOptions
    @OptionGroup var templates: TemplateOptions
    @Option(
        help:
            "The part or coordinates of a subspace that all prompts choose: loreft=style,topic or loreft=0,1; may be given several times."
    ) var subspace: [String] = []
    @OptionGroup(title: "Decoding") var decoding: DecodingOptions
    @Option(
        parsing: .unconditional,
        help:
            "With --bank: the place of each prompt's adapter, with commas between, or none: 0,none,1; one place for all."
    )
    var adapterIndex: String?
    @Flag(help: "Show the answer as it is generated (one prompt only).") var stream = false
    @OptionGroup var computing: ComputingOptions
    @OptionGroup var receipts: ReceiptOptions
    @Flag(help: "Print JSON.") var json = false

    struct Answer: Encodable {
        var prompt: String
        /// Which of the answers to the prompt, counted from 0; the best comes first.
        var answer: Int
        var text: String
        var tokens: [Int32]
        var ending: String
        /// With beams Σ log p / lengthᵃ, else Σ log p of the model.
        var score: Double?
    }

    func validate() throws {
        if (prompt == nil) == (prompts == nil) { throw ValidationError("give either PROMPT or --prompts FILE") }
        if stream && (prompts != nil || json) {
            throw ValidationError("--stream goes with one PROMPT and without --json")
        }
    }

    func run() throws {
        var settings = try decoding.settings()
        settings.scores = json
        if stream && settings.answersPerPrompt > 1 {
            throw CommandError("--stream shows one answer, not \(settings.answersPerPrompt)")
        }
        try OutputPaths.check(
            [("--receipt", receipts.receipt)],
            reading: [("MODEL", options.model), ("--prompts", prompts)] + programOptions.inputs)
        try receipts.check(printsJSON: json)
        let rows = try prompt.map { [DataRow.prompt($0)] } ?? Self.rows(prompts ?? "")
        let model = try options.open()
        let session = try programOptions.session(model)
        computing.apply(to: session)
        let encoder = try templates.encoder(model)
        let subspaces = try SubspaceArguments.parse(subspace)
        var examples = try sources.shared(
            by: try rows.map { try encoder.encode($0.asInstruction) }, model, encoder.prompting)
        for index in examples.indices { examples[index].subspaces.merge(subspaces) { own, _ in own } }
        if let adapterIndex {
            for (index, place) in try BankPlaces.parse(adapterIndex, count: examples.count).enumerated() {
                examples[index].adapterIndex = place
            }
        }
        try session.warnings(for: examples, generating: true, "these prompts").forEach(Terminal.warn)
        Interruption.listen()
        var shown = ""
        let recorder = receipts.isWanted ? ReceiptRecorder() : nil
        let answers = try session.generate(
            examples, settings: settings, receipt: recorder,
            onStep: { step in
                if stream {
                    Terminal.show(step.text, terminator: "")
                    shown += step.text
                }
                return !Interruption.wasAsked && !Terminal.isUnread
            }, warn: Terminal.warn)
        if !receipts.isShown { try receipts.show(recorder?.receipt) }
        try show(answers, rows.map(\.shownPrompt), settings, alreadyShown: shown)
        computing.show(session)
        if receipts.isShown { try receipts.show(recorder?.receipt) }
        if Interruption.wasAsked { throw ExitCode.interrupted }
    }

    private func show(
        _ answers: [GeneratedText], _ prompts: [String], _ settings: GenerationSettings, alreadyShown: String
    ) throws {
        for index in prompts.indices where answers.contains(where: { $0.prompt == index && $0.ending == .context }) {
            let remedy = settings.goesBeyondContext ? "" : "; --beyond-context lets rotary models go on"
            Terminal.warn("prompt \(index): the answer ends at the end of the model's context\(remedy)")
        }
        var counts: [Int: Int] = [:]
        let results = answers.map { answer in
            let place = counts[answer.prompt, default: 0]
            counts[answer.prompt] = place + 1
            return Answer(
                prompt: prompts[answer.prompt], answer: place, text: answer.text, tokens: answer.tokens,
                ending: answer.ending.rawValue, score: answer.score)
        }
        if json { return try Terminal.show(json: results) }
        for result in results {
            if prompts.count > 1, result.answer == 0 { Terminal.show("> \(result.prompt)") }
            if settings.answersPerPrompt > 1 {
                Terminal.show("[\(result.answer)]" + (result.score.map { String(format: " %.4f", $0) } ?? ""))
            }
            Terminal.show(stream ? String(result.text.dropFirst(alreadyShown.count)) : result.text)
        }
    }

    /// The prompts of a file: JSONL where its name says so, else one a line. What comes through a pipe is JSONL if its
    /// first line is an object.
    private static func rows(_ path: String) throws -> [DataRow] {
        let data = try InputFile.contents(of: path)
        let name = path.lowercased()
        if name.hasSuffix(".jsonl") || name.hasSuffix(".json") || InputFile.isPipe(path) && data.beginsWithObject {
            return try DataRow.rows(of: data, file: path, prompts: true)
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw CommandError("\(path): is no UTF-8 text")
        }
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }.map(String.init)
        guard !lines.isEmpty else { throw CommandError("\(path): holds no prompt: at least one line is needed") }
        return lines.map { .prompt($0) }
    }
}

extension Data {
    /// Whether the first line is a JSON object.
    fileprivate var beginsWithObject: Bool {
        let line = drop { " \t\r\n".utf8.contains($0) }.prefix { $0 != UInt8(ascii: "\n") }
        return line.first == UInt8(ascii: "{") && InputFile.damage(inJSON: Data(line)) == nil
    }
}

extension DataRow {
    /// A prompt is what an instruction of the training data was: a template makes the same of it.
    fileprivate var asInstruction: DataRow {
        guard case .prompt(let text) = content else { return self }
        var row = self
        row.content = .instructionPrompt(text, input: "")
        return row
    }

    /// What is shown above an answer.
    fileprivate var shownPrompt: String {
        switch content {
        case .prompt(let text), .text(let text, _), .instruction(let text, _, _), .instructionPrompt(let text, _),
            .classified(let text, _, _):
            text
        case .tokens(let tokens, _, _), .classifiedTokens(let tokens, _), .promptTokens(let tokens, _): "\(tokens)"
        }
    }
}
