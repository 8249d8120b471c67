import Foundation
import Testing
import Tokenizers

@testable import Session

/// Which rows a text means, with a tokenizer of single bytes.
@Suite struct TextPositionTests {
    /// Byte-level tokens 0–255 in GPT-2's alphabet, without merges.
    private func tokenizer() throws -> Tokenizer {
        var symbols: [Character] = []
        var extra: UInt32 = 256
        for byte in UInt32(0)..<256 {
            let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            let code = isPrintable ? byte : extra
            if !isPrintable { extra += 1 }
            symbols.append(Character(try #require(Unicode.Scalar(code))))
        }
        let vocabulary = Dictionary(uniqueKeysWithValues: symbols.enumerated().map { (String($1), $0) })
        let document: [String: Any] = [
            "model": ["type": "BPE", "vocab": vocabulary, "merges": [String]()] as [String: Any],
            "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true] as [String: Any],
            "decoder": ["type": "ByteLevel"], "added_tokens": [Any](),
        ]
        return try Tokenizer(json: [UInt8](JSONSerialization.data(withJSONObject: document)))
    }

    @Test func everyOccurrenceCounts() throws {
        let tokenizer = try tokenizer()
        let tokens = tokenizer.encode("a cat, a cat")
        #expect(tokens.count == 12)
        #expect(tokenizer.rows(matching: .text("cat"), in: tokens) == [2, 3, 4, 9, 10, 11])
        #expect(tokenizer.rows(matching: .text("dog"), in: tokens).isEmpty)
        #expect(tokenizer.rows(matching: .text(""), in: tokens).isEmpty)
    }

    @Test func expressionsMatchTheJoinedText() throws {
        let tokenizer = try tokenizer()
        let tokens = tokenizer.encode("a1 b22 c")
        #expect(tokenizer.rows(matching: .expression("[0-9]+"), in: tokens) == [1, 4, 5])
        #expect(tokenizer.rows(matching: .expression("b22 "), in: tokens) == [3, 4, 5, 6])
        #expect(tokenizer.rows(matching: .expression("x*"), in: tokens).isEmpty)
        #expect(tokenizer.rows(matching: .expression("^a"), in: tokens) == [0])
    }

    @Test func partsOfACharacterCountAsTheCharacter() throws {
        let tokenizer = try tokenizer()
        let tokens = tokenizer.encode("x🙂y")
        #expect(tokens.count == 6)
        #expect(tokenizer.rows(matching: .text("🙂"), in: tokens) == [1, 2, 3, 4])
        #expect(tokenizer.rows(matching: .text("y"), in: tokens) == [5])
    }
}
