import Checkpoints
import Foundation
import InterventionDSL
import Runtime

/// Reads the constant tensors that a program refers to from safetensors files, and checks their hashes.
public struct TensorReader: Sendable {
    /// Relative file names are looked for here.
    public var folder: URL
    /// And in these, where there is no such file in it.
    public var furtherFolders: [URL]

    /// Reads files of a folder, the current one unless given.
    public init(
        folder: URL = URL(fileURLWithPath: FileManager.default.currentDirectoryPath), further: [URL] = []
    ) {
        // Without the mark of a folder a URL's last part would count as a file.
        self.folder = URL(fileURLWithPath: folder.path, isDirectory: true)
        furtherFolders = further.map { URL(fileURLWithPath: $0.path, isDirectory: true) }
    }

    /// The file of that name in the first folder that has one.
    private func url(of file: String) -> URL {
        let urls = ([folder] + furtherFolders).map { URL(fileURLWithPath: file, relativeTo: $0) }
        return urls.first { FileManager.default.fileExists(atPath: $0.path) } ?? urls[0]
    }

    /// The numbers of a tensor, row after row.
    /// - Throws: `CheckpointError` for the file, ``SessionError/adapter(path:problem:)`` for another hash.
    public func read(_ reference: TensorReference) throws -> [Float] { try tensor(reference).floats() }

    private func tensor(_ reference: TensorReference) throws -> StoredTensor {
        let url = url(of: reference.file)
        let tensor = try SafetensorsFile(at: url).tensor(reference.name)
        var hash = SHA256Hash()
        tensor.withUnsafeBytes { hash.append($0) }
        if let wanted = reference.hash, hash.hexadecimal != wanted.lowercased() {
            throw SessionError.adapter(
                path: url.path, problem: "tensor '\(reference.name)' has the hash \(hash.hexadecimal), not \(wanted)")
        }
        return tensor
    }

    /// A tensor as a frozen weight, where it lies and as it is stored.
    /// - Throws: as ``read(_:)``, and for another shape than the reference says.
    func weight(_ reference: TensorReference) throws -> FrozenWeight {
        let tensor = try tensor(reference)
        guard tensor.shape == reference.shape else {
            throw SessionError.adapter(
                path: reference.file,
                problem: "tensor '\(reference.name)' is \(tensor.shape) where \(reference.shape) is declared")
        }
        return FrozenWeight(tensor.renamed(reference.weightName))
    }

    /// A reference to a tensor of a file with its shape and its hash, for programs that are stored.
    ///
    /// ```swift
    /// let vector = try TensorReader(folder: folder).reference("steering.safetensors", "politeness")
    /// ```
    /// - Throws: `CheckpointError`.
    public func reference(_ file: String, _ name: String) throws -> TensorReference {
        let tensor = try SafetensorsFile(at: url(of: file)).tensor(name)
        var hash = SHA256Hash()
        tensor.withUnsafeBytes { hash.append($0) }
        return TensorReference(file: file, name: name, shape: tensor.shape, hash: hash.hexadecimal)
    }
}
