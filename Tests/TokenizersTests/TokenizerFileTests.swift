import Foundation
import Testing

@testable import Tokenizers

/// Folders, older file layouts, and damaged files.
struct TokenizerFileTests {
    private func withFolder(_ files: [String: String], _ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        try body(folder)
    }

    private func failure(_ json: String) -> String? {
        #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(json.utf8), file: "t.json") }?.description
    }

    @Test func readsSpecialTokensAndTemplate() throws {
        let tokenizer = String(decoding: try Fixture.bytes("smollm.tokenizer.json"), as: UTF8.self)
        let config = """
            {"bos_token": "<|im_start|>", "eos_token": {"content": "<|im_end|>"}, "model_max_length": 8192,
             "chat_template": [{"name": "tool", "template": "x"}, {"name": "default", "template": "{{ eos_token }}"}]}
            """
        let map = #"{"pad_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}"#
        let files = ["tokenizer.json": tokenizer, "tokenizer_config.json": config, "special_tokens_map.json": map]
        try withFolder(files) { folder in
            let tokenizer = try Tokenizer(folder: folder)
            #expect([tokenizer.bos, tokenizer.eos, tokenizer.pad, tokenizer.unknown] == [1, 2, 0, nil])
            #expect(tokenizer.maximumLength == 8192)
            #expect(try tokenizer.chatTemplate?.render([]) == "<|im_end|>")
        }
    }

    /// The older layouts of a byte-level and a WordPiece tokenizer give the same ids as their tokenizer.json.
    @Test func readsOlderLayouts() throws {
        let lines = try Fixture.decode([String].self, "lines.json")
        let gpt2 = try TokenizerFileScanner.parse(Fixture.bytes("gpt2.tokenizer.json"), file: "gpt2")
        let vocabulary = TemplateValue(gpt2["model"]?["vocab"] ?? .null).json(indent: nil) ?? ""
        let merges = (gpt2["model"]?["merges"]?.array ?? []).map { pair in
            pair.array?.compactMap(\.string).joined(separator: " ") ?? ""
        }
        let config =
            #"{"bos_token": "<|endoftext|>", "additional_special_tokens": [], "pad_token": "<|im_start|>", "eos_token": "<|im_end|>"}"#
        let files = [
            "vocab.json": vocabulary, "merges.txt": "#version: 0.2\n" + merges.joined(separator: "\n") + "\n",
            "tokenizer_config.json": config,
        ]
        try withFolder(files) { folder in
            let old = try Tokenizer(folder: folder)
            let new = try Fixture.tokenizer("gpt2")
            for line in lines { #expect(old.encodeWithOffsets(line) == new.encodeWithOffsets(line)) }
        }
        let bert = try TokenizerFileScanner.parse(Fixture.bytes("bert.tokenizer.json"), file: "bert")
        guard case .object(let members)? = bert["model"]?["vocab"] else {
            Issue.record("bert.tokenizer.json has no vocabulary")
            return
        }
        let tokens = members.sorted { ($0.value.integer ?? 0) < ($1.value.integer ?? 0) }.map(\.key)
        try withFolder(["vocab.txt": tokens.joined(separator: "\n") + "\n"]) { folder in
            let old = try Tokenizer(folder: folder)
            let new = try Fixture.tokenizer("bert")
            for line in lines {
                #expect(old.encodeWithOffsets(line) == new.encodeWithOffsets(line))
                #expect(old.decode(old.encode(line)) == new.decode(new.encode(line)))
            }
        }
    }

    @Test func emptyFolderSaysWhatWasLookedFor() throws {
        try withFolder([:]) { folder in
            let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
            #expect(
                error?.description
                    == "no tokenizer in \(folder.relativePath): looked for tokenizer.json, vocab.json with merges.txt, vocab.txt"
            )
        }
    }

    @Test func brokenJSONNamesThePlace() {
        #expect(
            failure("{\"model\":\n {\"vocab\": {\"a\": 0,}}}") == "t.json:2:20: not valid JSON: expected \" but found }"
        )
        #expect(failure("") == "t.json:1:1: not valid JSON: the document ends too early")
        #expect(
            failure("{\"model\": {\"vocab\": {\"a\": -1}}}")
                == "t.json: the id of token \"a\" is -1; allowed: a whole number from 0 to 16777216")
        #expect(failure(String(repeating: "[", count: 3)) == "t.json:1:1: not valid JSON: expected { but found [")
        let deep = "{\"a\": " + String(repeating: "[", count: 100_000)
        #expect(failure(deep) == "t.json:1:208: not valid JSON: more than 200 levels of nesting")
    }

    @Test func unsupportedPartsAreNamed() {
        let model = #""model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}"#
        #expect(
            failure(#"{\#(model), "normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercas"}]}}"#)
                == "t.json: normalizer.normalizers[0].type \"Lowercas\" is not supported; did you mean \"Lowercase\"?; known: Sequence, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, BertNormalizer, Replace, Prepend, Strip"
        )
        #expect(
            failure(
                #"{\#(model), "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?<=a)"}, "behavior": "Isolated"}}"#
            )
                == "pattern (?<=a) is not supported at character 1: this kind of group; known: (…), (?:…), (?i:…), (?=…), (?!…), (?>…)"
        )
        #expect(
            failure(#"{"model": {"type": "Unigram", "vocab": [["a", 0.0]]}}"#)
                == "t.json: model.type \"Unigram\" is not supported; known: BPE, WordPiece, WordLevel")
        #expect(
            failure(#"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}}"#)
                == "t.json: merge 0 uses \"ab\", which is not a token")
        #expect(
            failure(#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["ab"]}}"#)
                == "t.json: merge 0 is malformed; allowed: \"left right\" or [\"left\", \"right\"]")
        #expect(
            failure(
                #"{\#(model), "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}], "special_tokens": {}}}"#
            )
                == "t.json: post_processor.special_tokens.<s> is missing; allowed: its ids")
    }

    @Test func templateTokensMustExist() {
        let processor = #""post_processor": {"type": "BertProcessing", "sep": ["s", 9], "cls": ["a", 0]}"#
        #expect(
            failure(#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, \#(processor)}"#)
                == "t.json: post_processor adds token 9, which does not exist")
    }

    /// A token that begins inside the white space that another has taken along is not found twice.
    @Test func strippedSpaceIsTakenOnce() throws {
        let json = #"""
            {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "added_tokens": [
                {"id": 1, "content": "<x>", "rstrip": true, "special": true, "normalized": false},
                {"id": 2, "content": "  <y>", "lstrip": true, "special": true, "normalized": false},
                {"id": 3, "content": " ", "lstrip": true, "special": true, "normalized": false}]}
            """#
        let tokenizer = try Tokenizer(json: Array(json.utf8))
        #expect(tokenizer.encodeWithOffsets("a<x>    a  <y>").ids == [0, 1, 0, 2])
    }

    /// Every prefix of a file, and the file with a byte changed, is read or refused.
    @Test func damageNeverCrashes() throws {
        let whole = try Fixture.bytes("roberta.tokenizer.json")
        for length in stride(from: 0, to: whole.count, by: 97) {
            #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(whole[..<length])) }
        }
        for place in stride(from: 0, to: whole.count, by: 61) {
            var damaged = whole
            damaged[place] ^= 0x1F
            if let tokenizer = try? Tokenizer(json: damaged) {
                _ = tokenizer.encodeWithOffsets("Hello <mask> 'll lower 123")
            }
        }
    }
}
