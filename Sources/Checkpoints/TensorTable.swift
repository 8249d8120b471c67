import Diagnostics

/// The tensors of a file or folder in their order, and by name.
struct TensorTable: Sendable {
    let tensors: [StoredTensor]
    private let places: [String: Int]

    /// A table of tensors whose names differ: the readers have checked.
    init(_ tensors: [StoredTensor]) {
        self.tensors = tensors
        places = Dictionary(tensors.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(_ name: String) -> StoredTensor? { places[name].map { tensors[$0] } }

    func tensor(_ name: String, of file: String) throws(CheckpointError) -> StoredTensor {
        guard let tensor = self[name] else {
            throw .noTensor(
                name: name, file: file, nearest: nearestName(to: name, among: places.keys.sorted()),
                count: tensors.count)
        }
        return tensor
    }
}
