import Foundation
import Session
import Testing

@testable import Training

/// Rows that name positions and what they read in source runs.
@Suite struct DataRowSourcesTests {
    private func row(_ text: String) throws -> DataRow {
        try #require(try DataRow.rows(of: Data(text.utf8), file: "d", prompts: true).first)
    }

    @Test func positionsAndSourcesStandBesideTheContent() throws {
        let read = try row(
            #"""
            [{"tokens": [1, 2], "labels": [-100, 2], "positions": {"subject": [0, -1]}, "sources": {
              "clean": "a b", "ids": [4, 5], "whole": {"tokens": [4, 5, 6], "prompt_length": 2},
              "answered": {"prompt": "a", "completion": "b", "positions": {"x": [1]}}}}]
            """#)
        #expect(read.content == .tokens([1, 2], labels: [-100, 2], promptLength: nil))
        #expect(read.positions == ["subject": [0, -1]])
        #expect(
            read.sources == [
                "clean": .prompt("a b"), "ids": DataRow(.promptTokens([4, 5], promptLength: nil)),
                "whole": DataRow(.promptTokens([4, 5, 6], promptLength: 2)),
                "answered": DataRow(.text(prompt: "a", completion: "b"), positions: ["x": [1]]),
            ])
        #expect(try row(#"{"prompt": "a"}"#) == .prompt("a"))
    }

    @Test(arguments: [
        (#"{"prompt": "a", "positions": [1]}"#, #""positions" must be an object: {"name": [positions]}, not a list"#),
        (#"{"prompt": "a", "positions": {"x": 1}}"#, "positions.x must be a list of integers, not the number 1"),
        (#"{"prompt": "a", "positions": {"x": [1.5]}}"#, "positions.x[0] is no 32-bit integer: 1.5"),
        (#"{"prompt": "a", "sources": ["b"]}"#, #""sources" must be an object: {"run": "text"}, not a list"#),
        (
            #"{"prompt": "a", "sources": {"clean": 1}}"#,
            "sources.clean must be a text, a list of token ids, or an object with a prompt or tokens, not the number 1"
        ),
        (#"{"prompt": "a", "sources": {"clean": {"x": 1}}}"#, #"sources.clean: needs a prompt or tokens; it has "x""#),
        (#"{"prompt": "a", "sources": {"clean": [true]}}"#, "sources.clean[0] is no 32-bit integer: true"),
    ])
    func mistakesAreNamed(text: String, message: String) {
        #expect { try row(text) } throws: { "\($0)" == "d: line 1: \(message)" }
    }

    @Test func examplesCarryThem() throws {
        try withTemporaryFolder { folder in
            let model = try TinyModel.named("llama", words: ["a", "b", "c"], in: folder)
            let encoder = ExampleEncoder(model)
            let row = DataRow(
                .text(prompt: "a", completion: " b"), positions: ["x": [0]],
                sources: ["clean": .prompt("c a"), "long": .text(prompt: "c", completion: " b a")])
            let example = try encoder.encode(row)
            #expect(example.fields == ["x": [0]])
            #expect(example.sources["clean"]?.tokens.count == 2)
            #expect(example.sources["clean"]?.promptLength == 2)
            #expect(example.sources["long"]?.promptLength == 1)
            #expect(example.sources["long"]?.tokens.count == 4)
        }
    }
}
