import Foundation
import Testing

@testable import Training

@Suite struct DataRowTests {
    private func rows(_ text: String) throws -> [DataRow] { try DataRow.rows(of: Data(text.utf8), file: "d") }

    @Test func eachKindOfRowIsRead() throws {
        let text = """
            \u{FEFF}{"prompt": "a", "completion": "b", "id": 7}\r
            {"instruction": "a", "output": "c"}

            {"instruction": "a", "input": "b", "output": "c"}
            {"tokens": [1, 2], "labels": [-100, 2]}
            {"tokens": [1, 2], "labels": [-100, 2], "prompt_length": 1}
            {"tokens": [1, 2], "label": 1}
            {"sentence": "a", "sentence2": "b", "label": 0.5}
            {"text": "a", "label": 2}
            """
        #expect(
            try rows(text) == [
                .text(prompt: "a", completion: "b"), .instruction("a", input: "", output: "c"),
                .instruction("a", input: "b", output: "c"), .tokens([1, 2], labels: [-100, 2], promptLength: nil),
                .tokens([1, 2], labels: [-100, 2], promptLength: 1), .classifiedTokens([1, 2], label: 1),
                .classified("a", pair: "b", label: 0.5), .classified("a", pair: nil, label: 2),
            ])
        #expect(try rows(#"  [{"prompt": "a", "completion": "b"}]"#) == [.text(prompt: "a", completion: "b")])
    }

    static let damaged: [(String, String)] = [
        (" \n ", "d: is empty: at least one row is needed"),
        ("[]", "d: is empty: at least one row is needed"),
        ("[1, {}]", "d: row 0 is no object\nd: row 1: \(needs); it has nothing"),
        (#"{"prompt": 1}"#, #"d: line 1: \#(needs); it has "prompt""#),
        (#"{"tokens": [true], "labels": [1]}"#, "d: line 1: tokens[0] is no 32-bit integer: 1"),
        (#"{"tokens": [1], "labels": 3}"#, #"d: line 1: "labels" must be a list of integers"#),
        (#"{"tokens": [1], "labels": ["a"]}"#, "d: line 1: labels[0] is no 32-bit integer: a"),
        (#"{"tokens": [1, 2], "labels": [1]}"#, "d: line 1: 2 tokens have 1 labels"),
        (#"{"tokens": [1], "label": "x"}"#, #"d: line 1: "label" must be a class or a number, not x"#),
        (
            #"{"tokens": [1], "labels": [1], "prompt_length": 0.5}"#,
            #"d: line 1: "prompt_length" is no 32-bit integer: 0.5"#
        ),
    ]
    private static let needs =
        "needs prompt and completion, instruction and output, tokens and labels, or sentence and label"

    @Test(arguments: damaged) func damagedRowsAreNamed(text: String, message: String) {
        #expect { try rows(text) } throws: { "\($0)" == message }
    }

    @Test func onlyTwentyProblemsAreShown() {
        let text = Array(repeating: "[]", count: 25).joined(separator: "\n") + "\n{}"
        #expect { try rows("{}\n" + text) } throws: { error in
            let lines = "\(error)".split(separator: "\n")
            return lines.count == 21 && lines.last == "d: and 7 more problems"
        }
    }
}
