import Checkpoints
import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// Folders that pyreft and pyvene have saved, with their own outputs (Tests/Reference/make_pyreft_folders.py).
@Suite struct PyreftFolderTests {
    static let names = PeerFixtures.names(in: "pyreft")

    /// One folder with what it gives.
    struct Case {
        let folder: URL
        let model: Model
        let input: RunInput
        let options: PyveneOptions
        let expected: [Float]

        init(_ name: String) throws {
            folder = PeerFixtures.folder.appendingPathComponent("pyreft/\(name)")
            let settings = try PeerFixtures.json("pyreft/\(name)/case.json")
            model = try PeerFixtures.model(settings["model"] as? String ?? "")
            let data = try JSONSerialization.data(withJSONObject: settings["input"] ?? [:])
            input = try RunInput(json: data, file: name)
            let given = settings["options"] as? [String: Any] ?? [:]
            options = PyveneOptions(
                positions: try Positions(text: settings["positions"] as? String ?? ""),
                activation: Activation(rawValue: given["activation"] as? String ?? "linear") ?? .linear)
            expected = try PeerFixtures.tensors("pyreft/\(name)/expected.safetensors").tensor("expected.logits")
                .floats()
        }

        func adapter(at path: String? = nil, note: (String) -> Void = { _ in }) throws -> Adapter {
            try PyreftFolder.adapter(
                at: path ?? folder.appendingPathComponent("adapter").path, for: model, options, note: note)
        }

        func logits(_ adapter: Adapter) throws -> [Float] {
            let session = try Session(model, adapters: [adapter])
            return try session.run(input.examples).logits?.values ?? []
        }
    }

    /// Cases whose folders are refused or need more than the adapter to run.
    static let apart: Set<String> = ["llama-subspace-partition"]

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func thereAreCases() { #expect(Self.names.count >= 30) }

    @Test(arguments: names.filter { !apart.contains($0) }) func outputsAgree(name: String) throws {
        let peer = try Case(name)
        let found = try peer.logits(try peer.adapter())
        #expect(PeerFixtures.error(found, peer.expected) <= 1e-5)
    }

    /// What is imported, written for pyreft again and imported again is the same adapter.
    @Test(arguments: names.filter { !apart.contains($0) }) func roundTrip(name: String) throws {
        let peer = try Case(name)
        let adapter = try peer.adapter()
        try withFolder { folder in
            let path = folder.appendingPathComponent("adapter").path
            try PyreftFolder.write(adapter, to: path, model: peer.model)
            let again = try peer.adapter(at: path)
            // Links are written as copies, and paths of modules that have a component's name under that name.
            if !name.contains("linked"), name != "llama-direft-module-paths" {
                #expect(again.program == adapter.program)
                #expect(again.parameters == adapter.parameters)
            }
            #expect(PeerFixtures.error(try peer.logits(again), peer.expected) <= 1e-5)
        }
    }

    /// The dotted spellings of older releases: the files are renamed.
    @Test(arguments: ["layer.0.comp.block_output", "layer.0.repr.block_output"]) func olderSpellings(prefix: String)
        throws
    {
        let peer = try Case("gpt2-loreft-f2l2-tied")
        try withFolder { folder in
            let path = folder.appendingPathComponent("adapter")
            try FileManager.default.copyItem(at: peer.folder.appendingPathComponent("adapter"), to: path)
            for layer in 0..<2 {
                try FileManager.default.moveItem(
                    at: path.appendingPathComponent("intkey_layer_\(layer)_comp_block_output_unit_pos_nunit_1#0.bin"),
                    to: path.appendingPathComponent(
                        "intkey_\(prefix.replacing(".0.", with: ".\(layer).")).unit.pos.nunit.1#0.bin"))
            }
            #expect(PeerFixtures.error(try peer.logits(try peer.adapter(at: path.path)), peer.expected) <= 1e-5)
        }
    }

    @Test func subspacesAreChosenPerExample() throws {
        let peer = try Case("llama-subspace-partition")
        let adapter = try peer.adapter()
        let session = try Session(peer.model, adapters: [adapter])
        let choices = [["0"], ["1"], ["0", "1"]]
        let name = try #require(adapter.program.declarations.first?.name)
        let examples = zip(peer.input.examples, choices).map { example, parts in
            var example = example
            example.subspaces[name] = .parts(parts)
            return example
        }
        let found = try session.run(examples).logits?.values ?? []
        #expect(PeerFixtures.error(found, peer.expected) <= 1e-5)
    }

    @Test func programsAreGroupedByLayersAndSides() throws {
        let untied = try Case("llama-loreft-f2l2-untied").adapter()
        #expect(
            untied.program
                == Program(declarations: [
                    LoReFT(rank: 3).on(.blockOutput, layers: [0, 1]).at(.first(2) + .last(2)).named("loreft")
                ]))
        let tied = try Case("llama-loreft-f2l2-tied").adapter()
        #expect(
            tied.program
                == Program(declarations: [
                    LoReFT(rank: 3).on(.blockOutput, layers: [0, 1]).at(.first(2) + .last(2)).named("loreft")
                        .tied(across: .positions)
                ]))
        var notes: [String] = []
        let linked = try Case("llama-loreft-linked-layers").adapter { notes.append($0) }
        #expect(linked.program.declarations.first?.ties == [.positions, .layers])
        #expect(linked.parameters.count == 3)
        #expect(notes.count == 1)
    }
}

