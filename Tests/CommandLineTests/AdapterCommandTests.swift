import Foundation
import Testing

@Suite struct AdapterCommandTests {
    private let place: Workplace

    /// Two adapters of the tiny model, trained for a step.
    init() throws {
        place = try Workplace(models: "llama")
        try place.write(
            #"{"tokens": [1, 5, 9, 3], "labels": [-100, -100, 9, 3]}"# + "\n", to: "train.jsonl")
        try place.write(#"{"sequences": [[1, 5, 9, 3], [7, 2]]}"#, to: "in.json")
        for (name, seed) in [("one", "1"), ("two", "2")] {
            let outcome = try place.reft([
                "train", "llama", "--data", "train.jsonl", "--output", name, "--layers", "all", "--positions", "l1",
                "--rank", "2", "--epochs", "1", "--seed", seed,
            ])
            #expect(outcome.code == 0, "\(outcome.errors)")
        }
    }

    private func object(_ arguments: String...) throws -> [String: Any] {
        let outcome = try place.reft(arguments)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any] ?? [:]
    }

    @Test func adaptersAreMergedAveragedAndScaled() throws {
        let merged = try object("adapter", "merge", "one", "two", "--output", "both", "--json")
        #expect(merged["declarations"] as? [String] == ["one/loreft", "two/loreft"])
        let chained = try place.reft([
            "run", "llama", "--adapter", "one", "--adapter", "two", "--input", "in.json", "--output", "a.st",
        ])
        let both = try place.reft(["run", "llama", "--adapter", "both", "--input", "in.json", "--output", "b.st"])
        #expect(chained.code == 0 && both.code == 0, "\(both.errors)")
        #expect(try Data(contentsOf: place["a.st"]) == Data(contentsOf: place["b.st"]))

        let average = try place.reft(["adapter", "average", "one", "two", "--weights", "0.7,-0.3", "--output", "mixed"])
        #expect(average.code == 0 && average.output == "one/loreft, two/loreft  520 numbers\n", "\(average)")
        #expect(average.errors == "wrote mixed\n")
        #expect(try place.text("mixed/adapter.json").contains("average"))
        let scaled = try place.reft(["adapter", "scale", "one", "--by", "-0.5", "--output", "half"])
        #expect(scaled.code == 0 && scaled.output == "loreft  260 numbers\n", "\(scaled)")
        #expect(try place.text("half/adapter.json").contains(#""scale" : -0.5"#))
        for name in ["mixed", "half"] {
            let run = try place.reft(["run", "llama", "--adapter", name, "--input", "in.json", "--output", "c.st"])
            #expect(run.code == 0, "\(run.errors)")
        }
    }

    @Test func adaptersAreShownAndCompared() throws {
        let summary = try object("adapter", "show", "one", "--json")
        #expect(summary["parameterCount"] as? Int == 260 && summary["base"] as? String == "llama")
        let shown = try place.reft(["adapter", "show", "one"])
        #expect(
            shown.code == 0 && shown.output.contains("loreft.1.rotation  [32, 2]  norm 1.414   orthonormal columns"),
            "\(shown)")
        #expect(try place.reft(["adapter", "diff", "one", "one"]).output == "one and one are equal\n")
        let difference = try place.reft(["adapter", "diff", "one", "two"])
        #expect(difference.code == 0 && difference.output.contains("angles "), "\(difference)")
        let json = try object("adapter", "diff", "one", "two", "--json")
        #expect((json["parameters"] as? [[String: Any]])?.count == 6)
        let interference = try place.reft(["adapter", "interference", "llama", "one", "two", "--input", "in.json"])
        #expect(interference.code == 0 && interference.output.hasPrefix("two after one\nsite "), "\(interference)")
    }

