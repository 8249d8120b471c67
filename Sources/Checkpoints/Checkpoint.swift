import Foundation

/// The weights of a model on disk, whatever their layout: one safetensors file, sharded safetensors, or a GGUF file.
///
/// Opening maps the files and checks their headers; no weight is read. Names are those of the files: Hugging Face's
/// (`model.layers.0.self_attn.q_proj.weight`) or GGUF's (`blk.0.attn_q.weight`).
///
/// ```swift
/// let checkpoint = try Checkpoint(at: URL(filePath: "SmolLM2-135M-Instruct"))
/// print(checkpoint.tensors.count, try checkpoint.tensor("model.norm.weight"))
/// ```
public struct Checkpoint: Sendable {
    /// The layout that was found.
    public enum Format: String, Sendable {
        case safetensors
        case shardedSafetensors
        case gguf
    }

    /// The file or folder as it was given.
    public let url: URL
    /// The layout that was found.
    public let format: Format
    /// Metadata of the safetensors header; empty for GGUF, whose metadata is in `gguf`.
    public let metadata: [String: String]
    /// The GGUF file with its metadata, where `format` is `.gguf`.
    public let gguf: GGUFFile?
    private let table: TensorTable

    /// Opens a `.safetensors` or `.gguf` file, or a folder that holds `model.safetensors`,
    /// `model.safetensors.index.json`, `adapter_model.safetensors`, or one other safetensors or GGUF file.
    /// - Throws: `CheckpointError`; `.noWeights` when the folder has only formats that are not read, such as pickles.
    public init(at url: URL) throws(CheckpointError) {
        self.url = url
        let file = try Self.weights(at: url)
        if file.lastPathComponent.hasSuffix(".index.json") {
            let shards = try ShardIndex(at: file).open(in: file.deletingLastPathComponent())
            (format, metadata, gguf) = (.shardedSafetensors, shards.metadata, nil)
            table = TensorTable(shards.tensors)
        } else if try Self.isGGUF(file) {
            let opened = try GGUFFile(at: file)
            (format, metadata, gguf) = (.gguf, [:], opened)
            table = TensorTable(opened.tensors)
        } else {
            let opened = try SafetensorsFile(at: file)
            (format, metadata, gguf) = (.safetensors, opened.metadata, nil)
            table = TensorTable(opened.tensors)
        }
    }

    /// Tensors in memory as a checkpoint; of two with the same name the first counts.
    ///
    /// - Parameter name: What messages call it in place of a file.
    public init(_ tensors: [StoredTensor], named name: String) {
        url = URL(fileURLWithPath: name)
        (format, metadata, gguf) = (.safetensors, [:], nil)
        table = TensorTable(tensors)
    }

    /// All tensors, in the order of the file, or of their names where there are several files.
    public var tensors: [StoredTensor] { table.tensors }

    /// The tensor of that name, or nil.
    public subscript(_ name: String) -> StoredTensor? { table[name] }

    /// The tensor of that name.
    /// - Throws: `CheckpointError.noTensor` with the nearest name.
    public func tensor(_ name: String) throws(CheckpointError) -> StoredTensor {
        try table.tensor(name, of: url.path)
    }

    // MARK: Finding the file

    private static let preferred = ["model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors"]
    private static let pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"]

    private static func weights(at url: URL) throws(CheckpointError) -> URL {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw .missing(path: url.path)
        }
        guard isFolder.boolValue else {
            if pickles.contains(where: url.lastPathComponent.hasSuffix) {
                throw .unreadable(path: url.path, reason: "it is a pickle, \(conversion(url.lastPathComponent))")
            }
            return url
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
        } catch {
            throw .unreadable(path: url.path, reason: "its files can not be listed")
        }
        if let name = preferred.first(where: names.contains) { return url.appendingPathComponent(name) }
        for suffix in [".safetensors", ".gguf"] {
            let found = names.filter { $0.hasSuffix(suffix) }
            if found.count == 1 { return url.appendingPathComponent(found[0]) }
            if found.count > 1 {
                throw .noWeights(
                    folder: url.path,
                    reason: "it has several \(suffix) files and no index: \(found.joined(separator: ", ")). Name one.")
            }
        }
        if let pickle = names.first(where: { name in pickles.contains(where: name.hasSuffix) }) {
            throw .noWeights(folder: url.path, reason: "\(pickle) is a pickle, \(conversion(pickle)).")
        }
        throw .noWeights(
            folder: url.path,
            reason: "expected model.safetensors, model.safetensors.index.json or a .gguf file among its "
                + "\(names.count) entries.")
    }

    private static func conversion(_ name: String) -> String {
        "which is code and is never executed; convert it once in Python: safetensors.torch.save_file("
            + "torch.load(\"\(name)\", weights_only=True), \"model.safetensors\")"
    }

    private static func isGGUF(_ url: URL) throws(CheckpointError) -> Bool {
        let file = try MappedFile(at: url)
        return file.whole.withUnsafeBytes { $0.starts(with: GGUFFile.magic) }
    }
}
