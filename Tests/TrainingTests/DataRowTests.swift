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
        ("[1, {}]", "d: row 0: the number 1 is given where an object is needed\nd: row 1: \(needs); it has nothing"),
        (#"{"prompt": 5}"#, #"d: line 1: "prompt" must be a text, not the number 5"#),
        (#"{"prompt": "a"}"#, #"d: line 1: \#(needs); it has "prompt""#),
        (#"{"prompt": "a", "completion": ["b"]}"#, #"d: line 1: "completion" must be a text, not a list"#),
        (
            #"{"prompt": "a", "completion": "b", "prompt": "c"}"#,
            #"d: line 1, column 36: the key "prompt" is given twice, first in column 2"#
        ),
        ("{\"prompt\": \"a\"", "d: line 1, column 15: this is no JSON: the document ends too early"),
        ("[{}", "d: this is no JSON: line 1, column 4: the document ends too early"),
        (#"{"tokens": [true], "labels": [1]}"#, "d: line 1: tokens[0] is no 32-bit integer: true"),
        (#"{"tokens": [1], "labels": 3}"#, #"d: line 1: "labels" must be a list of integers, not the number 3"#),
        (#"{"tokens": [1], "labels": ["a"]}"#, "d: line 1: labels[0] is no 32-bit integer: \"a\""),
        (#"{"tokens": [1, 2], "labels": [1]}"#, "d: line 1: 2 tokens have 1 labels"),
        (#"{"tokens": [1], "label": "x"}"#, #"d: line 1: "label" must be a class or a number, not the string "x""#),
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
