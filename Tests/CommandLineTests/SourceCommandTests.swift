import Checkpoints
import Foundation
import Testing

/// Programs with source runs from the command line.
@Suite struct SourceCommandTests {
    private let place: Workplace

    private static let program = """
        {"format": "swift-reft/program", "version": 1, "runs": [
          {"name": "clean", "declarations": [
            {"name": "inner", "intervention": {"type": "LoReFT", "rank": 2}, "site": "block_output.0", "positions": "all"}]},
          {"name": "base", "declarations": [
            {"name": "patch", "intervention": {"type": "AddSource"}, "source": {"run": "clean", "positions": "l1"},
             "site": "block_output.0", "positions": "l1+generated:1-"}]}]}
        """

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.write(Self.program, to: "program.json")
    }

    private func floats(_ name: String, in file: String) throws -> [Float] {
        try SafetensorsFile(at: place[file]).tensor(name).floats()
    }

    @Test func mapsAndUneditedResults() throws {
        let sources = #""sources": {"clean": {"sequences": [[4, 5, 6], [7, 8]], "example_map": [1, 0, 1]}}"#
        try place.write(#"{"sequences": [[1, 2], [3, 4], [1, 2]], \#(sources)}"#, to: "mapped.json")
        try place.write(
            #"{"sequences": [[1, 2], [3, 4], [1, 2]], "sources": {"clean": {"sequences": [[7, 8], [4, 5, 6], [7, 8]]}}}"#,
            to: "own.json")
        for input in ["mapped", "own"] {
            let outcome = try place.reft(
                "run", "llama", "--program", "program.json", "--input", "\(input).json", "--output", input,
                "--unedited", "--collect", "block_output.1")
            #expect(outcome.code == 0)
            #expect(
                outcome.errors
                    == "warning: 'patch' edits nothing: its positions 'generated:1-' mean no row of these sequences\nwrote \(input)\n"
                    || outcome.errors == "wrote \(input)\n")
            #expect(
                outcome.output == """
                    logits  [6, 96]
                    block_output.1  [6, 32]
                    unedited.logits  [6, 96]
                    unedited.block_output.1  [6, 32]
                    offsets  [4]

                    """)
        }
        #expect(try floats("logits", in: "mapped") == floats("logits", in: "own"))
        #expect(try floats("logits", in: "mapped") != floats("unedited.logits", in: "mapped"))
        try place.write(
            #"{"sequences": [[1, 2]], "sources": {"clean": {"sequences": [[1]], "example_map": [1]}}}"#, to: "bad")
        let refused = try place.reft("run", "llama", "--program", "program.json", "--input", "bad", "--output", "o")
        #expect(refused.code == 2)
        #expect(refused.errors == "Error: bad: sources.clean: example_map[0] is 1, which is not within 0..<1\n")
    }

    @Test func trainingAndGenerationReadSources() throws {
        let rows = (0..<6).map {
            #"{"prompt": "w\#($0 + 5) w9", "completion": " w3 w7", "sources": {"clean": "w4 w\#($0 % 2)"}}"#
        }
        try place.write(rows.joined(separator: "\n"), to: "train.jsonl")
        let trained = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--program", "program.json", "--output", "adapter", "--epochs",
            "2")
        #expect(trained.code == 0, "\(trained.errors)")
        #expect(trained.output.contains("130 trained parameters"))
        try place.write(#"{"prompt": "w5 w9", "sources": {"clean": "w4 w0"}}"# + "\n", to: "prompts.jsonl")
        let own = try place.reft(
            "generate", "llama", "--adapter", "adapter", "--prompts", "prompts.jsonl", "--max-tokens", "4")
        let shared = try place.reft(
            "generate", "llama", "w5 w9", "--adapter", "adapter", "--source", "clean=w4 w0", "--max-tokens", "4")
        #expect(own.code == 0 && own.errors == "")
        #expect(own.output == shared.output)
        let missing = try place.reft("generate", "llama", "w5 w9", "--adapter", "adapter")
        #expect(missing.code == 2)
        #expect(
            missing.errors == "Error: input: sources: the program reads the run 'clean', which has no sequences\n")
        let malformed = try place.reft("generate", "llama", "w5", "--source", "clean")
        #expect(malformed.code == 2)
        #expect(
            malformed.errors.contains(
                "--source must be RUN=TEXT, such as clean=\"The sky is blue\", not 'clean'"))
    }

    @Test func whatFiresNowhereIsTold() throws {
        try place.writeTrainingData()
        try place.write(Workplace.program(positions: #""tokens:90""#), to: "never.json")
        let trained = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--program", "never.json", "--output", "adapter")
        #expect(trained.code == 2)
        #expect(
            trained.errors
                == "Error: train.jsonl: declarations[0]: 'edit' can never fire: its positions 'tokens:90' mean no "
                + "row of any example\n")
        let generated = try place.reft(
            "generate", "llama", "w1 w2", "--program", "never.json", "--max-tokens", "2")
        #expect(generated.code == 0)
        #expect(
            generated.errors
                == "warning: 'edit' edits nothing: its positions 'tokens:90' mean no row of these prompts\n")
        #expect(!place.exists("adapter"))
    }
}
