extension NodeEvaluation {
    /// y = x · s · (offset + weight) with s = 1 / √(mean(x²) + ε), for each column group.
    func rmsNorm(_ attributes: RMSNormAttributes) -> Matrix64 {
        let (x, weight) = (real(0), real(1))
        var y = zeros()
        for group in columnGroups(x, attributes) {
            let scale = inverseRootMeanSquare(x, group, attributes.epsilon)
            for c in 0..<group.size {
                let column = group.start + c
                y[group.row, column] = x[group.row, column] * scale * (attributes.weightOffset + weight[0, c])
            }
        }
        return y
    }

    /// With g = (offset + weight) · dy: dx = s·g − s³·x·mean(x·g).
    func rmsNormGradient(_ attributes: RMSNormAttributes) -> Matrix64 {
        let (x, weight, dy) = (real(0), real(1), real(2))
        var dx = zeros()
        for group in columnGroups(x, attributes) {
            let scale = inverseRootMeanSquare(x, group, attributes.epsilon)
            var mean = 0.0
            for c in 0..<group.size {
                let g = (attributes.weightOffset + weight[0, c]) * dy[group.row, group.start + c]
                mean += x[group.row, group.start + c] * g / Double(group.size)
            }
            for c in 0..<group.size {
                let column = group.start + c
                let g = (attributes.weightOffset + weight[0, c]) * dy[group.row, column]
                dx[group.row, column] = scale * g - scale * scale * scale * x[group.row, column] * mean
            }
        }
        return dx
    }

    /// dweight[c] = Σ dy · x · s over rows and groups.
    func rmsNormWeightGradient(_ attributes: RMSNormAttributes) -> Matrix64 {
        let (x, dy) = (real(0), real(2))
        var dweight = zeros()
        for group in columnGroups(x, attributes) {
            let scale = inverseRootMeanSquare(x, group, attributes.epsilon)
            for c in 0..<group.size {
                dweight[0, c] += dy[group.row, group.start + c] * x[group.row, group.start + c] * scale
            }
        }
        return dweight
    }

    /// y = x̂ · weight + bias with x̂ = (x − mean) / √(variance + ε).
    func layerNorm(_ epsilon: Double) -> Matrix64 {
        let (x, weight, bias) = (real(0), real(1), real(2))
        var y = zeros()
        for row in 0..<x.rows {
            let normalised = standardised(x.row(row), epsilon).numbers
            for c in 0..<x.columns { y[row, c] = normalised[c] * weight[0, c] + bias[0, c] }
        }
        return y
    }

    /// With g = weight · dy and s = 1 / √(variance + ε): dx = s · (g − mean(g) − x̂ · mean(x̂·g)).
    func layerNormGradient(_ epsilon: Double) -> Matrix64 {
        let (x, weight, dy) = (real(0), real(1), real(2))
        var dx = zeros()
        let count = Double(x.columns)
        for row in 0..<x.rows {
            let (normalised, scale) = standardised(x.row(row), epsilon)
            let g = (0..<x.columns).map { weight[0, $0] * dy[row, $0] }
            let mean = g.reduce(0, +) / count
            let meanProduct = zip(normalised, g).reduce(0) { $0 + $1.0 * $1.1 } / count
            for c in 0..<x.columns { dx[row, c] = scale * (g[c] - mean - normalised[c] * meanProduct) }
        }
        return dx
    }

    /// dweight[c] = Σ dy · x̂ over rows.
    func layerNormWeightGradient(_ epsilon: Double) -> Matrix64 {
        let (x, dy) = (real(0), real(1))
        var dweight = zeros()
        for row in 0..<x.rows {
            let normalised = standardised(x.row(row), epsilon).numbers
            for c in 0..<x.columns { dweight[0, c] += dy[row, c] * normalised[c] }
        }
        return dweight
    }

    private struct ColumnGroup {
        var row: Int
        var start: Int
        var size: Int
    }

    private func columnGroups(_ x: Matrix64, _ attributes: RMSNormAttributes) -> [ColumnGroup] {
        let size = x.columns / attributes.groups
        return (0..<x.rows).flatMap { row in
            (0..<attributes.groups).map { ColumnGroup(row: row, start: $0 * size, size: size) }
        }
    }

    private func inverseRootMeanSquare(_ x: Matrix64, _ group: ColumnGroup, _ epsilon: Double) -> Double {
        var squares = 0.0
        for column in group.start..<group.start + group.size { squares += x[group.row, column] * x[group.row, column] }
        return 1 / (squares / Double(group.size) + epsilon).squareRoot()
    }

    private func standardised(_ row: [Double], _ epsilon: Double) -> (numbers: [Double], scale: Double) {
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        let scale = 1 / (variance + epsilon).squareRoot()
        return (row.map { ($0 - mean) * scale }, scale)
    }
}
