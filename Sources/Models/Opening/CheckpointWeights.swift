import Checkpoints
import Diagnostics
import Runtime
import Synchronization

/// The frozen weights of a model under their Hugging Face names, whatever file they lie in.
///
/// Tensors stay where they are, in their stored type, until they are used. Each is made once and shared.
public final class CheckpointWeights: WeightSource {
    /// The file or folder.
    public let checkpoint: Checkpoint
    let layout: TensorLayout
    /// Tensors in memory that take the place of the file's, by their Hugging Face names and as such a checkpoint has them.
    private let replaced: [String: StoredTensor]
    /// The weights that these replace some of.
    private let original: CheckpointWeights?
    private let made = Mutex<[String: FrozenWeight]>([:])

    init(_ checkpoint: Checkpoint, layout: TensorLayout) {
        self.checkpoint = checkpoint
        self.layout = layout
        (replaced, original) = ([:], nil)
    }

    /// The same weights with others in the place of some, by their Hugging Face names. Those that stay are shared.
    init(_ original: CheckpointWeights, replacing tensors: [String: StoredTensor]) {
        (checkpoint, layout) = (original.checkpoint, original.layout)
        self.original = original
        replaced = original.replaced.merging(tensors) { $1 }
    }

    /// The tensors in memory that are not the file's, in the order of their names.
    public var replacements: [StoredTensor] { replaced.values.sorted { $0.name < $1.name } }

    /// How a tensor's elements become those of a Hugging Face checkpoint.
    func arrangement(of name: TensorName) -> TensorArrangement {
        replaced[name.base] == nil ? layout.arrangement(of: name) : .same
    }

    /// The tensor that the checkpoint holds for a name, as it is stored.
    func stored(_ name: TensorName) -> StoredTensor? {
        if let tensor = replaced[name.base] { return tensor }
        for spelling in layout.spellings(of: name) {
            guard let tensor = checkpoint[spelling] else { continue }
            guard let place = layout.placeInStack(of: name) else { return tensor }
            // [count, rows, columns]; what is no stack is shown as it is, for the message about its shape.
            guard tensor.shape.count == 3, tensor.shape[0] > place else { return tensor }
            let rows = tensor.shape[1]
            return (try? tensor.rows(place * rows..<(place + 1) * rows)) ?? tensor
        }
        return nil
    }

    /// The weight of that Hugging Face name.
    /// - Throws: ``ModelError/noTensor(name:file:nearest:)``.
    public func weight(named name: String) throws -> FrozenWeight {
        if let known = made.withLock({ $0[name] }) { return known }
        let parsed = TensorName(name)
        if let original, replaced[parsed.base] == nil { return try original.weight(named: name) }
        guard let stored = stored(parsed) else {
            throw ModelError.noTensor(
                name: name, file: checkpoint.url.path,
                nearest: nearestName(to: parsed.base, among: checkpoint.tensors.map(\.name)))
        }
        let weight = FrozenWeight(try arranged(stored, parsed).renamed(name))
        // Two threads may have made it at once: the first one stays.
        return made.withLock { made in
            if let known = made[name] { return known }
            made[name] = weight
            return weight
        }
    }

    private func arranged(_ stored: StoredTensor, _ name: TensorName) throws -> StoredTensor {
        var tensor = stored
        switch arrangement(of: name) {
        case .same: break
        case .transposed: tensor = try tensor.transposed()
        case .plusOne:
            tensor = try StoredTensor(tensor.name, shape: tensor.shape, floats: tensor.floats().map { $0 - 1 })
        case .interleavedHeads, .partsOfHeads:
            // A bias is reordered as a column of its elements.
            let column = tensor.shape.count == 1 ? try tensor.reshaped([tensor.elementCount, 1]) : tensor
            let rows = arrangement(of: name).storedRows(column.rowCount)
            tensor = try column.reorderingRows(rows).reshaped(tensor.shape)
        }
        return name.firstRow == 0 ? tensor : try tensor.rows(min(name.firstRow, tensor.rowCount)..<tensor.rowCount)
    }

    /// All `count` elements of a tensor as f32, in the order of the Hugging Face checkpoint; nil for a name or count that
    /// it does not have.
    package func floats(named name: String, count: Int) -> [Float]? {
        let name = TensorName(name)
        guard let stored = stored(name), stored.elementCount == count else { return nil }
        return try? elements(name, at: Array(0..<count))
    }

    /// Elements of a tensor as f32, by their row-major places in the Hugging Face checkpoint.
    func elements(_ name: TensorName, at places: [Int]) throws -> [Float] {
        guard let stored = stored(name) else {
            throw ModelError.noTensor(name: name.base, file: checkpoint.url.path, nearest: nil)
        }
        let (rows, columns) = stored.shape.count == 1 ? (stored.rowLength, 1) : (stored.rowCount, stored.rowLength)
        switch arrangement(of: name) {
        case .same: return try stored.elements(at: places)
        case .transposed:
            return try stored.elements(at: places.map { $0 % rows * columns + $0 / rows })
        case .plusOne: return try stored.elements(at: places).map { $0 - 1 }
        case .interleavedHeads, .partsOfHeads:
            let storedRows = arrangement(of: name).storedRows(rows)
            return try stored.elements(at: places.map { storedRows[$0 / columns] * columns + $0 % columns })
        }
    }
}

extension StoredTensor {
    /// A copy in memory as f32 with rows and columns exchanged.
    fileprivate func transposed() throws -> StoredTensor {
        let (rows, columns) = (rowCount, rowLength)
        let values = floats()
        let exchanged = [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
            for row in 0..<rows {
                for column in 0..<columns { buffer[column * rows + row] = values[row * columns + column] }
            }
            count = values.count
        }
        return try StoredTensor(name, shape: [columns, rows], floats: exchanged)
    }
}
