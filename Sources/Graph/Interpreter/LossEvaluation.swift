import Foundation

extension NodeEvaluation {
    /// y = log Σ e^logits − logits[target]; 0 where the target is negative, which means ignored.
    func crossEntropy() throws(InterpreterError) -> Matrix64 {
        let logits = real(0)
        var y = zeros()
        for (row, target) in try targets(inputs[1].indices, logits.columns).enumerated() {
            guard let target else { continue }
            y[row, 0] = logSumExp(logits.row(row)) - logits[row, target]
        }
        return y
    }

    /// dlogits = dy · (softmax(logits) − onehot(target)); 0 where the target is negative.
    func crossEntropyGradient() throws(InterpreterError) -> Matrix64 {
        let (logits, dy) = (real(0), real(2))
        var dlogits = zeros()
        for (row, target) in try targets(inputs[1].indices, logits.columns).enumerated() {
            guard let target else { continue }
            let total = logSumExp(logits.row(row))
            for column in 0..<logits.columns {
                let expected = column == target ? 1.0 : 0
                dlogits[row, column] = dy[row, 0] * (exp(logits[row, column] - total) - expected)
            }
        }
        return dlogits
    }

    /// losses = crossEntropy(rows · matrixᵀ), slopes = (softmax(rows · matrixᵀ) − onehot(target)) · matrix.
    func linearCrossEntropy() throws(InterpreterError) -> [Matrix64] {
        let (rows, matrix) = (real(0), real(1))
        var (losses, slopes) = (zeros(0), zeros(1))
        for (row, target) in try targets(inputs[2].indices, matrix.rows).enumerated() {
            guard let target else { continue }
            let logits = (0..<matrix.rows).map { zip(rows.row(row), matrix.row($0)).reduce(0) { $0 + $1.0 * $1.1 } }
            let total = logSumExp(logits)
            losses[row, 0] = total - logits[target]
            for (place, logit) in logits.enumerated() {
                let factor = exp(logit - total) - (place == target ? 1 : 0)
                for column in 0..<rows.columns { slopes[row, column] += factor * matrix[place, column] }
            }
        }
        return [losses, slopes]
    }

    private func targets(_ indices: [Int32], _ classes: Int) throws(InterpreterError) -> [Int?] {
        var targets: [Int?] = []
        for (row, target) in indices.enumerated() {
            guard Int(target) < classes else {
                throw .indexOutOfRange(
                    operation: node.operation.name, place: row, index: Int(target), count: classes,
                    provenance: node.provenance)
            }
            targets.append(target < 0 ? nil : Int(target))
        }
        return targets
    }
}
