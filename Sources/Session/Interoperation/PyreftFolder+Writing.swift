import Checkpoints
import Foundation
import Graph
import InterventionDSL
import JSON
import Models

extension PyreftFolder {
    /// Writes an adapter as a folder of pyreft and pyvene, which is made where it is missing.
    ///
    /// Interventions of R are written with a base whose first columns are R itself, so that the peers' R is ours, bit by
    /// bit. Parameters that several layers share are written once for each: the peers' links would share rows as well.
    /// Trained weights of the model itself go to `pytorch_model.bin`.
    /// - Parameters:
    ///   - model: The model that the adapter was trained on, which knows its layers and widths.
    ///   - readTensor: Reads the files of constant tensors that the program names.
    ///   - note: Told what the format does not hold, and what the peers' own load does not take.
    /// - Throws: ``InputError`` with everything that can not be expressed, `CheckpointError.unwritable`.
    public static func write(
        _ adapter: Adapter, to path: String, model: Model, base policy: BasePolicy = .require,
        constantsIn readTensor: TensorReader = TensorReader(), note: (String) -> Void = { _ in }
    ) throws {
        let session = try Session(model, adapters: [adapter], base: policy, constantsIn: readTensor, warn: note)
        var exported = PeerExport(adapter, session.hookGraph, try PeerModel(model), readTensor)
        exported.assignSources()
        guard exported.problems.isEmpty else { throw InputError(file: adapter.name, problems: exported.problems) }
        let folder = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw InputError(file: path, problems: ["the folder can not be made: \(error.localizedDescription)"])
        }
        for entry in exported.entries {
            guard let tensors = entry.record.tensors else { continue }
            try PyTorchWriter.write(
                tensors.map { try $0.named }, to: folder.appendingPathComponent("intkey_\(entry.key).bin"))
        }
        let weights = try PeerModelWeights.tensors(of: session)
        let modelFile = folder.appendingPathComponent(modelFile)
        if !weights.isEmpty {
            try PyTorchWriter.write(weights, to: modelFile)
            exported.add(
                note: "\(Self.modelFile) holds the trained weights of the model: load it with include_model=True")
        } else if FileManager.default.fileExists(atPath: modelFile.path) {
            exported.add(note: "there was a \(Self.modelFile) in the folder, which is not part of this adapter")
        }
        // The configuration last: without it the folder is none.
        try AtomicFile.write(
            Data(exported.configuration.text.utf8), to: folder.appendingPathComponent(configurationFile))
        exported.notes.forEach(note)
    }
}

extension PeerRecord.PeerTensor {
    /// Counts are stored as whole numbers, everything else as f32.
    fileprivate var named: NamedTensor {
        get throws(CheckpointError) {
            if ["embed_dim", "interchange_dim", "intervention_population"].contains(name) {
                return try NamedTensor(name, shape: shape, integers: values.map { Int64($0) })
            }
            return try NamedTensor(name, shape: shape, floats: values)
        }
    }
}

/// What pyvene knows of a model's sites.
struct PeerModel {
    let name: String
    private let family: String
    private let sizes: ModelSizes
    private let paths: [SiteID: String]

    init(_ model: Model) throws {
        name = model.name
        family = model.configuration.modelType ?? ""
        sizes = model.sizes
        let sites = try model.graph().graph.sites.map { ($0.id, $0.modulePath) }
        paths = Dictionary(sites, uniquingKeysWith: { first, _ in first })
    }

    /// The families whose components pyvene 0.1.8 knows by name.
    private static let families: Set<String> = [
        "llama", "mistral", "gemma", "gemma2", "qwen2", "olmo", "gpt2", "gpt_neo", "gpt_neox",
    ]
    private static let components: Set<String> = [
        "block_input", "block_output", "mlp_input", "mlp_activation", "mlp_output", "attention_input",
        "attention_output", "attention_value_output", "query_output", "key_output", "value_output",
    ]
    private static let heads = [
        "attention_value_output": "head_attention_value_output", "query_output": "head_query_output",
        "key_output": "head_key_output", "value_output": "head_value_output",
    ]

    /// The name of a component, or of one of its heads; nil where pyvene has none.
    func component(_ site: SiteID, isHead: Bool) -> String? {
        let name = site.component.rawValue
        guard Self.families.contains(family), site.layer != nil else { return nil }
        return isHead ? Self.heads[name] : Self.components.contains(name) ? name : nil
    }

    /// The module's path, `model.layers[3].mlp.output`.
    func path(_ site: SiteID) -> String? { paths[SiteID(site.component, layer: site.layer)] ?? paths[site] }

    /// How wide pyvene takes a component to be.
    func width(_ component: String) -> Int? {
        if component == "mlp_activation" { return nil }
        if component.hasPrefix("head_") { return sizes.heads > 0 ? sizes.hidden / sizes.heads : nil }
        return sizes.hidden
    }
}
