extension NodeEvaluation {
    /// y[i] = table[indices[i]].
    func gatheredRows() throws(InterpreterError) -> Matrix64 {
        let table = real(0)
        var y = zeros()
        for (row, index) in try indices(1, below: table.rows).enumerated() {
            for column in 0..<y.columns { y[row, column] = table[index, column] }
        }
        return y
    }

    /// The base with y[indices[i]] = rows[i]. An index given twice has no meaning and is an error.
    func scatteredRows() throws(InterpreterError) -> Matrix64 {
        let rows = real(2)
        var y = real(0)
        var places: [Int: Int] = [:]
        for (row, index) in try indices(1, below: y.rows).enumerated() {
            if let earlier = places.updateValue(row, forKey: index) {
                throw .repeatedIndex(index: index, places: [earlier, row], provenance: node.provenance)
            }
            for column in 0..<y.columns { y[index, column] = rows[row, column] }
        }
        return y
    }

    /// Zeros with y[indices[i]] += rows[i].
    func scatterAddedRows() throws(InterpreterError) -> Matrix64 {
        let rows = real(0)
        var y = zeros()
        for (row, index) in try indices(1, below: y.rows).enumerated() {
            for column in 0..<y.columns { y[index, column] += rows[row, column] }
        }
        return y
    }
}
