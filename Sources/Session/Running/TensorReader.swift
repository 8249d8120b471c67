import Checkpoints
import Foundation
import InterventionDSL

/// Reads the constant tensors that a program refers to from safetensors files, and checks their hashes.
public struct TensorReader: Sendable {
    /// Relative file names are looked for here.
    public var folder: URL

    /// Reads files of a folder, the current one unless given.
    public init(folder: URL = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)) { self.folder = folder }

    /// The numbers of a tensor, row after row.
    /// - Throws: `CheckpointError` for the file, ``SessionError/adapter(path:problem:)`` for another hash.
    public func read(_ reference: TensorReference) throws -> [Float] {
        let url = URL(fileURLWithPath: reference.file, relativeTo: folder)
        let tensor = try SafetensorsFile(at: url).tensor(reference.name)
        var hash = SHA256Hash()
        tensor.withUnsafeBytes { hash.append($0) }
        if let wanted = reference.hash, hash.hexadecimal != wanted.lowercased() {
            throw SessionError.adapter(
                path: url.path, problem: "tensor '\(reference.name)' has the hash \(hash.hexadecimal), not \(wanted)")
        }
        return tensor.floats()
    }
}
