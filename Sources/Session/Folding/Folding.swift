import Graph
import InterventionDSL
import Models

/// Computes a projection that an affine edit has been folded into, in Float64.
struct Folding {
    private let edit: AffineEdit
    private let interpreter: Interpreter
    private var bindings = Interpreter.Bindings()
    /// W with one row for each input, and the bias: of the whole projection, and of the columns that the edit is about.
    private let whole: (weight: Matrix64, bias: [Double])
    private let weight: Matrix64
    private let bias: [Double]

    /// So many rows are done at a time, so that unit vectors need no square matrix.
    private static let chunk = 256

    init(_ edit: AffineEdit, _ session: Session) throws {
        self.edit = edit
        interpreter = Interpreter(edit.graph)
        for node in edit.graph.nodes {
            switch node.operation {
            case .parameter(let name):
                let view = try session.parameters.view(of: name)
                bindings.parameters[name] = Matrix64(
                    rows: view.rows, columns: view.columns, values: view.floats().map(Double.init))
            case .weight(let name):
                bindings.weights[name] = try Self.matrix(name, session)
            default: break
            }
        }
        let stored = try Self.matrix(edit.projection.weight, session)
        let matrix = edit.projection.isTransposed ? stored.transposed : stored
        let row =
            try edit.projection.bias.map { try Self.matrix($0, session).values }
            ?? Array(repeating: 0, count: matrix.columns)
        whole = (matrix, row)
        weight = edit.projection.columns.map { matrix.selecting(columns: $0) } ?? matrix
        bias = edit.projection.columns.map { columns in columns.map { row[$0] } } ?? row
    }

    /// A weight of the model, as trained where the program trains it.
    private static func matrix(_ name: String, _ session: Session) throws -> Matrix64 {
        let trained = TrainableWeights.parameterName(of: name)
        if session.parameters.contains(trained) {
            let view = try session.parameters.view(of: trained)
            return Matrix64(rows: view.rows, columns: view.columns, values: view.floats().map(Double.init))
        }
        let weight = try session.model.weights.weight(named: name)
        let floats = UnsafeBufferPointer(start: try weight.floats(), count: weight.count)
        return Matrix64(rows: weight.rows, columns: weight.columns, values: floats.map(Double.init))
    }

    /// W′ with one row for each input, and b′, of the whole projection.
    func projection() throws -> (weight: Matrix64, bias: [Double]) {
        let part = try editedColumns()
        guard let columns = edit.projection.columns else { return part }
        var result = whole
        for (place, column) in columns.enumerated() {
            result.bias[column] = part.bias[place]
            for row in 0..<part.weight.rows { result.weight[row, column] = part.weight[row, place] }
        }
        return result
    }

    private func editedColumns() throws -> (weight: Matrix64, bias: [Double]) {
        let origin = try edited([], bias: [Array(repeating: 0, count: weight.columns), bias])
        let (zero, folded) = (origin.row(0), origin.row(1))
        var result = Matrix64(rows: 0, columns: weight.columns, values: [])
        result.values.reserveCapacity(weight.values.count)
        var first = 0
        while first < weight.rows {
            let rows = Array(first..<min(first + Self.chunk, weight.rows))
            let part = try edited(rows, bias: [])
            for row in 0..<part.rows {
                for column in 0..<part.columns { result.values.append(part[row, column] - zero[column]) }
            }
            first += rows.count
        }
        result.rows = weight.rows
        return (result, folded)
    }

    /// The edit of the projections of unit vectors, then of given rows that come from a zero vector.
    private func edited(_ units: [Int], bias rows: [[Double]]) throws -> Matrix64 {
        var bindings = bindings
        let count = units.count + rows.count
        bindings.inputs[AffineEdit.rows] = .real(
            Matrix64(
                rows: count, columns: weight.columns, values: units.flatMap { weight.row($0) } + rows.flatMap { $0 }))
        var vectors = Matrix64(rows: count, columns: weight.rows)
        for (place, unit) in units.enumerated() { vectors[place, unit] = 1 }
        bindings.inputs[AffineEdit.input] = .real(vectors)
        return try interpreter.evaluate([edit.result], bindings: bindings)[0]
    }
}

extension Matrix64 {
    fileprivate func selecting(columns chosen: [Int]) -> Matrix64 {
        var result = Matrix64(rows: rows, columns: chosen.count)
        for row in 0..<rows {
            for (place, column) in chosen.enumerated() { result[row, place] = self[row, column] }
        }
        return result
    }

    fileprivate var transposed: Matrix64 {
        var result = Matrix64(rows: columns, columns: rows)
        for row in 0..<rows {
            for column in 0..<columns { result[column, row] = self[row, column] }
        }
        return result
    }
}
