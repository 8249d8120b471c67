import Foundation

extension NodeEvaluation {
    /// y = log Σ e^logits − logits[target]; 0 where the target is negative, which means ignored.
    func crossEntropy() throws(InterpreterError) -> Matrix64 {
        let logits = real(0)
        var y = zeros()
        for (row, target) in try targets(logits.columns).enumerated() {
            guard let target else { continue }
            y[row, 0] = logSumExp(logits.row(row)) - logits[row, target]
        }
        return y
    }

    /// dlogits = dy · (softmax(logits) − onehot(target)); 0 where the target is negative.
    func crossEntropyGradient() throws(InterpreterError) -> Matrix64 {
        let (logits, dy) = (real(0), real(2))
        var dlogits = zeros()
        for (row, target) in try targets(logits.columns).enumerated() {
            guard let target else { continue }
            let total = logSumExp(logits.row(row))
            for column in 0..<logits.columns {
                let expected = column == target ? 1.0 : 0
                dlogits[row, column] = dy[row, 0] * (exp(logits[row, column] - total) - expected)
            }
        }
        return dlogits
    }

    private func targets(_ classes: Int) throws(InterpreterError) -> [Int?] {
        var targets: [Int?] = []
        for (row, target) in inputs[1].indices.enumerated() {
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
