import Foundation
import Testing

/// A command does not write over what it reads, nor over what an earlier one saved.
@Suite struct OverwritingTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.writeTrainingData()
        try place.write(Workplace.program(), to: "program.json")
        try place.write(#"{"sequences": [[1, 5, 9]]}"#, to: "input.json")
    }

    @Test(
        arguments: [
            (
                ["run", "llama", "--input", "input.json", "--output", "input.json"],
                "--output input.json is what --input reads; give it a place of its own"
            ),
            (
                ["run", "llama", "--input", "input.json", "--output", "x", "--receipt", "./x"],
                "--receipt ./x is written by --output too; give it a place of its own"
            ),
            (
                ["graph", "llama", "--program", "program.json", "--output", "program.json"],
                "--output program.json is what --program reads; give it a place of its own"
            ),
            (
                ["train", "llama", "--data", "train.jsonl", "--output", "a", "--log", "train.jsonl"],
                "--log train.jsonl is what --data reads; give it a place of its own"
            ),
            (
                ["train", "llama", "--data", "train.jsonl", "--output", "a", "--receipt", "a/adapter.json"],
                "--receipt a/adapter.json is written by --output too; give it a place of its own"
            ),
            (
                ["run", "llama", "--input", "input.json", "--output", "llama/config.json"],
                "--output llama/config.json is a file of what MODEL reads; give it a place of its own"
            ),
            (
                ["generate", "llama", "w5", "--receipt", "llama/config.json"],
                "--receipt llama/config.json is a file of what MODEL reads; give it a place of its own"
            ),
            (
                ["fold", "llama", "--program", "program.json", "--output", "./llama/"],
                "--output ./llama/ is what MODEL reads; give it a place of its own"
            ),
        ])
    func anOutputIsNoInput(arguments: [String], message: String) throws {
        let before = try ["program.json", "input.json", "train.jsonl"].map { try place.bytes($0) }
        #expect(try place.reft(arguments) == .init(code: 2, output: "", errors: "Error: \(message)\n"))
        #expect(try ["program.json", "input.json", "train.jsonl"].map { try place.bytes($0) } == before)
        #expect(!place.exists("x") && !place.exists("a"))
    }

    @Test func aLinkToTheModelIsTheModel() throws {
        try FileManager.default.createSymbolicLink(at: place["link"], withDestinationURL: place["llama"])
        let before = try place.bytes("llama/model.safetensors")
        for (model, output) in [("llama", "link"), ("link", "llama/"), ("link/", "./llama")] {
            let outcome = try place.reft(
                "fold", model, "--program", "program.json", "--output", output, "--overwrite")
            #expect(outcome.code == 2 && outcome.errors.contains("is what MODEL reads"))
        }
        #expect(try place.bytes("llama/model.safetensors") == before)
    }

    @Test func anExportedFileIsNotReplacedUnasked() throws {
        let train = ["train", "llama", "--data", "train.jsonl", "--epochs", "1", "--rank", "1", "--output", "a"]
        #expect(try place.reft(train).code == 0)
        try place.write("mine", to: "mine.gguf")
        let outcome = try place.reft("adapter", "export", "a", "mine.gguf")
        #expect(outcome.code == 2 && outcome.errors.contains("mine.gguf exists already"))
        #expect(try place.text("mine.gguf") == "mine")
    }

    @Test func anAdapterIsNotMadeOfItself() throws {
        let train = ["train", "llama", "--data", "train.jsonl", "--epochs", "1", "--rank", "1", "--output"]
        for name in ["a", "b"] { #expect(try place.reft(train + [name]).code == 0) }
        let before = try place.bytes("a/adapter.json")
        for command in [["merge", "a", "b", "--output", "a"], ["scale", "a", "--by", "2", "--output", "a/"]] {
            let outcome = try place.reft(["adapter"] + command)
            #expect(outcome.code == 2 && outcome.errors.contains("is what the adapter a reads"))
        }
        #expect(try place.bytes("a/adapter.json") == before)
    }

    @Test func theStateOfAnInterruptedTrainingIsKept() throws {
        try FileManager.default.createDirectory(at: place["a/checkpoint"], withIntermediateDirectories: true)
        try place.write("state", to: "a/checkpoint/state.json")
        let outcome = try place.reft("train", "llama", "--data", "train.jsonl", "--output", "a", "--epochs", "1")
        #expect(
            outcome
                == .init(
                    code: 2, output: "",
                    errors: "Error: a holds the state of an interrupted training: add --resume to go on from it, or "
                        + "remove a/checkpoint to start anew\n"))
        #expect(try place.text("a/checkpoint/state.json") == "state")
    }

    @Test func aStateThatIsNotThereStandsInNobodysWay() throws {
        try FileManager.default.createDirectory(at: place["a/checkpoint"], withIntermediateDirectories: true)
        let outcome = try place.reft("train", "llama", "--data", "train.jsonl", "--output", "a", "--epochs", "1")
        #expect(outcome.code == 0 && place.exists("a/adapter.json"), "\(outcome)")
    }

    /// A folder in the place of the numbers is found only when they are written.
    @Test func anAdapterThatCanNotBeWrittenIsKeptElsewhere() throws {
        try FileManager.default.createDirectory(
            at: place["a/parameters.safetensors"], withIntermediateDirectories: true)
        let train = [
            "train", "llama", "--data", "train.jsonl", "--epochs", "1", "--rank", "1", "--overwrite", "--output",
        ]
        let outcome = try place.reft(train + ["a"])
        #expect(outcome.code == 2 && outcome.errors.contains("parameters.safetensors' can not be written"))
        #expect(!place.exists("a/adapter.json"))
        let kept = try #require(outcome.errors.split(separator: "the adapter is kept in ").last)
        let folder = String(kept.prefix { $0 != "\n" })
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try place.reft("adapter", "show", folder).code == 0)
        #expect(try place.reft(train + ["b"]).code == 0)
        let numbers = try Data(
            contentsOf: URL(fileURLWithPath: folder).appendingPathComponent("parameters.safetensors"))
        #expect(try place.bytes("b/parameters.safetensors") == numbers)
    }

    @Test func numbersBeyondFloatsAreRefusedWhenBound() throws {
        try place.write(Workplace.program(#"{"type": "Scale", "factor": 1e308}"#), to: "program.json")
        let outcome = try place.reft("check", "llama", "--program", "program.json")
        #expect(
            outcome
                == .init(
                    code: 2, output: "",
                    errors:
                        "Error: declarations[0]: 'edit': on block_output.1: it uses the number 1e+308, which is not "
                        + "within the range of f32\n"))
    }

    @Test func whatCanNotFitIsRefused() throws {
        try place.write(
            Workplace.program(#"{"type": "Autoencoder", "latents": 10000000000, "set": 1}"#), to: "program.json")
        let outcome = try place.reft(
            "run", "llama", "--program", "program.json", "--input", "input.json", "--output", "x")
        #expect(outcome.code == 2 && outcome.errors.contains("all parameters with their gradients would take"))
        try place.addWordTokenizer(to: "llama")
        let samples = try place.reft(
            "generate", "llama", "w5", "--samples", "9223372036854775807", "--temperature", "1")
        #expect(samples.code == 2)
        #expect(samples.errors.contains("--samples must be at least 1 and at most 65536, not 9223372036854775807"))
        let cold = try place.reft("generate", "llama", "w5", "--temperature", "1e-40", "--max-tokens", "4")
        #expect(cold.output == (try place.reft("generate", "llama", "w5", "--max-tokens", "4").output))
    }
}
