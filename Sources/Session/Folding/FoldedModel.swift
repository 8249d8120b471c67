import Checkpoints
import Foundation
import Graph
import InterventionDSL
import Models
import Runtime

/// A model into whose weights a program has been folded, trained weights of the model included: it gives without any
/// program what the other gave with it.
///
/// With the projection's output h = x W + b and an affine edit e, the new projection is x W′ + b′, where row i of W′ is what
/// e changes of the projection of a unit vector, e(W_i) − e(0), and b′ = e(b). Arithmetic is Float64; the new tensors are
/// f32, all others as they were, and shared with the model.
///
/// ```swift
/// let model = try session.folded()                       // in memory
/// try FoldedModel(session).write(to: "folded")           // a Hugging Face folder
/// ```
public struct FoldedModel: Sendable {
    /// A tensor that is not the model's own.
    public struct Tensor: Sendable {
        /// The name in the checkpoint's spelling.
        public var name: String
        /// The name that graphs have for it, which is Hugging Face's.
        public var weight: String
        public var shape: [Int]
        public var values: [Float]
        /// Whether the model had none of the name.
        public var isNew: Bool
    }

    /// The changed and the new tensors.
    public private(set) var tensors: [Tensor] = []
    /// Configuration keys that become true, because projections get a bias.
    public private(set) var enabledKeys: [String] = []
    /// The new model: it can be run, trained and generated with like any other, and folded into again.
    public let model: Model

    /// Folds a session's program into its model's weights.
    /// - Throws: `ProgramErrors` that says of every declaration why it can not be folded; ``SessionError`` for a program of
    ///   several runs or a bank.
    public init(_ session: Session) throws {
        let original = session.model
        guard session.bank == nil else {
            throw SessionError.bank(
                problem:
                    "it can not be folded into weights, of which there is one set for all examples; fold one adapter")
        }
        if let run = session.program.runs.first(where: { $0.name != Program.baseName }) {
            throw SessionError.impossible(
                what: "program",
                reason: "it has the run '\(run.name)', and weights know one run only: it can not be folded into them")
        }
        var changes = FoldedTensors(original)
        let graph = try original.graph().graph
        var problems: [ProgramProblem] = []
        var entries: [BiasKeys.Entry] = []
        for edit in try session.hookGraph.affineEdits(of: graph) {
            let folded = try Folding(edit, session).projection()
            let weight = edit.projection.weight
            try changes.set(edit.projection, folded.weight)
            if let bias = edit.projection.bias {
                try changes.set(bias, row: folded.bias, of: edit.projection)
            } else if folded.bias.contains(where: { $0 != 0 }) {
                guard let entry = BiasKeys.entry(for: weight, of: original) else {
                    problems.append(Self.missingBias(edit, session, original))
                    continue
                }
                if !entries.contains(where: { $0.key == entry.key }) { entries.append(entry) }
                changes.addBias(of: weight, folded.bias)
            }
        }
        guard problems.isEmpty else { throw ProgramErrors(problems) }
        for entry in entries {
            enabledKeys.append(entry.key)
            for weight in BiasKeys.weights(of: entry, in: graph) { changes.addBias(of: weight, nil) }
        }
        for parameter in session.hookGraph.parameters {
            guard let weight = parameter.weight else { continue }
            let specification = parameter.specification
            try changes.setTrained(
                WeightLeaf(name: weight, rows: specification.rows, columns: specification.columns),
                session.parameters.values(of: parameter.name))
        }
        tensors = changes.tensors
        model = try Model(
            original,
            replacing: Dictionary(
                uniqueKeysWithValues: try tensors.map {
                    ($0.weight, try StoredTensor($0.name, shape: $0.shape, floats: $0.values))
                }), enabling: enabledKeys, named: original.name)
    }

    private static func missingBias(_ edit: AffineEdit, _ session: Session, _ model: Model) -> ProgramProblem {
        let hook = session.hookGraph.hooks.first { $0.site == edit.site }
        let type = model.configuration.modelType ?? "this family"
        return ProgramProblem(
            location: "\(hook?.location ?? .unknown)", declaration: hook?.name ?? "",
            error: .unfoldable(
                site: "\(edit.site)",
                reason: "it adds the same row everywhere, which takes a bias, and models of type \(type) have none at "
                    + edit.projection.weight))
    }
}

