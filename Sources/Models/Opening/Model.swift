import Checkpoints
import Foundation
import Graph
import Runtime
import Synchronization
import Tokenizers

/// A frozen language model on this machine: its graph, its weights and its tokenizer.
///
/// Opening checks configuration and tensor table against each other and reads no weights.
///
/// ```swift
/// let model = try Model(at: "HuggingFaceTB/SmolLM2-135M-Instruct")
/// let (graph, outputs) = try model.graph()
/// ```
public final class Model: Sendable {
    /// The repository's name, or that of the folder or file.
    public let name: String
    /// Where it lies.
    public let location: ModelLocation
    /// What its checkpoint says about it.
    public let configuration: ModelConfiguration
    /// Its family with its sizes.
    public let architecture: any ModelArchitecture
    /// Its frozen weights by their Hugging Face names.
    public let weights: CheckpointWeights
    let loadedTokenizer = Mutex<Result<Tokenizer, any Error>?>(nil)
    private let computedFingerprint = Mutex<ModelFingerprint?>(nil)

    /// Opens a Hugging Face folder, a repository in the local Hugging Face cache (`org/name`), or a GGUF file.
    /// - Throws: ``ModelError``, and `CheckpointError` for files that are damaged.
    public convenience init(at name: String, registry: ArchitectureRegistry = .standard) throws {
        // A path is not kept as a name: names are stored with adapters, which others read.
        let isPath = FileManager.default.fileExists(atPath: name)
        try self.init(ModelLocation(name), name: isPath ? nil : name, registry: registry)
    }

    /// Opens the model at a place.
    /// - Throws: ``ModelError``, and `CheckpointError` for files that are damaged.
    public init(_ location: ModelLocation, name: String? = nil, registry: ArchitectureRegistry = .standard) throws {
        self.name = name ?? location.url.lastPathComponent
        self.location = location
        let checkpoint: Checkpoint
        switch location {
        case .folder(let folder):
            let given = try ModelConfiguration(contentsOf: folder.appendingPathComponent("config.json"))
            // The family is judged first: a model that is not supported need not have weights in a format that is.
            let whole = try registry.architecture(for: given)
            checkpoint = try Checkpoint(at: folder)
            let lacksHead =
                whole.kind == .maskedLanguageModel
                && !checkpoint.tensors.contains { tensor in
                    ["cls.", "lm_head.", "vocab_", "generator_"].contains { tensor.name.hasPrefix($0) }
                }
            configuration = lacksHead ? given.withoutMaskedHead : given
            architecture = lacksHead ? try registry.architecture(for: configuration) : whole
            weights = CheckpointWeights(checkpoint, layout: .huggingFace(body: architecture.bodyName))
        case .gguf(let file):
            checkpoint = try Checkpoint(at: file)
            guard let gguf = checkpoint.gguf else {
                throw ModelError.notAModel(path: file.path, reason: "a file must be in the GGUF format")
            }
            configuration = try ModelConfiguration(gguf: gguf)
            architecture = try registry.architecture(for: configuration)
            let layout = GGUFLayout(
                modelType: configuration.modelType ?? "", heads: architecture.sizes.heads,
                keyHeads: architecture.sizes.keyHeads)
            weights = CheckpointWeights(checkpoint, layout: .gguf(layout))
        case .memory(let name):
            throw ModelError.notAModel(path: name, reason: "a model that was built by hand can not be opened")
        }
        // A configuration that promises more layers than there are tensors must not cost a graph of that size.
        if architecture.sizes.layers > checkpoint.tensors.count {
            throw ModelError.configuration(
                file: configuration.source,
                [
                    ConfigurationProblem(
                        key: "number of layers", given: "\(architecture.sizes.layers)",
                        allowed: "the checkpoint has only \(checkpoint.tensors.count) tensors")
                ])
        }
        let problems = weights.problems(NeededTensor.all(in: try graph().graph))
        if !problems.isEmpty { throw ModelError.tensors(file: checkpoint.url.path, problems) }
    }

    /// A model of a family's graph and tensors in memory.
    /// - Throws: ``ModelError/tensors(file:_:)``, ``ModelError/graph(file:_:)``.
    public init(_ architecture: any ModelArchitecture, named name: String, weights tensors: [StoredTensor]) throws {
        self.name = name
        self.architecture = architecture
        location = .memory(name)
        configuration = ModelConfiguration([:], source: name)
        weights = CheckpointWeights(
            Checkpoint(tensors, named: name), layout: .huggingFace(body: architecture.bodyName))
        let problems = weights.problems(NeededTensor.all(in: try graph().graph))
        if !problems.isEmpty { throw ModelError.tensors(file: name, problems) }
    }

    /// A model with other numbers in some of its tensors, which lie in memory; all else is shared with it.
    ///
    /// - Parameters:
    ///   - tensors: By the names that the graph has for them, with the extents of a Hugging Face checkpoint.
    ///   - keys: Keys of the configuration that become true, such as `attention_bias`.
    /// - Throws: ``ModelError/tensors(file:_:)`` for tensors that do not fit; ``ModelError/configuration(file:_:)``.
    public init(
        _ original: Model, replacing tensors: [String: StoredTensor], enabling keys: [String] = [], named name: String
    ) throws {
        self.name = name
        location = original.location
        var configuration = original.configuration
        for key in keys { configuration.values[key] = .flag(true) }
        self.configuration = configuration
        architecture =
            keys.isEmpty
            ? original.architecture : try type(of: original.architecture).init(configuration: configuration)
        weights = CheckpointWeights(original.weights, replacing: tensors)
        let problems = weights.problems(NeededTensor.all(in: try graph().graph))
        if !problems.isEmpty { throw ModelError.tensors(file: name, problems) }
    }

    /// What the model gives: next-token scores, class scores or hidden states.
    public var kind: ModelKind { architecture.kind }
    /// Layers, widths, heads and vocabulary.
    public var sizes: ModelSizes { architecture.sizes }

    /// One run of the model as a graph with its sites.
    ///
    /// For several runs in one graph call ``ModelArchitecture/build(_:inputs:options:)`` on one builder.
    /// - Throws: ``ModelError/graph(file:_:)`` if the configuration's sizes contradict each other.
    public func graph(
        run: String = "base", options: BuildOptions = BuildOptions()
    ) throws(ModelError) -> (graph: ComputationGraph, outputs: ModelOutputs) {
        let builder = GraphBuilder()
        let outputs = architecture.build(builder, inputs: RunInputs(run: run), options: options)
        do {
            return (try builder.finish(), outputs)
        } catch {
            throw .graph(file: configuration.source, error.problems)
        }
    }
}

// MARK: - Fingerprint

extension Model {
    /// The identity of the weights under their canonical names; samples each tensor at the first call.
    /// - Throws: `CheckpointError`.
    public func fingerprint() throws -> ModelFingerprint {
        if let known = computedFingerprint.withLock({ $0 }) { return known }
        let needed = NeededTensor.all(in: try graph().graph)
        let sources = needed.compactMap { tensor -> ModelFingerprint.Source? in
            guard let stored = weights.stored(tensor.name) else { return nil }
            return ModelFingerprint.Source(
                name: tensor.name.base, shape: tensor.shape(1), storage: stored.type
            ) { [weights] in try weights.elements(tensor.name, at: $0) }
        }
        // The family's first name: GGUF files call Mistral a llama too, and the tensors tell the members apart.
        let family = type(of: architecture).modelTypes.first ?? ""
        let computed = try ModelFingerprint.compute(architecture: family, tensors: sources)
        computedFingerprint.withLock { $0 = computed }
        return computed
    }
}
