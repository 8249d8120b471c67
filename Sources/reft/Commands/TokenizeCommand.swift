import ArgumentParser
import SwiftReFT

struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Turns text into token ids, or ids into text.",
        discussion: """
            EXAMPLES
              reft tokenize SmolLM2-135M-Instruct "Hello there"
              reft tokenize SmolLM2-135M-Instruct --decode 19556,665
            """)

    @OptionGroup var options: ModelOptions
    @Argument(help: "The text.") var text: String?
    @Option(parsing: .unconditional, help: "Token ids to decode, with commas or spaces between.") var decode: String?
    @Flag(help: "Leave out the tokens that the model puts around a text.") var noSpecialTokens = false
    @Flag(help: "Print JSON.") var json = false

    struct Output: Encodable {
        var ids: [Int32]
        var tokens: [String]
        var text: String
    }

    func validate() throws {
        if (text == nil) == (decode == nil) { throw ValidationError("give either TEXT or --decode IDS") }
    }

    func run() throws {
        let tokenizer = try options.open().requiredTokenizer()
        let ids =
            try decode.map { try tokenizer.ids($0) } ?? tokenizer.encode(text ?? "", addSpecialTokens: !noSpecialTokens)
        let output = Output(
            ids: ids, tokens: ids.map { tokenizer.decode([$0], skipSpecialTokens: false) },
            text: tokenizer.decode(ids, skipSpecialTokens: false))
        if json { return try Terminal.show(json: output) }
        if decode != nil { return Terminal.show(output.text) }
        Terminal.show(ids.map(String.init).joined(separator: " "))
        Terminal.report(output.tokens.map { "\($0.debugDescription)" }.joined(separator: " "))
    }
}

extension Tokenizer {
    /// The ids of a list such as `1, 2 3`.
    fileprivate func ids(_ list: String) throws -> [Int32] {
        try list.split { ", ".contains($0) }.map { word in
            guard let id = Int32(word), id >= 0, Int(id) < vocabularySize else {
                throw CommandError("'\(word)' is no token id; ids are within 0..<\(vocabularySize)")
            }
            return id
        }
    }
}
