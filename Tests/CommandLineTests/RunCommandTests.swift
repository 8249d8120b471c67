import Checkpoints
import Foundation
import Testing

@Suite struct RunCommandTests {
    private func floats(_ place: Workplace, _ name: String, in file: String = "out.safetensors") throws -> [Float] {
        try SafetensorsFile(at: place[file]).tensor(name).floats()
    }

    private func error(_ found: [Float], _ expected: [Float]) -> Float {
        guard found.count == expected.count, !found.isEmpty else { return .infinity }
        let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        return worst / (expected.map(abs).max() ?? 1)
    }

    @Test(arguments: ["llama", "gpt2", "bert", "bert-regression"])
    func agreesWithTransformers(model: String) throws {
        let place = try Workplace(models: model)
        let outcome = try place.reft(
            "run", model, "--input", "\(model)/cases.json", "--output", "out.safetensors", "--collect", "block_output",
            "--json")
        #expect(outcome.code == 0)
        #expect(outcome.errors == "")
        let report = try place.json(outcome.output)
        let expected = try place.json(try place.text("\(model)/expected.json"))
        let (loss, known) = (try #require(report["loss"] as? Double), try #require(expected["loss"] as? Double))
        #expect(abs(loss - known) <= 1e-5 * known)
        for name in ["logits", "block_output.0", "block_output.1"] {
            let reference = try floats(place, name, in: "\(model)/expected.safetensors")
            #expect(error(try floats(place, name), reference) <= 1e-5, "\(name)")
        }
        let offsets = try SafetensorsFile(at: place["out.safetensors"]).tensor("offsets")
        #expect(offsets.shape == [4])
        #expect(offsets.type == .i64)
    }

    @Test func programsEditAndGradientsAreWritten() throws {
        let place = try Workplace(models: "llama")
        try place.write(Workplace.program(positions: #""f1+l1""#), to: "program.json")
        let outcome = try place.reft(
            "run", "llama", "--input", "llama/cases.json", "--output", "out.safetensors", "--program", "program.json",
            "--gradients")
        #expect(outcome.code == 0)
        #expect(outcome.output.hasPrefix("loss "))
        let rotation = try floats(place, "gradient.edit.1.l1.rotation")
        #expect(rotation.count == 64 && rotation.contains { $0 != 0 })
        // After the last block the first row reaches no judged one.
        #expect(try floats(place, "gradient.edit.1.f1.rotation") == [Float](repeating: 0, count: 64))
        #expect(try floats(place, "logits") != floats(place, "logits", in: "llama/expected.safetensors"))
    }

    @Test func textIsTokenised() throws {
        let place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.write("w19 w64 w44\r\nw83\n", to: "lines.txt")
        try place.write(#"{"sequences": [[19, 64, 44], [83]]}"#, to: "ids.json")
        for (input, output) in [("lines.txt", "a"), ("ids.json", "b")] {
            #expect(try place.reft("run", "llama", "--input", input, "--output", output).code == 0)
        }
        #expect(try place.bytes("a") == place.bytes("b"))
    }

    @Test func sitesAreWrittenOnceAndSourcesAreRead() throws {
        let place = try Workplace(models: "llama")
        try place.write(
            """
            {"format": "swift-reft/program", "version": 1, "runs": [{"name": "clean"}, {"name": "base", "declarations": [
              {"intervention": {"type": "Interchange"}, "source": {"run": "clean"},
               "site": {"component": "block_output", "layers": [1]}, "positions": "all"}]}]}
            """, to: "program.json")
        try place.write(
            #"{"sequences": [[1, 2, 3]], "sources": {"clean": {"sequences": [[4, 5, 6]]}}}"#, to: "patched.json")
        try place.write(#"{"sequences": [[4, 5, 6]]}"#, to: "clean.json")
        let patched = try place.reft(
            "run", "llama", "--input", "patched.json", "--output", "a", "--program", "program.json", "--collect",
            "block_output.1, block_output,logits")
        #expect(patched.output == "logits  [3, 96]\nblock_output.1  [3, 32]\nblock_output.0  [3, 32]\noffsets  [2]\n")
        #expect(try place.reft("run", "llama", "--input", "clean.json", "--output", "b").code == 0)
        #expect(try error(floats(place, "logits", in: "a"), floats(place, "logits", in: "b")) <= 1e-5)
    }

    @Test func gradientsWithoutParametersAreWarnedAbout() throws {
        let place = try Workplace(models: "llama")
        let outcome = try place.reft(
            "run", "llama", "--input", "llama/cases.json", "--output", "out", "--gradients")
        #expect(outcome.code == 0)
        #expect(
            outcome.errors == """
                warning: --gradients: there is no parameter; give a --program or an --adapter that has some
                wrote out

                """)
    }
}