/// Folders that can not be imported, and what is said about them.
@Suite struct RefusedFolderTests {
    private func message(_ name: String, _ options: PyveneOptions, change: (URL) throws -> Void = { _ in }) throws
        -> String
    {
        let model = try PeerFixtures.model("llama")
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.copyItem(
            at: PeerFixtures.folder.appendingPathComponent("pyreft/\(name)/adapter"), to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        try change(path)
        do {
            _ = try PyreftFolder.adapter(at: path.path, for: model, options)
            return ""
        } catch {
            return "\(error)".replacing(path.path, with: "F")
        }
    }

    private let ends = PyveneOptions(positions: .first(2) + .last(2))

    @Test func componentsOfPCAAreNeverSaved() throws {
        let text = try message("llama-vanilla", PyveneOptions(positions: .at(2))) { folder in
            let file = folder.appendingPathComponent("config.json")
            let changed = try String(contentsOf: file, encoding: .utf8).replacing(
                "VanillaIntervention", with: "PCARotatedSpaceIntervention")
            try Data(changed.utf8).write(to: file)
        }
        #expect(
            text
                == "F: representations[0]: pyvene saves neither the components nor the mean and the deviation of "
                + "PCARotatedSpaceIntervention; declare PCARotatedSpace in a program, with the three in a safetensors file"
        )
    }

    @Test func positionsAreAskedFor() throws {
        #expect(
            try message("llama-loreft-f2l2-tied", PyveneOptions())
                == "F: it does not say which positions are edited, which the peers never save; give them: --positions f7+l7 "
                + "or l1 as it was trained, or all, which is what the peers edit without unit_locations")
    }

    @Test func asManySidesAsInterventions() throws {
        #expect(
            try message("llama-loreft-f2l2-untied", PyveneOptions(positions: .first + .last + .at(3)))
                == "F: representations[0]: 2 interventions act at its site, the positions 'f1+l1+3' have 3 sides; as many "
                + "are needed, or one")
    }

    @Test func missingAndForeignFiles() throws {
        let name = "intkey_layer_1_comp_block_output_unit_pos_nunit_1#0.bin"
        #expect(
            try message("llama-loreft-f2l2-tied", ends) {
                try FileManager.default.removeItem(at: $0.appendingPathComponent(name))
            } == "F: representations[1]: there is no file '\(name)', nor one with the older spellings of that name")
        #expect(
            try message("llama-loreft-f2l2-tied", ends) { folder in
                let other = PeerFixtures.folder.appendingPathComponent(
                    "pyreft/llama-nodireft-f2l2-tied/adapter/\(name)")
                try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
                try FileManager.default.copyItem(at: other, to: folder.appendingPathComponent(name))
            }
                == "F: \(name): there is no tensor 'rotate_layer' or "
                + "'rotate_layer.parametrizations.weight.original'; it has: embed_dim, interchange_dim, "
                + "proj_layer.weight, learned_source.weight, learned_source.bias")
    }

    @Test func sitesThatTheModelDoesNotHave() throws {
        let text = try message("llama-loreft-f2l2-tied", ends) { folder in
            let file = folder.appendingPathComponent("config.json")
            let changed = try String(contentsOf: file, encoding: .utf8).replacing(
                "\"block_output\"", with: "\"blok_output\"")
            try Data(changed.utf8).write(to: file)
            for layer in 0..<2 {
                let ending = "unit_pos_nunit_1#0.bin"
                try FileManager.default.moveItem(
                    at: folder.appendingPathComponent("intkey_layer_\(layer)_comp_block_output_\(ending)"),
                    to: folder.appendingPathComponent("intkey_layer_\(layer)_comp_blok_output_\(ending)"))
            }
        }
        #expect(text.hasPrefix("F: representations[0]: 'representation-0': the model has no component 'blok_output'"))
        #expect(text.contains("did you mean 'block_output'?\nF: representations[1]: "))
    }
}
