extension NodeEvaluation {
    /// Operations on rows whose columns are blocks side by side.
    func blocks(_ operation: ColumnBlockOperation) throws(InterpreterError) -> Matrix64 {
        let x = real(0)
        var y = zeros()
        switch operation {
        case .slice(let blocks):
            forEachColumn(of: blocks, x.rows) { row, column, place in y[row, place] = x[row, column] }
        case .pad(let blocks, _):
            forEachColumn(of: blocks, x.rows) { row, column, place in y[row, column] = x[row, place] }
        case .place(let count):
            let (parts, width) = (real(1).columns, y.columns / count)
            for row in 0..<x.rows {
                for part in 0..<parts {
                    let block = try number(1, row, part, below: count)
                    for c in 0..<width { y[row, block * width + c] = x[row, part * width + c] }
                }
            }
        case .take(let count):
            let (parts, width) = (real(1).columns, x.columns / count)
            for row in 0..<x.rows {
                for part in 0..<parts {
                    let block = try number(1, row, part, below: count)
                    for c in 0..<width { y[row, part * width + c] = x[row, block * width + c] }
                }
            }
        case .mix:
            forEachPart(real(1).columns, y) { row, part, c in
                y[row, c] += real(1)[row, part] * x[row, part * y.columns + c]
            }
        case .spread:
            forEachPart(real(1).columns, x) { row, part, c in
                y[row, part * x.columns + c] = real(1)[row, part] * x[row, c]
            }
        case .dot:
            forEachPart(y.columns, real(1)) { row, part, c in
                y[row, part] += x[row, part * real(1).columns + c] * real(1)[row, c]
            }
        }
        return y
    }

    /// The largest numbers of each row, falling, and their columns; of equal ones the first column first.
    func topK(_ count: Int) -> [Matrix64] {
        let x = real(0)
        var (values, columns) = (zeros(0), zeros(1))
        for row in 0..<x.rows {
            let order = (0..<x.columns).sorted { (x[row, $1], $0) < (x[row, $0], $1) }
            for (place, column) in order.prefix(count).enumerated() {
                values[row, place] = x[row, column]
                columns[row, place] = Double(column)
            }
        }
        return [values, columns]
    }

    /// y of a slot = x of the slot · op(matrix of the slot's expert).
    func expertProduct(_ product: ExpertProduct) throws(InterpreterError) -> Matrix64 {
        let x = real(0)
        var y = zeros()
        let inputs = x.columns / (product.sharesInput ? 1 : product.slots)
        let outputs = y.columns / (product.sumsSlots ? 1 : product.slots)
        for row in 0..<x.rows {
            for slot in 0..<product.slots {
                let matrix = real(2 + (try number(1, row, slot, below: product.experts)))
                let (from, to) = (product.sharesInput ? 0 : slot * inputs, product.sumsSlots ? 0 : slot * outputs)
                for o in 0..<outputs {
                    for i in 0..<inputs {
                        y[row, to + o] += x[row, from + i] * (product.transposesMatrices ? matrix[o, i] : matrix[i, o])
                    }
                }
            }
        }
        return y
    }

    /// Σ over the slots that chose the expert of dyᵀ · x, or of xᵀ · dy where matrices are not transposed.
    func expertWeightGradient(_ product: ExpertProduct, _ expert: Int) throws(InterpreterError) -> Matrix64 {
        let (x, dy) = (real(0), real(2))
        var y = zeros()
        let inputs = x.columns / (product.sharesInput ? 1 : product.slots)
        let outputs = dy.columns / (product.sumsSlots ? 1 : product.slots)
        for row in 0..<x.rows {
            for slot in 0..<product.slots where try number(1, row, slot, below: product.experts) == expert {
                let (from, to) = (product.sharesInput ? 0 : slot * inputs, product.sumsSlots ? 0 : slot * outputs)
                for o in 0..<outputs {
                    for i in 0..<inputs {
                        let part = dy[row, to + o] * x[row, from + i]
                        if product.transposesMatrices { y[o, i] += part } else { y[i, o] += part }
                    }
                }
            }
        }
        return y
    }

    /// A whole number below a count, held as a real one.
    private func number(
        _ place: Int, _ row: Int, _ column: Int, below count: Int
    ) throws(InterpreterError) -> Int {
        let given = real(place)[row, column]
        guard let number = Int(exactly: given), (0..<count).contains(number) else {
            throw .indexOutOfRange(
                operation: node.operation.name, place: row, index: Int(exactly: given.rounded()) ?? -1, count: count,
                provenance: node.provenance)
        }
        return number
    }

    private func forEachColumn(
        of blocks: ColumnBlocks, _ rows: Int, _ body: (_ row: Int, _ column: Int, _ place: Int) -> Void
    ) {
        for row in 0..<rows {
            for block in 0..<blocks.count {
                for c in 0..<blocks.width { body(row, blocks.start(block) + c, block * blocks.width + c) }
            }
        }
    }

    private func forEachPart(
        _ parts: Int, _ one: Matrix64, _ body: (_ row: Int, _ part: Int, _ column: Int) -> Void
    ) {
        for row in 0..<one.rows {
            for part in 0..<parts {
                for column in 0..<one.columns { body(row, part, column) }
            }
        }
    }
}
