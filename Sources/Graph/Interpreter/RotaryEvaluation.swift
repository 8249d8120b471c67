import Foundation

extension NodeEvaluation {
    /// y[r, i] = factor · cos(position[r] · frequency[i]).
    func rotaryCosine(_ factor: Double) -> Matrix64 { angles { factor * cos($0) } }

    /// y[r, i] = factor · sin(position[r] · frequency[i]).
    func rotarySine(_ factor: Double) -> Matrix64 { angles { factor * sin($0) } }

    private func angles(_ function: (Double) -> Double) -> Matrix64 {
        let frequencies = real(1)
        var y = zeros()
        for (row, position) in inputs[0].indices.enumerated() {
            for i in 0..<y.columns { y[row, i] = function(Double(position) * frequencies[0, i]) }
        }
        return y
    }

    /// Each pair (a, b) of a head becomes (a·cos − b·sin, b·cos + a·sin); the inverse turns the other way.
    func rotated(_ attributes: RotaryAttributes) -> Matrix64 {
        let (x, cosine, sine) = (real(0), real(1), real(2))
        var y = x
        let half = cosine.columns
        for row in 0..<x.rows {
            for head in 0..<attributes.heads {
                let start = head * attributes.headSize
                for i in 0..<half {
                    let first = start + (attributes.interleaved ? 2 * i : i)
                    let second = start + (attributes.interleaved ? 2 * i + 1 : i + half)
                    let sign = attributes.inverse ? -sine[row, i] : sine[row, i]
                    y[row, first] = x[row, first] * cosine[row, i] - x[row, second] * sign
                    y[row, second] = x[row, second] * cosine[row, i] + x[row, first] * sign
                }
            }
        }
        return y
    }
}
