import Foundation
import Testing

@Suite struct ReceiptOptionTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.write(
            Workplace.program(#"{"type": "Scale", "factor": 3}"#, positions: #""l1+generated""#), to: "program.json")
        try place.write(#"{"sequences": [[5, 6, 7], [8, 9]], "prompt_lengths": [2, 2]}"#, to: "tokens.json")
        try place.writeTrainingData()
    }

    private func receipt(_ name: String) throws -> (stage: String, edits: [[String: Any]]) {
        let receipt = try place.json(try place.text(name))
        return (receipt["stage"] as? String ?? "", receipt["edits"] as? [[String: Any]] ?? [])
    }

    @Test func runsAndGenerationsTellWhatFired() throws {
        let run = try place.reft(
            "run", "llama", "--input", "tokens.json", "--output", "o", "--program", "program.json", "--receipt", "-")
        #expect(run.code == 0)
        #expect(
            run.output.hasPrefix(
                """
                declaration  intervention  where           positions     rows  sequences  change
                """))
        #expect(run.output.contains("edit         Scale         block_output.1  l1+generated  3     2  "))
        #expect(run.output.contains("  2           2        0: 1-2; 1: 1\n"))
        let generated = try place.reft(
            "generate", "llama", "w5 w6", "--program", "program.json", "--max-tokens", "3", "--ignore-end", "--receipt",
            "r.json")
        #expect(generated.code == 0 && generated.errors == "")
        let (stage, edits) = try receipt("r.json")
        #expect(stage == "generation" && edits.count == 1)
        #expect(edits[0]["declaration"] as? String == "edit" && edits[0]["location"] as? String == "declarations[0]")
        #expect(edits[0]["rows"] as? Int == 3)
        #expect((edits[0]["steps"] as? [[String: Any]])?.map { $0["step"] as? Int } == [0, 1, 2])
        let rows = edits[0]["sequence_rows"] as? [[String: Any]]
        #expect(rows?.map { $0["rows"] as? [Int] } == [[1, 2, 3]])
    }

    @Test func trainingsTellWhatFiredInEachEpoch() throws {
        let outcome = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--output", "a", "--rank", "2", "--layers", "1", "--positions",
            "l1", "--epochs", "2", "--receipt", "r.json")
        #expect(outcome.code == 0)
        let (stage, edits) = try receipt("r.json")
        #expect(stage == "training" && edits.count == 1)
        #expect(edits[0]["rows"] as? Int == 20 && edits[0]["sequences"] as? Int == 20)
        let steps = edits[0]["steps"] as? [[String: Any]] ?? []
        #expect(steps.map { $0["step"] as? Int } == [1, 2] && steps.map { $0["rows"] as? Int } == [10, 10])
        let change = edits[0]["change"] as? [String: Double] ?? [:]
        #expect(change["mean"] ?? 0 > 0 && change["largest"] ?? 0 >= change["mean"] ?? 1)
        // Measuring changes no step.
        let plain = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--output", "b", "--rank", "2", "--layers", "1", "--positions",
            "l1", "--epochs", "2")
        #expect(plain.code == 0)
        #expect(try place.bytes("a/parameters.safetensors") == place.bytes("b/parameters.safetensors"))
    }
}
