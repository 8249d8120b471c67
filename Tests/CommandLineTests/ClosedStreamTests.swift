import Foundation
import Testing

/// Who reads the streams of a command may leave early, as `head` does: what goes into files is written all the same.
@Suite struct ClosedStreamTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.writeTrainingData()
        try place.write(#"{"sequences": [[1, 5, 9]]}"#, to: "input.json")
        try place.write(Workplace.program(#"{"type": "Zero"}"#, site: #""attention_output.0""#), to: "zero.json")
    }

    enum Stream { case output, errors }

    /// A command of which nobody reads these streams; what is written to the other one.
    private func unread(_ streams: Set<Stream>, _ arguments: [String]) throws -> (code: Int32, rest: String) {
        guard let executable = ReftProcess.executable else { throw ReftProcess.NotBuilt() }
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = place.folder
        process.standardInput = FileHandle.nullDevice
        let pipes = [Stream.output: Pipe(), .errors: Pipe()]
        process.standardOutput = pipes[.output]
        process.standardError = pipes[.errors]
        for stream in streams { try pipes[stream]?.fileHandleForReading.close() }
        try process.run()
        var rest = Data()
        for (stream, pipe) in pipes where !streams.contains(stream) {
            rest += try pipe.fileHandleForReading.readToEnd() ?? Data()
        }
        process.waitUntilExit()
        // A signal must not look like an exit code.
        let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return (code, String(decoding: rest, as: UTF8.self))
    }

    /// Every command that writes a file or a folder, and what it writes.
    private static let writing: [(arguments: [String], result: String)] = [
        (
            [
                "train", "llama", "--data", "train.jsonl", "--output", "trained", "--rank", "1", "--epochs", "1",
                "--receipt", "-",
            ], "trained/adapter.json"
        ),
        (["run", "llama", "--input", "input.json", "--output", "out", "--receipt", "-"], "out"),
        (
            ["generate", "llama", "w5", "--max-tokens", "3", "--stream", "--receipt", "receipt.json"], "receipt.json"
        ),
        (["fold", "llama", "--program", "zero.json", "--output", "folded"], "folded/config.json"),
        (["graph", "llama", "--output", "graph.txt"], "graph.txt"),
        (["adapter", "scale", "a", "--by", "0.5", "--output", "scaled"], "scaled/adapter.json"),
        (["adapter", "export", "a", "exported", "--model", "llama"], "exported/config.json"),
        (
            ["adapter", "import", "exported", "imported", "--model", "llama", "--positions", "l1"],
            "imported/adapter.json"
        ),
    ]

    @Test(arguments: [Set([Stream.output]), [.errors], [.output, .errors]])
    func resultsAreWritten(unread streams: Set<Stream>) throws {
        let train = ["train", "llama", "--data", "train.jsonl", "--epochs", "1", "--rank", "1", "--positions", "l1"]
        #expect(try place.reft(train + ["--output", "a"]).code == 0)
        for (arguments, result) in Self.writing {
            let outcome = try unread(streams, arguments)
            #expect(outcome.code == 0, "\(arguments): \(outcome.rest)")
            #expect(place.exists(result), "\(arguments): \(outcome.rest)")
        }
    }

    /// What only shows something ends without a word.
    @Test func showingEndsQuietly() throws {
        for arguments in [
            ["inspect", "llama", "--modules"], ["graph", "llama"], ["--help"],
            ["check", "llama", "--program", "zero.json"],
            ["generate", "llama", "w5", "--max-tokens", "40", "--stream"],
            ["train", "llama", "--data", "train.jsonl", "--output", "b", "--rank", "1", "--check"],
        ] {
            let outcome = try unread([.output], arguments)
            #expect(outcome.code == 0, "\(arguments)")
            #expect(!outcome.rest.contains("rror"), "\(arguments): \(outcome.rest)")
        }
    }

    /// A wrong input keeps its code where nobody reads the message.
    @Test func errorsKeepTheirCode() throws {
        #expect(try unread([.output, .errors], ["inspect", "nothing"]).code == 2)
    }

    /// A full disk takes the log, not the training.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func aLogThatCanNotGrowIsLeft() throws {
        let outcome = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--output", "a", "--rank", "1", "--epochs", "1", "--log",
            "/dev/full"
        )
        #expect(outcome.code == 0)
        #expect(place.exists("a/adapter.json"))
        let warnings = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("warning") }
        #expect(
            warnings == [
                "warning: --log /dev/full can not be written from step 1 on: No space left on device; the training goes on"
            ])
    }
}
