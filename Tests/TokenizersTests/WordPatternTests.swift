import Foundation
import Testing

@testable import Tokenizers

/// The hand-written scanners against the general matcher, and that against known matches.
struct WordPatternTests {
    private func pieces(_ pattern: String, _ text: String) throws -> [String] {
        let expression = try PatternExpression(pattern)
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return [] }
            return expression.matches(in: base, 0, buffer.count).map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    @Test(arguments: [WordPattern.gpt2Source, WordPattern.llama3Source(digits: 3), WordPattern.llama3Source(digits: 1)])
    func scannersAgreeWithPattern(source: String) throws {
        let scanner = try #require(WordPattern(source: source))
        let lines = try Fixture.decode([String].self, "lines.json")
        // Every pair of these meets somewhere in the text.
        let atoms = [
            "a", "É", "1", "٣", " ", "\n", "\r", "\t", "\u{A0}", "'", "s", "S", "ſ", "l", "!", "한", "\u{301}", "👍",
        ]
        var state: UInt64 = 1
        let random = (0..<4000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return atoms[Int(state >> 33) % atoms.count]
        }
        for line in lines + stride(from: 0, to: 4000, by: 20).map({ random[$0..<$0 + 20].joined() }) {
            let bytes = Array(line.utf8)
            var ends: [Int32] = []
            bytes.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { scanner.scan(base, 0, buffer.count, &ends) }
            }
            var start = 0
            let words = ends.map { end in
                defer { start = Int(end) }
                return String(decoding: bytes[start..<Int(end)], as: UTF8.self)
            }
            #expect(words == (try pieces(source, line)), "\(line.debugDescription)")
        }
    }

    @Test func matcherFollowsTheUsualRules() throws {
        #expect(try pieces("a|ab", "abab") == ["a", "a"])
        #expect(try pieces("a+?b|a+?", "aabaa") == ["aab", "a", "a"])
        #expect(try pieces(#"\d{1,3}(?=(?:\d{3})*\b)"#, "1234567 89") == ["1", "234", "567", "89"])
        #expect(try pieces("a++a|b", "aaab") == ["b"])
        #expect(try pieces("(?>a+)b|a", "aac") == ["a", "a"])
        #expect(try pieces(#"[^\s\p{L}-]+"#, "ab 12-x_3") == ["12", "_3"])
        #expect(try pieces("(?i:'K)", "'k'K'\u{212A}") == ["'k", "'K", "'\u{212A}"])
        #expect(try pieces(#"\u00e9|\x41|[\u{1F600}-\u{1F64F}]"#, "éA😀b") == ["é", "A", "😀"])
    }

    @Test func refusesWhatItDoesNotKnow() {
        for (pattern, position, reason) in [
            (#"(?<=a)b"#, 1, "this kind of group; known: (…), (?:…), (?i:…), (?=…), (?!…), (?>…)"),
            (#"\p{Han}+"#, 3, "the property Han; known: general categories such as L, Lu, N, P, S, M"),
            ("(a*)*", 5, "a repetition of something that can be empty"),
            ("(a", 2, "a group that is not closed"), ("a)", 1, "an unmatched )"),
            ("[a", 2, "the pattern ends too early"),
            ("*", 1, "a repetition without something to repeat"), ("[a&&b]", 2, "an intersection of sets"),
        ] {
            #expect(throws: TokenizerError.unsupportedPattern(pattern: pattern, position: position, reason: reason)) {
                try PatternExpression(pattern)
            }
        }
    }
}
