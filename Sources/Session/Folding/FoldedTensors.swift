import Graph
import InterventionDSL
import Models

/// The tensors of a model that folding changes or adds, each once.
struct FoldedTensors {
    private(set) var tensors: [FoldedModel.Tensor] = []
    private let model: Model

    init(_ model: Model) { self.model = model }

    /// Replaces a projection's matrix, given with one row for each input; only the columns that an edit is about where
    /// another edit has replaced others of them.
    mutating func set(_ projection: Projection, _ matrix: Matrix64) throws {
        let (weight, isTransposed) = (projection.weight, projection.isTransposed)
        if let place = tensors.firstIndex(where: { $0.weight == weight }), let columns = projection.columns {
            for column in columns {
                for row in 0..<matrix.rows {
                    tensors[place].values[isTransposed ? column * matrix.rows + row : row * matrix.columns + column] =
                        Float(matrix[row, column])
                }
            }
            return
        }
        var values = [Float](repeating: 0, count: matrix.values.count)
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns {
                values[isTransposed ? column * matrix.rows + row : row * matrix.columns + column] = Float(
                    matrix[row, column])
            }
        }
        let shape = isTransposed ? [matrix.columns, matrix.rows] : [matrix.rows, matrix.columns]
        try set(WeightLeaf(name: weight, rows: shape[0], columns: shape[1]), shape, values)
    }

    /// Replaces a projection's bias; only the columns that an edit is about where another edit has replaced others of them.
    mutating func set(_ bias: String, row: [Double], of projection: Projection) throws {
        if let place = tensors.firstIndex(where: { $0.weight == bias }), let columns = projection.columns {
            for column in columns { tensors[place].values[column] = Float(row[column]) }
            return
        }
        try set(WeightLeaf(name: bias, rows: 1, columns: row.count), [row.count], row.map { Float($0) })
    }

    /// Replaces a tensor by its trained numbers, unless an edit has been folded into these already. Rows that the graph does
    /// not read stay.
    mutating func setTrained(_ leaf: WeightLeaf, _ values: [Float]) throws {
        if tensors.contains(where: { $0.weight == leaf.checkpointName }) { return }
        let isVector = model.weights.storedTensor(named: leaf.checkpointName)?.shape.count == 1
        let rows = leaf.rows + leaf.firstRow
        let whole =
            leaf.firstRow == 0
            ? nil : model.weights.floats(named: leaf.checkpointName, count: rows * leaf.columns)
        let unread = whole?.prefix(leaf.firstRow * leaf.columns) ?? []
        try set(leaf, isVector ? [leaf.columns] : [rows, leaf.columns], unread + values)
    }

    private mutating func set(_ leaf: WeightLeaf, _ shape: [Int], _ values: [Float]) throws {
        guard let stored = model.weights.storedTensor(named: leaf.checkpointName) else {
            throw ModelError.noTensor(name: leaf.checkpointName, file: model.location.url.path, nearest: nil)
        }
        tensors.append(
            FoldedModel.Tensor(
                name: stored.name, weight: leaf.checkpointName, shape: shape, values: values, isNew: false))
    }

    /// Adds the bias beside a weight [outputs, inputs], zeros unless given, if it is not there yet.
    mutating func addBias(of weight: String, _ values: [Double]?) {
        guard let stored = model.weights.storedTensor(named: weight) else { return }
        func bias(_ name: String) -> String { name.replacing(".weight", with: ".bias") }
        if tensors.contains(where: { $0.weight == bias(weight) })
            || model.weights.storedTensor(named: bias(weight)) != nil
        {
            return
        }
        let numbers = values ?? Array(repeating: 0, count: stored.rowCount)
        tensors.append(
            FoldedModel.Tensor(
                name: bias(stored.name), weight: bias(weight), shape: [numbers.count],
                values: numbers.map { Float($0) }, isNew: true))
    }
}
