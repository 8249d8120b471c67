import Foundation
import Testing

/// Damaged and extreme input: one message, exit code 2, nothing on standard output, no output file.
@Suite struct DamagedInputTests {
    private func expect(
        _ message: String, from arguments: [String], in place: Workplace,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try place.reft(arguments)
        #expect(outcome == .init(code: 2, output: "", errors: "Error: \(message)\n"), sourceLocation: sourceLocation)
        #expect(!place.exists("out") && !place.exists("adapter"), sourceLocation: sourceLocation)
    }

    static let runInputs: [(String, String)] = [
        ("", "input.json: is empty: at least one sequence is needed"),
        ("null", #"input.json: expected an object with the key "sequences""#),
        ("{", "input.json: this is no JSON: line 1, column 2: the document ends too early"),
        ("{}", #"input.json: the key "sequences" is missing"#),
        (#"{"sequences": []}"#, "input.json: there is no sequence: at least one is needed"),
        (#"{"sequences": [[1], []]}"#, "input.json: sequence 1 is empty: at least one token is needed"),
        (#"{"sequences": [[96]]}"#, "input.json: sequence 0, position 0: token 96 is not within 0..<96"),
        (#"{"sequences": [[1, -1]]}"#, "input.json: sequence 0, position 1: token -1 is not within 0..<96"),
        (#"{"sequences": [[1.5]]}"#, "input.json: sequences[0][0] is no 32-bit integer: 1.5"),
        (#"{"sequences": [[1e30]]}"#, "input.json: sequences[0][0] is no 32-bit integer: 1e+30"),
        (
            #"{"sequences": [[1]], "label": [[1]]}"#,
            #"input.json: unknown key "label"; known: sequences, labels, prompt_lengths, token_types, positions, sources, subspaces, adapter_index"#
                + "; did you mean 'labels'?"
        ),
        (#"{"sequences": [[1, 2]], "labels": [[1]]}"#, "input.json: labels[0] has 1 entries where 2 are needed"),
        (
            #"{"sequences": [[1, 2]], "labels": [[1, 96]]}"#,
            "input.json: sequence 0, position 1: label 96 is not within 0..<96, nor −100"
        ),
        (
            #"{"sequences": [[1, 2]], "labels": [0.5]}"#,
            "input.json: sequence 0 has the label 0.5; a language model takes one for each token"
        ),
        (
            #"{"sequences": [[1, 2]], "prompt_lengths": [3]}"#,
            "input.json: sequence 0: the prompt length 3 is not within 0...2"
        ),
        (
            #"{"sequences": [[1, 2]], "token_types": [[0, 7]]}"#,
            "input.json: sequence 0 has the token type 7; a language model has none but 0"
        ),
        (
            #"{"sequences": [[1, 2]], "sources": {"clean": {"sequences": [[1]]}}}"#,
            "input.json: sources: the program has no run 'clean'"
        ),
    ]

    @Test func runInputsAreRefused() throws {
        let place = try Workplace(models: "llama", "bert", "bert-regression")
        for (text, message) in Self.runInputs {
            try place.write(text, to: "input.json")
            try expect(message, from: ["run", "llama", "--input", "input.json", "--output", "out"], in: place)
        }
        let classified: [(String, String)] = [
            ("[3]", "sequence 0: class 3 is not within 0..<3"),
            ("[1.5]", "sequence 0 has the label 1.5; a class, a whole number within 0..<3, is needed"),
            ("[[1, 2]]", "sequence 0 has a label for each token; a classifier takes one for the sequence"),
        ]
        for (labels, message) in classified {
            try place.write(#"{"sequences": [[1, 2]], "labels": \#(labels)}"#, to: "input.json")
            try expect(
                "input.json: \(message)", from: ["run", "bert", "--input", "input.json", "--output", "out"], in: place)
        }
        try place.write(#"{"sequences": [[1, 2]], "labels": [1e300]}"#, to: "input.json")
        try expect(
            "input.json: sequence 0: the label inf is no finite 32-bit number",
            from: ["run", "bert-regression", "--input", "input.json", "--output", "out"], in: place)
        try place.write(
            #"{"sequences": [[\#(Array(repeating: "1", count: 41).joined(separator: ","))]]}"#, to: "input.json")
        try expect(
            "input.json: sequence 0 has 41 tokens; the model takes at most 40",
            from: ["run", "bert", "--input", "input.json", "--output", "out"], in: place)
    }

    @Test func filesAndSitesAreRefused() throws {
        let place = try Workplace(models: "llama")
        try place.write(#"{"sequences": [[1, 2, 3], [4, 5]]}"#, to: "input.json")
        try place.write(Workplace.program(), to: "p.json")
        let run = ["run", "llama", "--input", "input.json", "--output"]
        let cases: [([String], String)] = [
            (["run", "llama", "--input", "none", "--output", "out"], "none: can not be read: there is no such file"),
            (
                ["run", "llama", "--input", "llama", "--output", "out"],
                "llama: can not be read: it is a folder, not a file"
            ),
            (
                run + ["out", "--collect", ","],
                "--collect ',': a name is empty; give sites with commas between, such as block_output.3"
            ),
            (
                run + ["out", "--gradients", "--program", "p.json"],
                #"the input has no label that is judged: give "labels" with at least one entry other than −100"#
            ),
            (
                run + ["out", "--adapter", "none"],
                "none: is no adapter: there is no folder of that name with adapter.json in it"
            ),
            (run + ["out", "--program", "none"], "none: can not be read: there is no such file"),
        ]
        for (arguments, message) in cases { try expect(message, from: arguments, in: place) }
        let site = try place.reft(run + ["out", "--collect", "block_outptu"])
        #expect(site.code == 2)
        #expect(
            site.errors == "Error: 'block_outptu' matches no site of the model; did you mean 'block_output'?\n"
        )
        try FileManager.default.createDirectory(at: place["folder"], withIntermediateDirectories: false)
        let folder = try place.reft(run + ["folder"])
        #expect(folder.code == 2)
        #expect(
            folder.errors.hasSuffix("/folder' can not be written: something that is no regular file has this name.\n"))
        let missing = try place.reft(run + ["none/out"])
        #expect(missing.code == 2)
        #expect(missing.errors.hasSuffix("/none/out' can not be written: No such file or directory.\n"))
    }

    static let programs: [(String, String)] = [
        ("{", "p.json: this is no JSON: line 1, column 2: the document ends too early"),
        ("[]", "p.json: a list is given where an object is needed"),
        (
            Workplace.program(#"{"type": "LoReFT", "rank": 33}"#),
            "declarations[0]: 'edit': on block_output.1: rank 33 is larger than the width 32; allowed: 1 to 32"
        ),
        (
            Workplace.program(#"{"type": "LoReFT", "rank": 0}"#),
            "declarations[0]: 'edit': on block_output.1: rank 0 is given; a rank is at least 1"
        ),
        (
            Workplace.program(site: #"{"component": "block_output", "layers": [2]}"#),
            "declarations[0]: 'edit': block_output has no layer 2; it has layers 0,1"
        ),
        (
            Workplace.program(#"{"type": "Add", "vector": [1, 2]}"#),
            "declarations[0]: 'edit': on block_output.1: its vector has 2 numbers, the site is 32 wide"
        ),
        (
            Workplace.program(positions: #""f0""#),
            "declarations[0]: 'edit': it can never fire: positions 'f0' name 0 rows"
        ),
    ]

    @Test func programsAreRefused() throws {
        let place = try Workplace(models: "llama")
        for (text, message) in Self.programs {
            try place.write(text, to: "p.json")
            try expect(message, from: ["check", "llama", "--program", "p.json"], in: place)
        }
        try place.write(Workplace.program(positions: #""2""#), to: "p.json")
        try place.write(#"{"sequences": [[1, 2, 3], [4, 5]]}"#, to: "input.json")
        try expect(
            "sequence 1: position 2 is outside its prompt of 2 tokens; .sequence positions count beyond the prompt",
            from: ["run", "llama", "--input", "input.json", "--output", "out", "--program", "p.json"], in: place)
    }

    static let rows: [(String, String)] = [
        ("", "data.jsonl: is empty: at least one row is needed"),
        ("[]", "data.jsonl: is empty: at least one row is needed"),
        ("{", "data.jsonl: line 1, column 2: this is no JSON: the document ends too early"),
        (
            #"{"tokens": [1, 2], "labels": [-100, 2]}"# + "\n\n[1]",
            "data.jsonl: line 3: a list is given where an object is needed"
        ),
        (
            #"{"prompt": "a"}"#,
            "data.jsonl: line 1: needs prompt and completion, instruction and output, tokens and labels, or sentence and "
                + #"label; it has "prompt""#
        ),
        (
            #"{"tokens": [1, 4294967298], "labels": [-100, 2]}"#,
            "data.jsonl: line 1: tokens[1] is no 32-bit integer: 4294967298"
        ),
        (#"{"tokens": [1, 2], "labels": [-100, 1.5]}"#, "data.jsonl: line 1: labels[1] is no 32-bit integer: 1.5"),
        (#"{"tokens": [1, 2], "labels": [2]}"#, "data.jsonl: line 1: 2 tokens have 1 labels"),
        (#"{"tokens": [1, 2], "labels": [-100, -100]}"#, "data.jsonl: row 0: no label is left"),
        (
            #"{"tokens": [1, 2], "labels": [-100, 96]}"#,
            "data.jsonl: sequence 0, position 1: label 96 is not within 0..<96, nor −100"
        ),
        (
            #"{"tokens": [1, 2], "labels": [-100, 2], "prompt_length": 9}"#,
            "data.jsonl: sequence 0: the prompt length 9 is not within 0...2"
        ),
        (
            #"{"prompt": "a", "completion": "b"}"#,
            "data.jsonl: row 0: no tokenizer in llama: looked for tokenizer.json, vocab.json with merges.txt, vocab.txt"
        ),
    ]

    @Test func trainingDataIsRefused() throws {
        let place = try Workplace(models: "llama")
        for (text, message) in Self.rows {
            try place.write(text, to: "data.jsonl")
            try expect(message, from: ["train", "llama", "--data", "data.jsonl", "--output", "adapter"], in: place)
        }
    }

    static let trainingOptions: [([String], String)] = [
        (
            ["--rank", "33", "--layers", "1", "--positions", "l1"],
            "program: 'loreft': on block_output.1: rank 33 is larger than the width 32; allowed: 1 to 32"
        ),
        (["--layers", "-1"], "layers '-1' can not be read; allowed: all, 4-7, 0,4,8 or 4- (from 4 on)"),
        (
            ["--epochs", "9223372036854775807"],
            "--epochs must be at least 1 and at most 2147483647, not 9223372036854775807"
        ),
        (
            ["--batch-size", "0", "--gradient-accumulation", "9223372036854775807"],
            "--batch-size must be at least 1 and at most 2147483647, not 0\n"
                + "--gradient-accumulation must be at least 1 and at most 2147483647, not 9223372036854775807"
        ),
        (["--warmup", "1e30"], "--warmup must be 0 or more and at most 2147483647, not 1e+30"),
        (["--learning-rate", "-1"], "--learning-rate must be 0 or more, not -1.0"),
        (["--clip", "0"], "--clip must be above 0, not 0.0"),
        (["--log", "none/log"], "--log none/log can not be written: No such file or directory"),
        (
            ["--template", "chatmll"],
            "--template: unknown template 'chatmll'; known: plain, alpaca, commonsense, chatml, smollm2, qwen2, "
                + "qwen2.5, llama2, llama3, mistral, gemma, phi3, zephyr; did you mean 'chatml'?"
        ),
    ]

    @Test func trainingOptionsAreRefused() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        let train = ["train", "llama", "--data", "train.jsonl", "--output"]
        for (options, message) in Self.trainingOptions {
            try expect(message, from: train + ["adapter"] + options, in: place)
        }
        let resumed = try place.reft(train + ["adapter", "--resume"])
        #expect(resumed.code == 2)
        #expect(resumed.errors.hasSuffix("/adapter/checkpoint/state.json: there is no state to go on from\n"))
        try place.write("a file", to: "file")
        let file = try place.reft(train + ["file"])
        #expect(file.code == 2)
        #expect(file.errors.hasPrefix("Error: file: can not be written: "))
        // A step that leaves the numbers is not saved, even if it is the last.
        let diverged = try place.reft(
            train + ["adapter", "--learning-rate", "1e300", "--epochs", "1", "--batch-size", "10"])
        #expect(diverged.code == 2 && diverged.output == "" && !place.exists("adapter"))
        #expect(
            diverged.errors.hasSuffix(
                "Error: a parameter is no finite number after step 1: the learning rate may be too high; nothing was written\n"
            ))
    }

    @Test func damagedModelsAreRefused() throws {
        let place = try Workplace(models: "llama")
        let configuration = try place.text("llama/config.json")
        func refuses(_ ending: String, _ location: SourceLocation = #_sourceLocation) throws {
            let outcome = try place.reft("inspect", "llama")
            #expect(outcome.code == 2 && outcome.output == "", sourceLocation: location)
            #expect(outcome.errors.hasSuffix(ending), "\(outcome.errors)", sourceLocation: location)
        }
        for (field, ending) in [
            (#""model_type": "lama""#, "; did you mean llama?\n"),
            (#""model_type": "llama", "new_field": 3"#, "key is not understood and may change the computation\n"),
        ] {
            try place.write(
                configuration.replacingOccurrences(of: #""model_type": "llama""#, with: field), to: "llama/config.json")
            try refuses(ending)
        }
        try place.write("{", to: "llama/config.json")
        try refuses("")
        try place.write(configuration, to: "llama/config.json")
        let weights = try place.bytes("llama/model.safetensors")
        for length in [0, 4, 100, weights.count / 2, weights.count - 1] {
            try weights.prefix(length).write(to: place["llama/model.safetensors"])
            try refuses("\n")
        }
        try (Data(repeating: 0xFF, count: 8) + weights.dropFirst(8)).write(to: place["llama/model.safetensors"])
        try refuses(" a header of 18446744073709551615 bytes is announced; at most 100000000 are allowed.\n")
    }

    @Test func tamperedAdaptersAreRefused() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        try place.write(#"{"sequences": [[1, 2, 3]]}"#, to: "input.json")
        #expect(
            try place.reft("train", "llama", "--data", "train.jsonl", "--output", "good", "--layers", "1").code == 0)
        let description = try place.text("good/adapter.json")
        func refuses(_ ending: String, _ location: SourceLocation = #_sourceLocation) throws {
            let outcome = try place.reft(
                "run", "llama", "--input", "input.json", "--output", "out", "--adapter", "good")
            #expect(outcome.code == 2 && outcome.output == "" && !place.exists("out"), sourceLocation: location)
            #expect(outcome.errors.hasSuffix(ending), "\(outcome.errors)", sourceLocation: location)
        }
        try place.write(String(description.prefix(300)), to: "good/adapter.json")
        try refuses("good/adapter.json: this is no JSON: line 10, column 23: the string is not closed\n")
        let evil = description.replacingOccurrences(of: "\"LoReFT\"", with: "\"Evil\"")
        try place.write(evil, to: "good/adapter.json")
        try refuses("Steer, SubtractSource, Zero; did you mean 'Edit'?\n")
        let all = description.replacingOccurrences(
            of: "\"layers\" : [\n            1\n          ]", with: "\"layers\" : \"all\"")
        if all != description {
            try place.write(all, to: "good/adapter.json")
            try refuses("\n")
        }
        try place.write(description, to: "good/adapter.json")
        let parameters = try place.bytes("good/parameters.safetensors")
        try parameters.prefix(100).write(to: place["good/parameters.safetensors"])
        try refuses("good: parameters.safetensors is not the file that adapter.json was written with\n")
        try FileManager.default.removeItem(at: place["good/parameters.safetensors"])
        try refuses("good/parameters.safetensors: can not be read: there is no such file\n")
    }
}
