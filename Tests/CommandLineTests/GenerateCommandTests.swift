import Foundation
import Testing

@Suite struct GenerateCommandTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.write("w83 w10 w26 w5 w77\r\n\r\nw19 w64 w44 w65 w91 w70 w57 w79 w57\r\n  \n", to: "prompts.txt")
    }

    private func tokens(_ more: String...) throws -> [[Int]] {
        let outcome = try place.reft(["generate", "llama", "--json", "--max-tokens", "12"] + more)
        #expect(outcome.code == 0)
        let answers = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
        return answers.map { $0["tokens"] as? [Int] ?? [] }
    }

    @Test func greedyTokensAreThoseOfTransformers() throws {
        let expected = try place.json(try place.text("llama/expected.json"))["generated"] as? [[Int]]
        let generated = try #require(expected)
        #expect(try tokens("w83 w10 w26 w5 w77") == [generated[1]])
        #expect(try tokens("--prompts", "prompts.txt") == [generated[1], generated[0]])
    }

    @Test func drawsDependOnTheSeedAlone() throws {
        let draw = ["w1 w2", "--temperature", "1.5", "--top-k", "40", "--top-p", "0.95"]
        let first = try tokens(draw[0], draw[1], draw[2], draw[3], draw[4], draw[5], draw[6], "--seed", "3")
        let again = try tokens(draw[0], draw[1], draw[2], draw[3], draw[4], draw[5], draw[6], "--seed", "3")
        let other = try tokens(draw[0], draw[1], draw[2], draw[3], draw[4], draw[5], draw[6], "--seed", "4")
        #expect(first == again)
        #expect(first != other)
        #expect(
            try tokens("w83 w10 w26 w5 w77", "--temperature", "2", "--top-k", "1")
                == tokens("w83 w10 w26 w5 w77"))
    }

    @Test func streamedTextIsTheText() throws {
        let plain = try place.reft("generate", "llama", "w83 w10 w26 w5 w77", "--max-tokens", "4")
        let streamed = try place.reft("generate", "llama", "w83 w10 w26 w5 w77", "--max-tokens", "4", "--stream")
        #expect(plain == streamed)
        #expect(plain.code == 0 && plain.output.contains("w23 w67 w67 w67"))
        let stopped = try place.reft("generate", "llama", "w83 w10 w26 w5 w77", "--stop", "67 w")
        #expect(stopped.output.hasSuffix("w23 w\n"))
    }

    @Test func damagedRequestsAreRefused() throws {
        try place.write("\n \n", to: "blank.txt")
        let cases: [([String], String)] = [
            (["w1", "--max-tokens", "0"], "--max-tokens must be at least 1, not 0"),
            (["w1", "--max-tokens", "-5"], "--max-tokens must be at least 1, not -5"),
            (
                ["w1", "--temperature", "-1", "--top-p", "2"],
                "--temperature must be 0 or more, not -1.0\n--top-p must be above 0 and at most 1, not 2.0"
            ),
            (["w1", "--temperature", "nan"], "--temperature must be 0 or more, not nan"),
            (["w1", "--top-k", "-1"], "--top-k must be 0 or more, not -1"),
            (["w1", "--stop", ""], "--stop must not be empty"),
            (
                ["w1", "--chat"],
                "--chat: llama has no chat template of its own; give one with --template: chatml, smollm2, qwen2, qwen2.5, "
                    + "llama2, llama3, mistral, gemma, phi3, zephyr"
            ),
            (["--prompts", "blank.txt"], "blank.txt: holds no prompt: at least one line is needed"),
            (["--prompts", "none.txt"], "none.txt: can not be read: there is no such file"),
            (["--prompts", "llama"], "llama: can not be read: it is a folder, not a file"),
        ]
        for (arguments, message) in cases {
            let outcome = try place.reft(["generate", "llama"] + arguments)
            #expect(outcome == .init(code: 2, output: "", errors: "Error: \(message)\n"))
        }
    }
}
