import Foundation

/// What can go wrong with files of tensors: where it went wrong, what was found, and what is allowed.
public enum CheckpointError: Error, Equatable, Sendable {
    /// Nothing exists at the path.
    case missing(path: String)
    /// The path exists but can not be read as what was asked for.
    case unreadable(path: String, reason: String)
    /// The bytes at `offset` (from the start of the file) contradict the file's format.
    case damaged(file: String, offset: Int, problem: String)
    /// The file is well formed but uses something that is not implemented.
    case unsupported(file: String, offset: Int, given: String, allowed: String)
    /// A folder has no weights in a format that is read here.
    case noWeights(folder: String, reason: String)
    /// The file has no tensor of that name.
    case noTensor(name: String, file: String, nearest: String?, count: Int)
    /// The GGUF file has no metadata under that key.
    case noMetadata(key: String, file: String, nearest: String?)
    /// A piece of GGUF metadata has another type than was asked for.
    case metadataType(what: String, file: String, found: String, wanted: String)
    /// Rows or elements were asked for that the tensor does not have.
    case outOfRange(tensor: String, what: String, given: String, allowed: String)
    /// The tensor's storage type does not allow what was asked for.
    case storageType(tensor: String, found: StorageType, wanted: String)
    /// A tensor that was given is inconsistent.
    case invalidTensor(name: String, problem: String)
    /// A file could not be written; what was there before is unchanged.
    case unwritable(path: String, reason: String)
}

extension CheckpointError: CustomStringConvertible, LocalizedError {
    public var description: String {
        switch self {
        case .missing(let path):
            return "No file or folder exists at '\(path)'."
        case .unreadable(let path, let reason):
            return "'\(path)' can not be read: \(reason)."
        case .damaged(let file, let offset, let problem):
            return "'\(file)' is damaged at byte \(offset): \(problem)."
        case .unsupported(let file, let offset, let given, let allowed):
            return "'\(file)', byte \(offset): \(given) is not supported; supported: \(allowed)."
        case .noWeights(let folder, let reason):
            return "'\(folder)' has no weights that can be read: \(reason)"
        case .noTensor(let name, let file, let nearest, let count):
            return "'\(file)' has no tensor '\(name)' among its \(count).\(Self.hint(nearest))"
        case .noMetadata(let key, let file, let nearest):
            return "'\(file)' has no metadata '\(key)'.\(Self.hint(nearest))"
        case .metadataType(let what, let file, let found, let wanted):
            return "'\(file)' has \(what) as \(found), not as \(wanted)."
        case .outOfRange(let tensor, let what, let given, let allowed):
            return "Tensor '\(tensor)' has no \(what) \(given); allowed: \(allowed)."
        case .storageType(let tensor, let found, let wanted):
            return "Tensor '\(tensor)' is stored as \(found), not \(wanted)."
        case .invalidTensor(let name, let problem):
            return "Tensor '\(name)' is not possible: \(problem)."
        case .unwritable(let path, let reason):
            return "'\(path)' can not be written: \(reason)."
        }
    }

    public var errorDescription: String? { description }

    private static func hint(_ nearest: String?) -> String {
        nearest.map { " Did you mean '\($0)'?" } ?? ""
    }
}
