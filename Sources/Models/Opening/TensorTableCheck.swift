import Checkpoints
import Diagnostics
import Graph

/// A tensor that a model's graph reads.
struct NeededTensor: Hashable {
    /// As the graph spells it.
    var name: TensorName
    /// The extents in a Hugging Face checkpoint, rows that the graph does not use included.
    var rows: Int
    var columns: Int

    /// Every tensor that a graph reads, in the order of first use.
    static func all(in graph: ComputationGraph) -> [NeededTensor] {
        graph.nodes.compactMap { node in
            guard case .weight(let spelled) = node.operation, let shape = node.results.first?.shape,
                let rows = shape.rows.fixedValue, let columns = shape.columns.fixedValue
            else { return nil }
            let name = TensorName(spelled)
            return NeededTensor(name: name, rows: rows + name.firstRow, columns: columns)
        }
    }

    /// The shape for messages: a vector has one extent.
    func shape(_ dimensions: Int) -> [Int] { rows == 1 && dimensions != 2 ? [columns] : [rows, columns] }
}

extension CheckpointWeights {
    /// What keeps the checkpoint from serving these tensors; nothing if all is well. Reads no weights.
    func problems(_ needed: [NeededTensor]) -> [TensorProblem] {
        let names = checkpoint.tensors.map(\.name)
        return needed.compactMap { tensor in
            guard let stored = stored(tensor.name) else {
                let spelling = layout.spellings(of: tensor.name).first ?? tensor.name.base
                return TensorProblem(
                    name: tensor.name.base, fileName: spelling,
                    fault: .missing(needed: tensor.shape(1), nearest: nearestName(to: spelling, among: names)))
            }
            if stored.type.isInteger {
                return TensorProblem(
                    name: tensor.name.base, fileName: stored.name, fault: .integers("\(stored.type)"))
            }
            let exchanged = arrangement(of: tensor.name) == .transposed
            let (rows, columns) = exchanged ? (stored.rowLength, stored.rowCount) : (stored.rowCount, stored.rowLength)
            guard rows == tensor.rows, columns == tensor.columns, stored.shape.count <= 2 else {
                let shape = tensor.shape(stored.shape.count)
                return TensorProblem(
                    name: tensor.name.base, fileName: stored.name,
                    fault: .shape(needed: exchanged ? shape.reversed() : shape, found: stored.shape))
            }
            return nil
        }
    }
}
