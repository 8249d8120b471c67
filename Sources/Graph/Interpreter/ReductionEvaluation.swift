import Foundation

extension NodeEvaluation {
    /// Σ over rows, columns or everything.
    func sum(_ axis: SumAxis) -> Matrix64 {
        let x = real(0)
        var y = zeros()
        for row in 0..<x.rows {
            for column in 0..<x.columns {
                switch axis {
                case .rows: y[0, column] += x[row, column]
                case .columns: y[row, 0] += x[row, column]
                case .all: y[0, 0] += x[row, column]
                }
            }
        }
        return y
    }

    /// y[r, c] = x[r, c], an extent of 1 repeated.
    func broadcast() -> Matrix64 {
        let x = real(0)
        var y = zeros()
        for row in 0..<y.rows {
            for column in 0..<y.columns {
                y[row, column] = x[x.rows == 1 ? 0 : row, x.columns == 1 ? 0 : column]
            }
        }
        return y
    }

    /// y[c] = eˣ[c] / Σ eˣ.
    func softmax() -> Matrix64 {
        var y = logSoftmax()
        for i in y.values.indices { y.values[i] = exp(y.values[i]) }
        return y
    }

    /// dx = y · (dy − Σ y·dy), from the softmax y.
    func softmaxGradient() -> Matrix64 {
        let (y, dy) = (real(0), real(1))
        var dx = zeros()
        for row in 0..<y.rows {
            var total = 0.0
            for column in 0..<y.columns { total += y[row, column] * dy[row, column] }
            for column in 0..<y.columns { dx[row, column] = y[row, column] * (dy[row, column] - total) }
        }
        return dx
    }

    /// y[c] = x[c] − log Σ eˣ.
    func logSoftmax() -> Matrix64 {
        let x = real(0)
        var y = zeros()
        for row in 0..<x.rows {
            let total = logSumExp(x.row(row))
            for column in 0..<x.columns { y[row, column] = x[row, column] - total }
        }
        return y
    }

    /// dx = dy − eʸ · Σ dy, from the log-softmax y.
    func logSoftmaxGradient() -> Matrix64 {
        let (y, dy) = (real(0), real(1))
        var dx = zeros()
        for row in 0..<y.rows {
            let total = dy.row(row).reduce(0, +)
            for column in 0..<y.columns { dx[row, column] = dy[row, column] - exp(y[row, column]) * total }
        }
        return dx
    }
}

/// log Σ eˣ, with the maximum taken out so that it does not overflow; −∞ of nothing.
func logSumExp(_ numbers: [Double]) -> Double {
    guard let largest = numbers.max(), largest.isFinite else { return numbers.max() ?? -.infinity }
    var total = 0.0
    for number in numbers { total += exp(number - largest) }
    return largest + log(total)
}
