import Checkpoints
import Foundation
import Testing

@Suite struct ReuseOptionTests {
    /// The same sequence four times, another position edited in each.
    private func sweep() throws -> Workplace {
        let place = try Workplace(models: "llama")
        let program = #"{"type": "LoReFT", "rank": 2}"#
        let site = #"{"component": "block_output", "layers": [0]}"#
        try place.write(
            Workplace.program(program, site: site, positions: #""field:cell""#), to: "program.json")
        let sequences = [String](repeating: "[5, 9, 17, 4]", count: 4).joined(separator: ", ")
        try place.write(
            #"{"sequences": [\#(sequences)], "positions": {"cell": [[0], [1], [2], [3]]}}"#, to: "cells.json")
        return place
    }

    private func logits(_ place: Workplace, _ file: String) throws -> [Float] {
        try SafetensorsFile(at: place[file]).tensor("logits").floats()
    }

    @Test func aSweepGivesTheSameWithAndWithoutReuse() throws {
        let place = try sweep()
        for (file, options) in [("plain", ["--no-reuse"]), ("none", ["--reuse-memory", "0"]), ("reused", [])] {
            let outcome = try place.reft(
                [
                    "run", "llama", "--input", "cells.json", "--output", file, "--program", "program.json", "--logits",
                    "last",
                ]
                    + options)
            #expect(outcome.code == 0 && outcome.errors == "wrote \(file)\n")
        }
        let (plain, reused, none) = (
            try logits(place, "plain"), try logits(place, "reused"), try logits(place, "none")
        )
        #expect(plain.count == 4 * 96 && reused == none)
        #expect(zip(plain, reused).allSatisfy { abs($0 - $1) <= 1e-5 })
    }

    @Test func explainCountsRowsBeforeAnythingRuns() throws {
        let place = try sweep()
        let base = ["explain", "llama", "--program", "program.json", "--input", "cells.json", "--logits", "last"]
        let plain = try place.json(try place.reft(base + ["--no-reuse", "--json"]).output)
        #expect(plain["rowsTimesLayers"] as? Int == 32 && plain["reused"] as? Double == 0)
        let reused = try place.json(try place.reft(base + ["--json"]).output)
        // The first layer, and of the second the rows before the edited one: 16 + 0 + 1 + 2 + 3.
        #expect(reused["reused"] as? Double == 22)
        let layers = try #require(reused["layers"] as? [[String: Any]])
        #expect(layers.map { $0["reused"] as? Double } == [16, 6] && layers.map { $0["rows"] as? Int } == [16, 16])
        #expect(layers[0]["computed"] as? Double == 0)
        let text = try place.reft(base)
        #expect(text.code == 0 && text.errors == "")
        #expect(text.output.contains("of 32 rows × layers, reads 22 from the store; "))
        #expect(
            text.output.contains(
                "\nrun   layer  rows  computed  reused  not read\nbase  0      16    0         16      0\n"))
        let wrong = try place.reft(base + ["--logits", "some"])
        #expect(wrong.code == 2 && wrong.errors.contains("'some' is invalid for '--logits <logits>'"))
    }

    @Test func aCheckedTrainingSaysWhatAnEpochComputes() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        let base = [
            "train", "llama", "--data", "train.jsonl", "--output", "a", "--layers", "0", "--positions", "l1", "--check",
        ]
        let text = try place.reft(base)
        #expect(text.code == 0 && text.output.contains("\nAn epoch computes "))
        #expect(text.output.contains(" of 100 rows × layers, reads 70 from the store; "))
        let report = try place.json(try place.reft(base + ["--json", "--no-reuse"]).output)
        let work = try #require(report["work"] as? [String: Any])
        #expect(work["reused"] as? Double == 0 && work["rowsTimesLayers"] as? Int == 100)
    }
}
