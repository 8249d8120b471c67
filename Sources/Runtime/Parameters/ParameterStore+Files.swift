import Checkpoints
import Diagnostics
import Foundation

extension ParameterStore {
    /// Writes the (constrained) values as safetensors, f32, under their names. Atomic.
    /// - Throws: `CheckpointError` where the file can not be written.
    public func save(to url: URL, metadata: [String: String] = [:]) throws(CheckpointError) {
        var tensors: [NamedTensor] = []
        for entry in entries {
            let specification = entry.specification
            tensors.append(
                try NamedTensor(
                    specification.name, shape: [specification.rows, specification.columns],
                    floats: entry.valueView.floats()))
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
    }

    /// Reads the values of all parameters; nothing is changed unless all fit.
    /// - Throws: ``RuntimeError/savedParameters(file:differences:)`` with every difference; `CheckpointError` for a
    ///   file that can not be read.
    public func load(from url: URL) throws {
        let file = try SafetensorsFile(at: url)
        let differences = differences(to: file.tensors)
        guard differences.isEmpty else {
            throw RuntimeError.savedParameters(file: url.lastPathComponent, differences: differences)
        }
        for entry in entries { entry.set(try file.tensor(entry.specification.name).floats()) }
    }

    /// What a file's tensors lack, have too much, or have in another shape.
    func differences(to tensors: [StoredTensor]) -> [String] {
        let stored = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var differences: [String] = []
        for specification in specifications {
            let wanted = [specification.rows, specification.columns]
            guard let tensor = stored[specification.name] else {
                differences.append("'\(specification.name)' \(wanted) is missing")
                continue
            }
            if tensor.shape != wanted {
                differences.append("'\(specification.name)' is \(tensor.shape), not \(wanted)")
            }
        }
        for tensor in tensors where !contains(tensor.name) {
            let hint = nearestName(to: tensor.name, among: names).map { "; did you mean '\($0)'?" } ?? ""
            differences.append("'\(tensor.name)' \(tensor.shape) is no parameter\(hint)")
        }
        return differences
    }
}
