import Checkpoints
import Foundation
import Graph
import InterventionDSL
import Models
import Runtime

/// A model into whose weights a program has been folded, trained weights of the model included: it gives without any program what the other gave with it.
///
/// With the projection's output h = x W + b and an affine edit e, the new projection is x W′ + b′, where row i of W′ is what
/// e changes of the projection of a unit vector, e(W_i) − e(0), and b′ = e(b). Arithmetic is Float64; the new tensors are
/// stored as f32, all others as they are.
///
/// ```swift
/// try FoldedModel(session).write(to: "folded")
/// ```
public struct FoldedModel: Sendable {
    /// A tensor that is not the model's own.
    public struct Tensor: Sendable {
        /// The name in the checkpoint's spelling.
        public var name: String
        public var shape: [Int]
        public var values: [Float]
        /// Whether the model had none of the name.
        public var isNew: Bool
    }

    /// The changed and the new tensors.
    public private(set) var tensors: [Tensor] = []
    /// Configuration keys that become true, because projections get a bias.
    public private(set) var enabledKeys: [String] = []
    private let model: Model

    /// Folds a session's program into its model's weights.
    /// - Throws: `ProgramErrors` that says of every declaration why it can not be folded; ``SessionError`` for a model that
    ///   is no Hugging Face folder.
    public init(_ session: Session) throws {
        model = session.model
        guard case .folder = model.location else {
            throw SessionError.unsuited(
                model: model.name, needs: "a Hugging Face folder: the blocks of a GGUF file take no new numbers exactly"
            )
        }
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
        let graph = try model.graph().graph
        let edits = try session.hookGraph.affineEdits(of: graph)
        var problems: [ProgramProblem] = []
        var entries: [BiasKeys.Entry] = []
        for edit in edits {
            let folded = try Folding(edit, session).projection()
            let weight = edit.projection.weight
            try add(weight, folded.weight, edit.projection.isTransposed)
            if let bias = edit.projection.bias {
                try add(bias, Matrix64(rows: 1, columns: folded.bias.count, values: folded.bias), false)
            } else if folded.bias.contains(where: { $0 != 0 }) {
                guard let entry = BiasKeys.entry(for: weight, of: model) else {
                    problems.append(Self.missingBias(edit, session, model))
                    continue
                }
                if !entries.contains(where: { $0.key == entry.key }) { entries.append(entry) }
                try addBias(of: weight, folded.bias)
            }
        }
        guard problems.isEmpty else { throw ProgramErrors(problems) }
        for entry in entries {
            enabledKeys.append(entry.key)
            for weight in BiasKeys.weights(of: entry, in: graph) { try addBias(of: weight, nil) }
        }
        for parameter in session.hookGraph.parameters {
            guard let weight = parameter.weight else { continue }
            try addTrained(weight, session.parameters.values(of: parameter.name))
        }
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

    /// Replaces a tensor.
    private mutating func add(_ name: String, _ matrix: Matrix64, _ isTransposed: Bool) throws {
        guard let stored = model.weights.storedTensor(named: name) else {
            throw ModelError.noTensor(name: name, file: model.location.url.path, nearest: nil)
        }
        var values = [Float](repeating: 0, count: matrix.values.count)
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns {
                values[isTransposed ? column * matrix.rows + row : row * matrix.columns + column] = Float(
                    matrix[row, column])
            }
        }
        tensors.append(Tensor(name: stored.name, shape: stored.shape, values: values, isNew: false))
    }

    /// Replaces a tensor by its trained numbers, unless an edit has been folded into these already. Rows that the graph does
    /// not read stay.
    private mutating func addTrained(_ weight: String, _ values: [Float]) throws {
        guard let stored = model.weights.storedTensor(named: weight) else {
            throw ModelError.noTensor(name: weight, file: model.location.url.path, nearest: nil)
        }
        if tensors.contains(where: { $0.name == stored.name }) { return }
        let unread = stored.floats().prefix(stored.elementCount - values.count)
        tensors.append(Tensor(name: stored.name, shape: stored.shape, values: unread + values, isNew: false))
    }

    /// Adds the bias beside a weight, zeros unless given, if it is not there yet.
    private mutating func addBias(of weight: String, _ values: [Double]?) throws {
        guard let stored = model.weights.storedTensor(named: weight) else { return }
        let name = stored.name.replacingOccurrences(of: ".weight", with: ".bias")
        if tensors.contains(where: { $0.name == name }) || model.weights.checkpoint[name] != nil { return }
        let bias = values ?? Array(repeating: 0, count: stored.rowCount)
        tensors.append(Tensor(name: name, shape: [bias.count], values: bias.map { Float($0) }, isNew: true))
    }
}

// MARK: - Files

extension FoldedModel {
    static let weightsFile = "model.safetensors"
    /// What tells such a file from a model that somebody has made otherwise.
    static let mark = (key: "swift-reft", value: "folded model")

    /// Writes the model's folder: all of its tensors in one file, its configuration, its tokenizer and what else lies
    /// beside them.
    /// - Throws: ``SessionError/adapter(path:problem:)`` where the folder is the model's own or can not be made;
    ///   `CheckpointError`.
    public func write(to path: String) throws {
        let (source, folder) = (model.location.url.standardizedFileURL, URL(fileURLWithPath: path).standardizedFileURL)
        guard source.resolvingSymlinksInPath() != folder.resolvingSymlinksInPath() else {
            throw SessionError.adapter(path: path, problem: "is the model's own folder, whose weights would be lost")
        }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw SessionError.adapter(path: path, problem: "can not be made: \(error.localizedDescription)")
        }
        let replaced = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        var written: [NamedTensor] = []
        for stored in model.weights.checkpoint.tensors {
            if let tensor = replaced[stored.name] {
                written.append(try NamedTensor(tensor.name, shape: tensor.shape, floats: tensor.values))
            } else {
                written.append(NamedTensor(stored))
            }
        }
        for tensor in tensors where tensor.isNew {
            written.append(try NamedTensor(tensor.name, shape: tensor.shape, floats: tensor.values))
        }
        try SafetensorsWriter.write(
            written, metadata: ["format": "pt", Self.mark.key: Self.mark.value],
            to: folder.appendingPathComponent(Self.weightsFile))
        try copyCompanions(from: source, to: folder)
        try AtomicFile.write(try configuration(in: source), to: folder.appendingPathComponent("config.json"))
    }

    /// Tokenizer, chat template and the like; no weights in any format.
    private func copyCompanions(from source: URL, to folder: URL) throws {
        let weights = [
            ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".gguf", ".h5", ".msgpack", ".pt",
        ]
        let names = try FileManager.default.contentsOfDirectory(atPath: source.path).sorted()
        for name in names
        where name != "config.json" && !name.hasPrefix(".") && !weights.contains(where: name.hasSuffix) {
            let file = source.appendingPathComponent(name).resolvingSymlinksInPath()
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue else {
                continue
            }
            try AtomicFile.write(try InputFile.contents(of: file.path), to: folder.appendingPathComponent(name))
        }
    }

    private func configuration(in source: URL) throws -> Data {
        let data = try InputFile.contents(of: source.appendingPathComponent("config.json").path)
        guard !enabledKeys.isEmpty, var object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            return data
        }
        for key in enabledKeys { object[key] = true }
        return try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }
}