extension Session {
    /// The model with the program folded into its weights, in memory: it gives without any program what this session
    /// gives.
    ///
    /// ```swift
    /// let model = try Session(model, adapters: [adapter]).folded()
    /// let answer = try model.generate("Who are you?")
    /// ```
    /// - Throws: as ``FoldedModel/init(_:)``.
    public func folded() throws -> Model { try FoldedModel(self).model }
}

// MARK: - Files

extension FoldedModel {
    static let weightsFile = "model.safetensors"
    /// What tells such a file from a model that somebody has made otherwise.
    static let mark = (key: "swift-reft", value: "folded model")

    /// Writes the model's folder: all of its tensors in one file, its configuration, its tokenizer and what else lies
    /// beside them.
    /// - Throws: ``SessionError/unsuited(model:needs:)`` for a model that is no Hugging Face folder;
    ///   ``SessionError/adapter(path:problem:)`` where the folder is the model's own or can not be made; `CheckpointError`.
    public func write(to path: String) throws {
        guard case .folder = model.location else {
            throw SessionError.unsuited(
                model: model.name, needs: "a Hugging Face folder: the blocks of a GGUF file take no new numbers exactly"
            )
        }
        let (source, folder) = (model.location.url.standardizedFileURL, URL(fileURLWithPath: path).standardizedFileURL)
        guard !Self.isSame(source, folder) else {
            throw SessionError.adapter(path: path, problem: "is the model's own folder, whose weights would be lost")
        }
        let isNew = !FileManager.default.fileExists(atPath: folder.path)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw SessionError.adapter(path: path, problem: "can not be made: \(error.localizedDescription)")
        }
        do {
            // Of an earlier model nothing is replaced before all of this one is on the disk.
            try AtomicFile.commit(try files(from: source, to: folder))
        } catch {
            if isNew { rmdir(folder.path) }
            throw error
        }
    }

    private func files(from source: URL, to folder: URL) throws -> [AtomicFile] {
        var replaced = Dictionary(model.weights.replacements.map { ($0.name, $0) }) { first, _ in first }
        var written = model.weights.checkpoint.tensors.map { stored in
            NamedTensor(replaced.removeValue(forKey: stored.name) ?? stored)
        }
        // What is left is new.
        written += model.weights.replacements.filter { replaced[$0.name] != nil }.map { NamedTensor($0) }
        let weights = try SafetensorsWriter.file(
            of: written, metadata: ["format": "pt", Self.mark.key: Self.mark.value],
            replacing: folder.appendingPathComponent(Self.weightsFile))
        let configuration = try AtomicFile(replacing: folder.appendingPathComponent("config.json"))
        try configuration.write([UInt8](try self.configuration(in: source)))
        return [weights, configuration] + (try companions(from: source, to: folder))
    }

    /// Whether both lead to the same folder.
    private static func isSame(_ first: URL, _ second: URL) -> Bool {
        var (a, b) = (stat(), stat())
        return stat(first.path, &a) == 0 && stat(second.path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino
    }

    /// Tokenizer, chat template and the like; no weights in any format.
    private func companions(from source: URL, to folder: URL) throws -> [AtomicFile] {
        let weights = [
            ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".gguf", ".h5", ".msgpack", ".pt",
        ]
        let names = try FileManager.default.contentsOfDirectory(atPath: source.path).sorted()
        return try names.compactMap { name -> AtomicFile? in
            guard name != "config.json", !name.hasPrefix("."), !weights.contains(where: name.hasSuffix) else {
                return nil
            }
            let path = source.appendingPathComponent(name).resolvingSymlinksInPath().path
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
                return nil
            }
            let file = try AtomicFile(replacing: folder.appendingPathComponent(name))
            try file.write([UInt8](try InputFile.contents(of: path)))
            return file
        }
    }

    private func configuration(in source: URL) throws -> Data {
        let data = try InputFile.contents(of: source.appendingPathComponent("config.json").path)
        let keys = BiasKeys.enabled(in: model)
        guard !keys.isEmpty, var object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            return data
        }
        for key in keys { object[key] = true }
        return try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }
}
