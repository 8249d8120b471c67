extension NodeEvaluation {
    /// y[r, c] = Σ op(a)[r, k] · op(b)[k, c] + bias[c].
    func product(_ transposeLeft: Bool, _ transposeRight: Bool) -> Matrix64 {
        let (a, b) = (real(0), real(1))
        var y = zeros()
        let inner = transposeLeft ? a.rows : a.columns
        for row in 0..<y.rows {
            for column in 0..<y.columns {
                var total = inputs.count == 3 ? real(2)[0, column] : 0
                for k in 0..<inner {
                    total += (transposeLeft ? a[k, row] : a[row, k]) * (transposeRight ? b[column, k] : b[k, column])
                }
                y[row, column] = total
            }
        }
        return y
    }

    /// y[r, c] = Σ x[r, k] · op(b of r's group)[k, c].
    func groupedProduct(_ groups: Int, _ transposeRight: Bool) throws(InterpreterError) -> Matrix64 {
        let (x, b) = (real(0), real(1))
        var y = zeros()
        for (row, group) in try indices(2, below: groups).enumerated() {
            let first = group * (b.rows / groups)
            for column in 0..<y.columns {
                var total = 0.0
                for k in 0..<x.columns {
                    total += x[row, k] * (transposeRight ? b[first + column, k] : b[first + k, column])
                }
                y[row, column] = total
            }
        }
        return y
    }

    /// y[c, r] = x[r, c].
    func transposed() -> Matrix64 {
        let x = real(0)
        var y = zeros()
        for row in 0..<x.rows {
            for column in 0..<x.columns { y[column, row] = x[row, column] }
        }
        return y
    }

    /// y[r, c] = x[r, start + c].
    func slicedColumns(_ start: Int) -> Matrix64 {
        let x = real(0)
        var y = zeros()
        for row in 0..<y.rows {
            for column in 0..<y.columns { y[row, column] = x[row, start + column] }
        }
        return y
    }

    /// The base with y[r, start + c] = part[r, c].
    func replacedColumns(_ start: Int) -> Matrix64 { placed(real(1), at: start, in: real(0)) }

    /// Zeros with y[r, start + c] = part[r, c].
    func paddedColumns(_ start: Int) -> Matrix64 { placed(real(0), at: start, in: zeros()) }

    /// The parts side by side.
    func concatenatedColumns() -> Matrix64 {
        var (y, start) = (zeros(), 0)
        for place in inputs.indices {
            y = placed(real(place), at: start, in: y)
            start += real(place).columns
        }
        return y
    }

    private func placed(_ part: Matrix64, at start: Int, in base: Matrix64) -> Matrix64 {
        var y = base
        for row in 0..<part.rows {
            for column in 0..<part.columns { y[row, start + column] = part[row, column] }
        }
        return y
    }
}
