import Foundation
import Testing

/// What the command line says of options, runs and destinations that do not fit; whole texts.
@Suite struct MessageTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.writeTrainingData()
        try place.write(Workplace.program(), to: "p.json")
        try place.write(#"{"sequences": [[1, 5, 9]]}"#, to: "input.json")
        try place.write(Self.patch, to: "patch.json")
    }

    private static let patch = """
        {"format": "swift-reft/program", "version": 1, "runs": [{"name": "clean"}, {"name": "base", "declarations": [
          {"name": "patch", "intervention": {"type": "Interchange"}, "source": {"run": "clean", "positions": "4"},
           "site": "block_output.1", "positions": "l1"}]}]}
        """

    private func expect(
        _ message: String, from arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try place.reft(arguments)
        #expect(outcome == .init(code: 2, output: "", errors: "Error: \(message)\n"), sourceLocation: sourceLocation)
    }

    /// Wrong arguments bring the usage along; only the message counts here.
    private func expectUsage(
        _ message: String, from arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try place.reft(arguments)
        #expect(outcome.code == 2 && outcome.output == "", sourceLocation: sourceLocation)
        #expect(outcome.errors.hasPrefix("Error: \(message)\n"), "\(outcome.errors)", sourceLocation: sourceLocation)
    }

    @Test func optionsThatSayTheSameAreRefusedTogether() throws {
        let train = ["train", "llama", "--data", "train.jsonl", "--output", "out"]
        try expectUsage(
            "--batch-size and --batch-tokens both say how much is in a batch",
            from: train + ["--batch-size", "3", "--batch-tokens", "40"])
        try expectUsage(
            "--recompute and --activation-memory both say how many blocks are computed again",
            from: train + ["--recompute", "all", "--activation-memory", "40"])
        try expectUsage(
            "--no-reuse stores nothing: leave out --reuse-disk and --reuse-file",
            from: train + ["--no-reuse", "--reuse-disk", "40"])
    }

    /// The file of stored values is made when memory is full; that it can not be made is said at once.
    @Test func whatCanNeverBeIsRefusedAtOnce() throws {
        let train = ["train", "llama", "--data", "train.jsonl", "--output", "out"]
        try place.write("", to: "taken")
        try expectUsage(
            "--reuse-file must name a file that does not exist yet; there is something at taken",
            from: train + ["--reuse-file", "taken"])
        let outcome = try place.reft(train + ["--reuse-file", "nowhere/file"])
        #expect(outcome.code == 2 && outcome.errors.hasPrefix("Error: --reuse-file: there is no folder /"))
        #expect(outcome.errors.contains("/nowhere\n"))
        let amount = try place.reft(train + ["--recompute", "some"])
        #expect(amount.code == 2)
        #expect(amount.errors.contains("it is all, attention, none, or how many blocks: a number from 0 on"))
    }

    @Test func errorsInASourceRunNameTheRun() throws {
        let run = ["run", "llama", "--output", "out", "--program", "patch.json", "--input", "input.json"]
        try place.write(
            #"{"sequences": [[1], [2]], "sources": {"clean": {"sequences": [[1, 2, 3, 4, 5], [1, 2]]}}}"#,
            to: "input.json")
        try expect(
            "sequence 1 of the run 'clean': position 4 is outside its prompt of 2 tokens; .sequence positions count beyond "
                + "the prompt", from: run)
        // Equal sequences are computed once, and keep the number of the first that reads them.
        try place.write(
            #"{"sequences": [[1], [2], [3]], "sources": {"clean": {"sequences": [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1]]}}}"#,
            to: "input.json")
        try expect(
            "sequence 2 of the run 'clean': position 4 is outside its prompt of 1 tokens; .sequence positions count beyond "
                + "the prompt", from: run)
        try place.write(
            #"{"sequences": [[1], [2], [3]], "sources": {"clean": {"sequences": [[1, 2], [1, 2], [96]]}}}"#,
            to: "input.json")
        try expect(
            "input.json: sources.clean: sequence 2, position 0: token 96 is not within 0..<96", from: run)
    }

    @Test func unknownRunsAreListed() throws {
        let run = ["run", "llama", "--input", "input.json", "--output", "out", "--collect"]
        try expect("no run is named 'nope'; the program has: base", from: run + ["nope:block_output.1"])
        try expect(
            "no run is named 'claen'; the program has: clean, base; did you mean 'clean'?",
            from: run + ["claen:block_output.1", "--program", "patch.json"])
    }

    @Test func optionsOfAPresetGoWithAPreset() throws {
        let train = ["train", "llama", "--data", "train.jsonl", "--output", "a"]
        try expectUsage(
            "--rank, --layers go with a preset; the program p.json says its own",
            from: train + ["--program", "p.json", "--rank", "3", "--layers", "1"])
        try expectUsage(
            "--tied-positions goes with a preset; the program p.json says its own",
            from: train + ["--program", "p.json", "--tied-positions"])
        try expectUsage(
            "--rank, --positions, --alpha go with a preset; the adapter b has its own",
            from: train + ["--start-from", "b", "--rank", "9", "--positions", "l1", "--alpha", "2"])
        try expectUsage(
            "--rank goes with a preset; --preset none declares no intervention",
            from: train + ["--preset", "none", "--train-weights", "lm_head.weight", "--rank", "2"])
    }

    @Test func whatIsGivenTwiceIsRefused() throws {
        try place.write(#"{"sequences": [[1]], "prompt_lengths": [1], "sequences": [[2]]}"#, to: "input.json")
        try expect(
            #"input.json: line 1, column 45: the key "sequences" is given twice, first in column 2"#,
            from: ["run", "llama", "--input", "input.json", "--output", "out"])
        try expectUsage(
            "--source 'clean' is given twice; all examples read one text in a run",
            from: [
                "generate", "llama", "w1", "--program", "patch.json", "--source", "clean=w1", "--source", "clean=w2",
            ])
    }

    @Test func jsonThatIsTooDeepIsNoLessJSON() throws {
        let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        try place.write(#"{"sequences": \#(deep)}"#, to: "input.json")
        try expect(
            "input.json: line 1, column 215: more than 200 levels of nesting",
            from: ["run", "llama", "--input", "input.json", "--output", "out"])
        try place.write(deep, to: "p.json")
        try expect(
            "p.json: line 1, column 202: more than 200 levels of nesting",
            from: ["check", "llama", "--program", "p.json"])
    }

    @Test func namesDoNotMoveTheCursor() throws {
        let run = #"{"name": "a\u001b[2J"}"#
        try place.write(
            #"{"format": "swift-reft/program", "version": 1, "runs": [\#(run), \#(run)]}"#, to: "p.json")
        try expect(
            #"p.json: runs[1].name: there is already a run named 'a\u{1B}[2J'"#,
            from: ["check", "llama", "--program", "p.json"])
    }

    @Test func subspacesChosenTwiceAreRefused() throws {
        try place.write(
            Workplace.program().replacingOccurrences(
                of: #""positions": "all""#, with: #""positions": "all", "subspace": {"style": [0], "topic": [1]}"#),
            to: "p.json")
        let run = ["run", "llama", "--program", "p.json", "--input", "input.json", "--output", "out"]
        for (choice, twice) in [(#"["style", "style"]"#, "part 'style'"), ("[1, 0, 1]", "coordinate 1")] {
            try place.write(#"{"sequences": [[1, 2]], "subspaces": {"edit": [\#(choice)]}}"#, to: "input.json")
            try expect("input.json: sequence 0: the subspace of 'edit' is given the \(twice) twice", from: run)
        }
    }

    @Test func whatCanNotBeFoldedIsNamed() throws {
        try expect(
            "program: it has the run 'clean', and weights know one run only: it can not be folded into them",
            from: ["fold", "llama", "--program", "patch.json", "--output", "folded"])
        let train = ["train", "llama", "--data", "train.jsonl", "--epochs", "1", "--rank", "1", "--output"]
        #expect(try place.reft(train + ["a"]).code == 0)
        try expect(
            "bank of adapters: it can not be folded into weights, of which there is one set for all examples; fold one "
                + "adapter", from: ["fold", "llama", "--bank", "a", "--output", "folded"])
    }

    @Test func trainedWeightsHaveNoEditToScale() throws {
        #expect(
            try place.reft(
                "train", "llama", "--data", "train.jsonl", "--epochs", "1", "--preset", "none", "--train-weights",
                "layers[1].mlp.down_proj.weight", "--output", "w"
            ).code == 0)
        for (command, verb) in [(["scale", "w", "--by", "2"], "scale"), (["average", "w", "w"], "average")] {
            try expect(
                "w: there is no edit to \(verb): it holds trained weights of the model only, which stay as they are",
                from: ["adapter"] + command + ["--output", "x"])
        }
    }

    @Test func foldersOfOthersAreNotWrittenInto() throws {
        try FileManager.default.createDirectory(at: place["notes"], withIntermediateDirectories: false)
        try place.write("mine", to: "notes/todo.txt")
        func refusal(_ kind: String) -> String {
            "notes: is a folder with other files (todo.txt), and no earlier \(kind); name another folder, or add "
                + "--overwrite"
        }
        let train = ["train", "llama", "--data", "train.jsonl", "--epochs", "1", "--rank", "1", "--output"]
        try expect(refusal("adapter"), from: train + ["notes"])
        try expect(
            refusal("folded model"), from: ["fold", "llama", "--program", "p.json", "--output", "notes"])
        // Twice into the same folder, and into another one when asked.
        #expect(try place.reft(train + ["a"]).code == 0)
        #expect(try place.reft(train + ["a"]).code == 0)
        #expect(try place.reft(train + ["notes", "--overwrite"]).code == 0)
        #expect(try place.text("notes/todo.txt") == "mine" && place.exists("notes/adapter.json"))
    }

    @Test func generationKnowsTheTemplatesOfTraining() throws {
        let plain = try place.reft("generate", "llama", "w5", "--max-tokens", "3")
        #expect(try place.reft("generate", "llama", "w5", "--max-tokens", "3", "--template", "plain") == plain)
        #expect(try place.reft("generate", "llama", "w5", "--max-tokens", "3", "--template", "alpaca").code == 0)
        let unknown = try place.reft("generate", "llama", "w5", "--template", "alpca")
        #expect(
            unknown.errors
                == (try place.reft(
                    "train", "llama", "--data", "train.jsonl", "--output", "a", "--template", "alpca"
                ).errors))
    }

    @Test func longSequencesBringAWarning() throws {
        let configuration = try place.text("llama/config.json")
        let limit = try #require(try place.json(configuration)["max_position_embeddings"] as? Int)
        let tokens = Array(repeating: "1", count: limit + 1).joined(separator: ",")
        try place.write(#"{"sequences": [[1], [\#(tokens)]]}"#, to: "input.json")
        let outcome = try place.reft("run", "llama", "--input", "input.json", "--output", "out")
        #expect(
            outcome.errors
                == "warning: sequence 1 has more tokens than the model's context of \(limit): \(limit + 1); it was not made "
                + "for their positions\nwrote out\n")
    }
}
