import Foundation
import Testing

/// `reft adapter import`, `reft adapter export`, and configurations of pyvene as program files.
@Suite struct AdapterFilesCommandTests {
    private func path(_ name: String) -> String {
        Workplace.models.deletingLastPathComponent().appendingPathComponent(name).path
    }

    @Test func pyreftFoldersGoBothWays() throws {
        let place = try Workplace(models: "llama")
        let folder = path("pyreft/llama-loreft-f2l2-tied/adapter")
        let refused = try place.reft("adapter", "import", folder, "mine", "--model", "llama")
        #expect(refused.code == 2)
        #expect(refused.errors.contains("it does not say which positions are edited"))
        let imported = try place.reft(
            "adapter", "import", folder, "mine", "--model", "llama", "--positions", "f2+l2", "--json")
        #expect(imported.code == 0)
        let report = try place.json(imported.output)
        #expect(report["declarations"] as? Int == 1)
        #expect(report["parameters"] as? Int == 2 * (2 * 32 * 3 + 3))
        let exported = try place.reft("adapter", "export", "mine", "theirs", "--model", "llama")
        #expect(exported.code == 0)
        #expect(exported.output.isEmpty && exported.errors.contains("wrote theirs\n"))
        #expect(
            exported.errors.contains("note: 'loreft': the positions f2+l2 are not written: give them as unit_locations")
        )
        #expect(place.exists("theirs/intkey_layer_1_comp_block_output_unit_pos_nunit_1#0.bin"))
        let again = try place.reft("adapter", "import", "theirs", "again", "--model", "llama", "--positions", "f2+l2")
        #expect(again.code == 0)
        #expect(try place.bytes("again/parameters.safetensors") == place.bytes("mine/parameters.safetensors"))
    }

    @Test func controlVectorsGoBothWays() throws {
        let place = try Workplace(models: "gpt2")
        let file = path("control_vectors/gpt2/vector.gguf")
        let imported = try place.reft("adapter", "import", file, "happy", "--model", "gpt2", "--strength", "2")
        #expect(imported.code == 0)
        #expect(imported.output == "1 declaration, 0 trained numbers\nadapter: happy\n")
        #expect(try place.reft("adapter", "export", "happy", "happy.gguf").code == 0)
        #expect(place.exists("happy.gguf"))
    }

    @Test func configurationsOfPyveneArePrograms() throws {
        let place = try Workplace(models: "llama")
        try place.write(
            #"{"layer": 1, "component": "block_output", "low_rank_dimension": 4, "intervention_type": "LoreftIntervention"}"#,
            to: "config.json")
        let outcome = try place.reft("check", "llama", "--program", "config.json", "--positions", "l1")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("LoReFT on block_output.1 [32] at l1"))
        try place.write(Workplace.program(), to: "program.json")
        let refused = try place.reft("check", "llama", "--program", "program.json", "--positions", "l1")
        #expect(refused.code == 2)
        #expect(refused.errors.contains("it says its own positions, heads and sources"))
    }
}
