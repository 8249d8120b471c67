import Foundation
import Testing

@testable import Tokenizers

/// Files beside the tests. They come from Tests/Reference/tokenizers.
enum Fixture {
    static func url(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").appending(path: name)
    }

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: url(name))) }

    static func decode<T: Decodable>(_ type: T.Type, _ name: String) throws -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(contentsOf: url(name)))
    }

    static func tokenizer(_ kind: String) throws -> Tokenizer {
        try Tokenizer(json: bytes("\(kind).tokenizer.json"), file: "\(kind).tokenizer.json")
    }

    static let kinds = [
        "gpt2", "gpt2-prefix-space", "llama3", "qwen2", "qwen35", "smollm", "sentencepiece-prepend",
        "sentencepiece-metaspace", "bert", "roberta", "words",
    ]
}

/// Tiny tokenizers of each kind against what the `tokenizers` package gives for mixed text.
struct TokenizerFixtureTests {
    struct Expected: Decodable {
        var ids: [Int32]
        var offsets: [Int]?
        var decoded: String
        var whole: String
        var pair: [Int32]?
        var types: [Int32]?
    }

    private func cases(_ kind: String) throws -> [(line: String, expected: Expected)] {
        let lines = try Fixture.decode([String].self, "lines.json")
        let expected = try Fixture.decode([Expected].self, "\(kind).expected.json")
        try #require(lines.count == expected.count)
        return Array(zip(lines, expected))
    }

    @Test(arguments: Fixture.kinds) func encodesLikeReference(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        for (line, expected) in try cases(kind) {
            #expect(tokenizer.encode(line) == expected.ids, "\(line.debugDescription)")
        }
    }

    /// Where the normalizer composes, the reference gives the first scalar alone; here the range holds all that it came from.
    @Test(arguments: Fixture.kinds) func rangesLikeReference(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        let composes = ["qwen2", "qwen35", "words"].contains(kind)
        for (line, expected) in try cases(kind) {
            guard let offsets = expected.offsets else { continue }
            let tokens = tokenizer.encodeWithOffsets(line)
            #expect(tokens.ids == expected.ids)
            if composes {
                let holds = tokens.ranges.enumerated().allSatisfy { index, range in
                    range.lowerBound <= offsets[2 * index] && offsets[2 * index + 1] <= range.upperBound
                }
                #expect(holds, "\(line.debugDescription)")
            } else {
                let ranges = tokens.ranges.flatMap { [$0.lowerBound, $0.upperBound] }
                #expect(ranges == offsets, "\(line.debugDescription)")
            }
        }
    }

    @Test(arguments: Fixture.kinds) func decodesLikeReference(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        for (line, expected) in try cases(kind) {
            #expect(
                Array(tokenizer.decode(expected.ids).utf8) == Array(expected.decoded.utf8), "\(line.debugDescription)")
            let whole = tokenizer.decode(expected.ids, skipSpecialTokens: false)
            #expect(Array(whole.utf8) == Array(expected.whole.utf8), "\(line.debugDescription)")
        }
    }

    @Test(arguments: Fixture.kinds) func encodesPairsLikeReference(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        let cases = try cases(kind)
        for (index, (line, expected)) in cases.enumerated() {
            guard let pair = expected.pair else { continue }
            let tokens = tokenizer.encode(line, pair: cases[(index + cases.count - 1) % cases.count].line)
            #expect(tokens.ids == pair)
            #expect(tokens.types == expected.types)
        }
    }

    @Test(arguments: Fixture.kinds) func streamsWhatItDecodes(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        for (line, expected) in try cases(kind) {
            var decoder = tokenizer.streamingDecoder()
            var pieces = expected.ids.compactMap { decoder.push($0) }
            #expect(pieces.allSatisfy { !$0.isEmpty && $0.unicodeScalars.last != "\u{FFFD}" })
            if let rest = decoder.finish() { pieces.append(rest) }
            #expect(Array(pieces.joined().utf8) == Array(expected.decoded.utf8), "\(line.debugDescription)")
        }
    }

    /// A long text goes through the word cache; its words one by one do not.
    @Test(arguments: ["gpt2", "smollm", "llama3", "sentencepiece-metaspace"]) func cacheChangesNothing(kind: String)
        throws
    {
        let tokenizer = try Fixture.tokenizer(kind)
        let lines = try Fixture.decode([String].self, "lines.json")
        let text = Array(repeating: lines.joined(separator: " "), count: 4).joined(separator: "\n")
        #expect(text.utf8.count > 1 << 14)
        #expect(tokenizer.encode(text) == tokenizer.encodeWithOffsets(text).ids)
    }

    @Test func usableFromSeveralThreads() async throws {
        let tokenizer = try Fixture.tokenizer("smollm")
        let text = try Fixture.decode([String].self, "lines.json").joined(separator: "\n")
        let expected = tokenizer.encode(text)
        await withTaskGroup(of: [Int32].self) { group in
            for _ in 0..<4 { group.addTask { tokenizer.encode(text + "") } }
            for await ids in group { #expect(ids == expected) }
        }
    }

    @Test func namesTokens() throws {
        let tokenizer = try Fixture.tokenizer("gpt2")
        #expect(tokenizer.vocabularySize == 420)
        #expect(tokenizer.id(for: "<|im_start|>") == 1)
        #expect(tokenizer.token(for: 1) == "<|im_start|>")
        #expect(tokenizer.isSpecial(1) && !tokenizer.isSpecial(3))
        #expect(tokenizer.token(for: 420) == nil && tokenizer.token(for: -1) == nil)
        #expect(tokenizer.id(for: "no such token") == nil)
        #expect(tokenizer.decode([-1, 420, .max]) == "")
    }
}
