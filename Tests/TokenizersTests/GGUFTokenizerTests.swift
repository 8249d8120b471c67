import Foundation
import Testing

@testable import Tokenizers

/// Tiny GGUF vocabularies against what llama.cpp gives.
struct GGUFTokenizerTests {
    struct Source: Decodable {
        var model: String
        var pre: String?
        var tokens: [String]
        var scores: [Float]?
        var merges: [String]?
        var tokenType: [Int32]
        var bos: Int32?
        var eos: Int32?
        var unk: Int32?
        var sep: Int32?
        var pad: Int32?
        var addBos: Bool?
        var addEos: Bool?
        var addSpacePrefix: Bool?

        var source: GGUFTokenizerSource {
            var result = GGUFTokenizerSource(
                model: model, pre: pre, tokens: tokens, scores: scores ?? [], merges: merges ?? [],
                tokenTypes: tokenType)
            result.bos = bos
            result.eos = eos
            result.unknown = unk
            result.separator = sep
            result.padding = pad
            result.addsBOS = addBos
            result.addsEOS = addEos
            result.addsSpacePrefix = addSpacePrefix
            return result
        }
    }

    struct Case: Decodable {
        var source: Source
        var expected: [[Int32]]
    }

    private func tiny(_ kind: String = "smollm") throws -> GGUFTokenizerSource {
        try Fixture.decode(Case.self, "\(kind).gguf.json").source.source
    }

    @Test(arguments: ["gpt-2", "llama-bpe", "qwen2", "qwen35", "smollm", "llama", "llama-no-prefix", "bert"])
    func encodesLikeReference(kind: String) throws {
        let fixture = try Fixture.decode(Case.self, "\(kind).gguf.json")
        let tokenizer = try Tokenizer(gguf: fixture.source.source)
        for (line, expected) in zip(try Fixture.decode([String].self, "lines.json"), fixture.expected) {
            #expect(tokenizer.encode(line) == expected, "\(line.debugDescription)")
        }
    }

    @Test func decodesSentencePiece() throws {
        let tokenizer = try Tokenizer(gguf: tiny("llama"))
        #expect(tokenizer.decode(tokenizer.encode("Hi 👍  you")) == "Hi 👍  you")
    }

    /// Of Phi-3's special tokens all but three take the white space after them along.
    @Test func phi3StripsSpace() throws {
        var source = try tiny()
        let whole = try Tokenizer(gguf: source)
        source.modelName = "Phi-3 mini"
        let phi3 = try Tokenizer(gguf: source)
        #expect(phi3.encode("<|im_end|> \n a") == whole.encode("<|im_end|>a"))
        #expect(phi3.encode("<|endoftext|> a") == whole.encode("<|endoftext|> a"))
    }

    @Test func refusesUnknownSplitting() throws {
        var source = try tiny()
        source.pre = "smolm"
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(gguf: source) }
        let text = try #require(error?.description)
        #expect(
            text.hasPrefix(
                "tokenizer.ggml.pre \"smolm\" is not known; did you mean \"smollm\"?; known: chatglm-bpe, codeshell,"))
        source.pre = nil
        let missing = #expect(throws: TokenizerError.self) { try Tokenizer(gguf: source) }
        #expect(
            missing?.description.hasPrefix(
                "tokenizer.ggml.pre is missing, and how text is split is not guessed; known: ") == true)
    }

    @Test func refusesOtherModels() throws {
        var source = try tiny()
        source.model = "t5"
        #expect(
            throws: TokenizerError.unknownGGUFKind(
                key: "tokenizer.ggml.model", given: "t5", known: ["gpt2", "llama", "bert"])
        ) {
            try Tokenizer(gguf: source)
        }
    }

    @Test func refusesContradictions() throws {
        var source = try tiny()
        source.bos = 5000
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(gguf: source) }
        #expect(error?.description == "GGUF tokenizer: tokenizer.ggml.bos_token_id is 5000; allowed: 0 to 419")
        source = try tiny()
        source.tokenTypes.removeLast()
        let types = #expect(throws: TokenizerError.self) { try Tokenizer(gguf: source) }
        #expect(types?.description == "GGUF tokenizer: tokenizer.ggml.token_type has 419 entries for 420 tokens")
        source = try tiny("llama")
        source.scores = []
        let scores = #expect(throws: TokenizerError.self) { try Tokenizer(gguf: source) }
        #expect(
            scores?.description
                == "GGUF tokenizer: tokenizer.ggml.scores has 0 entries for \(source.tokens.count) tokens")
        source = try tiny()
        source.merges[3] = "abc"
        let merges = #expect(throws: TokenizerError.self) { try Tokenizer(gguf: source) }
        #expect(merges?.description == "GGUF tokenizer: tokenizer.ggml.merges[3] is \"abc\"; allowed: \"left right\"")
    }
}
