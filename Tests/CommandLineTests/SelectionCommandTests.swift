import Foundation
import Testing

/// Selectors of sites and patterns of weights on the command line.
@Suite struct SelectionCommandTests {
    @Test func inspectShowsAndCountsWhatASelectorMatches() throws {
        let place = try Workplace(models: "llama")
        let outcome = try place.reft("inspect", "llama", "--select", "layers[0-1].attention_output")
        #expect(
            outcome
                == .init(
                    code: 0,
                    output: """
                        site                width  rows    module (Hugging Face)
                        attention_output.0  32     tokens  model.layers[0].self_attn.output
                        attention_output.1  32     tokens  model.layers[1].self_attn.output
                        2 sites

                        """, errors: ""))
        let heads = try place.json(place.reft("inspect", "llama", "--select", "head_output.1.h0,2", "--json").output)
        #expect(heads["count"] as? Int == 2)
        #expect(try place.reft("inspect", "llama", "--select", "head_output.1.h0").output.hasSuffix("\n1 head\n"))
        #expect((heads["sites"] as? [[String: Any]])?.map { $0["head"] as? Int } == [0, 2])
        #expect((heads["sites"] as? [[String: Any]])?.map { $0["width"] as? Int } == [8, 8])
        let wrong = try place.reft("inspect", "llama", "--select", "layers[0-1].atention_output")
        #expect(
            wrong
                == .init(
                    code: 2, output: "",
                    errors: "Error: 'layers[0-1].atention_output' matches no site of the model; "
                        + "did you mean 'layers[0-1].attention_output'?\n"))
    }

    @Test func inspectShowsAndCountsWeights() throws {
        let place = try Workplace(models: "llama")
        let outcome = try place.reft("inspect", "llama", "--weights", "layers[*].mlp.down_proj.weight")
        #expect(
            outcome
                == .init(
                    code: 0,
                    output: """
                        tensor                               shape
                        model.layers.0.mlp.down_proj.weight  [32, 48]
                        model.layers.1.mlp.down_proj.weight  [32, 48]
                        2 tensors, 3072 numbers

                        """, errors: ""))
    }

    @Test func sitesAreCollectedBySelector() throws {
        let place = try Workplace(models: "llama")
        try place.write(#"{"sequences": [[1, 5, 9]]}"#, to: "tokens.json")
        let outcome = try place.reft(
            "run", "llama", "--input", "tokens.json", "--output", "out", "--collect", "layers[0,1].mlp_output,mlp_*.1",
            "--json")
        let tensors = try place.json(outcome.output)["tensors"] as? [String: Any]
        #expect(
            Set(try #require(tensors).keys) == [
                "logits", "offsets", "mlp_output.0", "mlp_output.1", "mlp_input.1", "mlp_activation.1",
            ])
    }

    @Test func weightsAreTrainedBesideAPreset() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        let train = ["train", "llama", "--data", "train.jsonl", "--output", "a", "--batch-size", "4"]
        let beside = try place.reft(
            train + [
                "--rank", "2", "--layers", "1", "--positions", "-1", "--train-weights",
                "layers[1].mlp.down_proj.weight",
            ])
        #expect(beside.code == 0)
        #expect(beside.output.contains("\n1666 trained parameters, 8.0717 % of 20640\n"))
        // The adapter runs, and a program file declares the same.
        try place.write(#"{"sequences": [[1, 5, 9]]}"#, to: "tokens.json")
        #expect(try place.reft("run", "llama", "--adapter", "a", "--input", "tokens.json", "--output", "o").code == 0)
        try place.write(
            #"{"format": "swift-reft/program", "version": 1, "declarations": [], "trainable": ["norm.weight"]}"#,
            to: "program.json")
        let checked = try place.reft("check", "llama", "--program", "program.json")
        #expect(
            checked.output == """
                0 edits in order, 1 parameter tensors, 32 trained numbers
                base: no interventions
                trained weights:
                  norm.weight: 1 tensor, 32 numbers   ; trainable[0]
                     parameter weight:model.norm.weight [1, 32]


                """)
        let alone = try place.reft(train + ["--program", "program.json", "--epochs", "1", "--json"])
        let summary = try place.json(alone.output)["summary"] as? [String: Any]
        #expect(summary?["trained_parameters"] as? Int == 32)
        let preset = try place.reft(
            train + ["--preset", "none", "--train-weights", "norm.weight", "--check", "--json"])
        #expect(try place.json(preset.output)["trainedParameters"] as? Int == 32)
    }

    @Test func weightsThatDoNotExistAreRefused() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        let train = ["train", "llama", "--data", "train.jsonl", "--output", "a", "--preset", "none"]
        #expect(
            try place.reft(train + ["--train-weights", "layers[*].mlp.dwn_proj.weight"])
                == .init(
                    code: 2, output: "",
                    errors: "Error: --train-weights: 'layers[*].mlp.dwn_proj.weight' matches no weight of the model; "
                        + "did you mean 'layers.*.mlp.down_proj.weight'?\n"))
        #expect(try place.reft(train).errors.contains("--preset none trains nothing without --train-weights"))
    }
}
