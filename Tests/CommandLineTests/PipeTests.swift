import Foundation
import Testing

/// What a shell passes as `/dev/stdin`, `<(command)` or a named pipe is read like a file.
@Suite struct PipeTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
    }

    /// A named pipe through which a text comes once.
    private func pipe(_ text: String, _ name: String = "pipe") throws -> String {
        let path = place[name].path
        unlink(path)
        #expect(mkfifo(path, 0o600) == 0)
        // Opening for writing waits for the reader.
        Thread.detachNewThread {
            guard let file = FileHandle(forWritingAtPath: path) else { return }
            try? file.write(contentsOf: Data(text.utf8))
            try? file.close()
        }
        return name
    }

    @Test func programsComeThroughPipes() throws {
        let outcome = try place.reft("check", "llama", "--program", pipe(Workplace.program()))
        #expect(outcome.code == 0)
        try place.write(Workplace.program(), to: "p.json")
        #expect(try outcome.output == place.reft("check", "llama", "--program", "p.json").output)
    }

    @Test func sequencesComeThroughPipes() throws {
        let outcome = try place.reft(
            "run", "llama", "--input", pipe(#"{"sequences": [[1, 5, 9]]}"#), "--output", "out")
        #expect(outcome == .init(code: 0, output: "logits  [3, 96]\noffsets  [2]\n", errors: "wrote out\n"))
    }

    @Test func promptsComeThroughPipes() throws {
        let generate = ["generate", "llama", "--max-tokens", "3"]
        let expected = try place.reft(generate + ["w5 w9"]).output
        for text in ["w5 w9\n", #"{"prompt": "w5 w9"}"#] {
            #expect(try place.reft(generate + ["--prompts", pipe(text)]).output == expected)
        }
    }

    @Test func dataComeThroughPipes() throws {
        let rows = (0..<4).map { #"{"tokens": [1, \#($0 + 5), 9], "labels": [-100, -100, 9]}"# }
        let outcome = try place.reft(
            "train", "llama", "--data", pipe(rows.joined(separator: "\n")), "--output", "a", "--layers", "1", "--check")
        #expect(outcome.code == 0 && outcome.output.hasPrefix("4 examples, 12 tokens, 4 labels\n"))
    }

    /// Longer than what a pipe holds at once.
    @Test func nothingOfALongTextIsLost() throws {
        let numbers = (0..<100_000).map { "\(1 + $0 % 90)" }.joined(separator: ",")
        let input = #"{"sequences": [[1, 2]], "labels": [[\#(numbers)]]}"#
        let outcome = try place.reft("run", "llama", "--input", pipe(input), "--output", "out")
        #expect(outcome.errors == "Error: pipe: labels[0] has 100000 entries where 2 are needed\n")
    }

    @Test func weightsNeedAFile() throws {
        let reason = "it is a pipe or a device, and weights are mapped where they lie: they need a file"
        for name in ["model", "model.gguf"] {
            #expect(mkfifo(place[name].path, 0o600) == 0)
            let outcome = try place.reft("inspect", name)
            #expect(outcome.code == 2)
            #expect(outcome.errors.hasSuffix("/\(name) is not a model: \(reason)\n"), "\(outcome.errors)")
        }
        #expect(mkfifo(place["vector"].path, 0o600) == 0)
        let vector = try place.reft("adapter", "import", "vector", "a", "--model", "llama")
        #expect(vector.code == 2 && vector.errors.contains(reason), "\(vector.errors)")
    }
}
