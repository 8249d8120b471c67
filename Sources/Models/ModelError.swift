import Graph

/// What can go wrong while a model is found and opened. Each case says what was given, where, and what is allowed.
public enum ModelError: Error, Sendable, Equatable {
    /// Nothing is at the path, and no repository of that name is in the local cache.
    case notFound(given: String, searched: [String], nearest: [String])
    /// What is at the path is not a model.
    case notAModel(path: String, reason: String)
    /// A file can not be read or understood.
    case unreadable(path: String, reason: String)
    /// The checkpoint's family is not implemented.
    case unknownArchitecture(given: String, file: String, known: [String], nearest: String?)
    /// Keys of the configuration are absent, wrong or not understood: all of them.
    case configuration(file: String, [ConfigurationProblem])
    /// Tensors are absent or have other shapes than the configuration implies: all of them.
    case tensors(file: String, [TensorProblem])
    /// A tensor was asked for that the model does not have.
    case noTensor(name: String, file: String, nearest: String?)
    /// The configuration's sizes do not fit each other.
    case graph(file: String, [GraphProblem])
}

extension ModelError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let given, let searched, let nearest):
            let hint = nearest.isEmpty ? "" : "\nNearest: \(nearest.joined(separator: ", "))"
            return "no model at \"\(given)\"; looked for "
                + searched.joined(separator: ", ") + hint
                + "\nA model is a Hugging Face folder, a repository in the local Hugging Face cache, or a GGUF file."
        case .notAModel(let path, let reason):
            return "\(path) is not a model: \(reason)"
        case .unreadable(let path, let reason):
            return "can not read \(path): \(reason)"
        case .unknownArchitecture(let given, let file, let known, let nearest):
            let hint = nearest.map { "; did you mean \($0)?" } ?? ""
            return "\(file): models of type \"\(given)\" are not supported; supported are "
                + known.joined(separator: ", ") + hint
        case .configuration(let file, let problems):
            return Self.list(file, problems.map(\.description))
        case .tensors(let file, let problems):
            return Self.list(file, problems.map(\.description))
        case .noTensor(let name, let file, let nearest):
            return "\(file) has no tensor \(name)" + (nearest.map { "; did you mean \($0)?" } ?? "")
        case .graph(let file, let problems):
            return Self.list(file, problems.map(\.description))
        }
    }

    private static func list(_ file: String, _ problems: [String]) -> String {
        problems.count == 1
            ? "\(file): \(problems[0])"
            : "\(file): \(problems.count) problems\n" + problems.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// A tensor that a model needs and its checkpoint can not serve.
public struct TensorProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public enum Fault: Hashable, Sendable {
        /// The file has no such tensor.
        case missing(needed: [Int], nearest: String?)
        /// The tensor has another shape than the configuration implies.
        case shape(needed: [Int], found: [Int])
        /// The tensor holds whole numbers of this type.
        case integers(String)
    }

    /// The name in a Hugging Face checkpoint.
    public var name: String
    /// What the file calls it, or would call it.
    public var fileName: String
    public var fault: Fault

    public init(name: String, fileName: String, fault: Fault) {
        self.name = name
        self.fileName = fileName
        self.fault = fault
    }

    public var description: String {
        let tensor = fileName == name ? "tensor \(name)" : "tensor \(fileName) (\(name))"
        switch fault {
        case .missing(let needed, let nearest):
            return "\(tensor) \(needed) is missing" + (nearest.map { "; did you mean \($0)?" } ?? "")
        case .shape(let needed, let found):
            return "\(tensor) has shape \(found), the configuration needs \(needed)"
        case .integers(let type):
            return "\(tensor) holds whole numbers (\(type)), real ones are needed"
        }
    }
}