    /// What LoReFT does to a residual stream is no projection; what it does to attention's output at all rows is.
    @Test func adaptersAreFoldedOrRefused() throws {
        let refused = try place.reft(["fold", "llama", "--adapter", "one", "--output", "folded"])
        #expect(refused.code == 2 && refused.output.isEmpty)
        #expect(
            refused.errors.contains("it edits the positions l1, and a weight acts on all rows"), "\(refused.errors)")
        try place.write(
            #"""
            {"format": "swift-reft/program", "version": 1, "declarations": [
                {"intervention": {"type": "Scale", "factor": 2}, "site": {"component": "mlp_output", "layers": "all"},
                 "positions": "all"}]}
            """#, to: "scale.json")
        let folded = try place.reft(["fold", "llama", "--program", "scale.json", "--output", "folded"])
        #expect(folded.code == 0 && folded.errors == "wrote folded\n", "\(folded)")
        #expect(folded.output.hasPrefix("changed model.layers.0.mlp.down_proj.weight\n"), "\(folded)")
        let run = try place.reft(["run", "folded", "--input", "in.json", "--output", "a.st"])
        #expect(run.code == 0, "\(run.errors)")

        // A folder in the place of a file that is copied along: nothing of the earlier model is replaced.
        let before = try place.bytes("folded/model.safetensors")
        try FileManager.default.removeItem(at: place["folded/cases.json"])
        try FileManager.default.createDirectory(at: place["folded/cases.json"], withIntermediateDirectories: true)
        try place.write(try place.text("scale.json").replacingOccurrences(of: "2}", with: "3}"), to: "scale.json")
        let failed = try place.reft(["fold", "llama", "--program", "scale.json", "--output", "folded"])
        #expect(failed.code == 2 && failed.errors.contains("cases.json' can not be written"), "\(failed)")
        #expect(try place.bytes("folded/model.safetensors") == before)
    }

    @Test func bankedAdaptersAreChosenByExample() throws {
        try place.write(#"{"sequences": [[1, 5, 9, 3], [7, 2], [4]], "adapter_index": [1, 0, null]}"#, to: "bank.json")
        let run = try place.reft([
            "run", "llama", "--bank", "one", "--bank", "two", "--input", "bank.json", "--output", "a.st",
        ])
        #expect(run.code == 0, "\(run.errors)")
        #expect(!run.errors.contains("warning"))
        let unedited = try place.reft([
            "run", "llama", "--bank", "one", "--bank", "two", "--input", "in.json", "--output", "a.st",
        ])
        #expect(unedited.errors.contains("names an adapter of the bank: the model runs without any"), "\(unedited)")
        try place.write(#"{"sequences": [[1]], "adapter_index": [2]}"#, to: "wrong.json")
        let wrong = try place.reft([
            "run", "llama", "--bank", "one", "--bank", "two", "--input", "wrong.json", "--output", "b.st",
        ])
        #expect(
            wrong.code == 2 && wrong.errors.contains("wrong.json: sequence 0 names adapter 2; the bank holds 0, 1"),
            "\(wrong)")
        let mixed = try place.reft([
            "run", "llama", "--bank", "one", "--adapter", "two", "--input", "in.json", "--output", "b.st",
        ])
        #expect(mixed.code == 2 && mixed.errors.contains("give either --bank or --adapter"), "\(mixed)")
    }

    @Test func promptsNameTheirAdapter() throws {
        try place.addWordTokenizer(to: "llama")
        try place.write("w1 w5\nw1 w5\nw1 w5\n", to: "prompts.txt")
        try place.write(
            #"{"prompt": "w1 w5", "adapter_index": 1}"# + "\n" + #"{"prompt": "w1 w5", "adapter_index": 0}"# + "\n"
                + #"{"prompt": "w1 w5"}"# + "\n", to: "prompts.jsonl")
        func tokens(_ arguments: String...) throws -> [[Int]] {
            let outcome = try place.reft(["generate", "llama", "--json", "--max-tokens", "6"] + arguments)
            #expect(outcome.code == 0, "\(outcome.errors)")
            let answers = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
            return answers.map { $0["tokens"] as? [Int] ?? [] }
        }
        let expected = [
            try tokens("w1 w5", "--adapter", "two")[0], try tokens("w1 w5", "--adapter", "one")[0],
            try tokens("w1 w5")[0],
        ]
        let bank = ["--bank", "one", "--bank", "two"]
        #expect(try tokens(bank[0], bank[1], bank[2], bank[3], "--prompts", "prompts.jsonl") == expected)
        #expect(
            try tokens(bank[0], bank[1], bank[2], bank[3], "--prompts", "prompts.txt", "--adapter-index", "1,0,none")
                == expected)
        #expect(try tokens(bank[0], bank[1], bank[2], bank[3], "w1 w5", "--adapter-index", "0")[0] == expected[1])
        let cases: [([String], String)] = [
            (["w1", "--adapter-index", "x"], "--adapter-index 'x': 'x' is neither a place of the bank nor none"),
            (["w1", "--adapter-index", "0,1"], "--adapter-index gives 2 places for 1 prompt"),
            (["w1", "--adapter-index", "7"], "sequence 0 names adapter 7; the bank holds 0, 1"),
        ]
        for (arguments, message) in cases {
            let outcome = try place.reft(["generate", "llama"] + bank + arguments)
            #expect(outcome.code == 2 && outcome.errors.contains(message), "\(outcome)")
        }
        try place.write(#"{"prompt": "w1", "adapter_index": "two"}"#, to: "wrong.jsonl")
        let outcome = try place.reft(["generate", "llama"] + bank + ["--prompts", "wrong.jsonl"])
        #expect(
            outcome.errors.contains("wrong.jsonl: line 1: \"adapter_index\" must be a place of the bank, or null"),
            "\(outcome)")
    }

    @Test func wrongUseIsRefused() throws {
        let cases: [([String], String)] = [
            (["merge", "one", "--output", "x"], "give at least two adapters; 1 is given"),
            (["average", "one", "two", "--weights", "1", "--output", "x"], "--weights gives 1 weights for 2 adapters"),
            (
                ["average", "one", "two", "--weights", "1,b", "--output", "x"],
                "--weights '1,b': 'b' is no finite number"
            ),
            (["scale", "one", "--by", "inf", "--output", "x"], "--by must be a finite number, not inf"),
            (["show", "nothing"], "nothing: is no adapter"),
        ]
        for (arguments, message) in cases {
            let outcome = try place.reft(["adapter"] + arguments)
            #expect(outcome.code == 2 && outcome.errors.contains(message), "\(outcome)")
        }
    }
}
