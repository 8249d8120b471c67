extension TypedInputs {
    /// The type of the result of an operation on blocks of columns.
    func blocks(_ blocks: ColumnBlockOperation) throws(TypeMismatch) -> ValueType {
        switch blocks {
        case .slice(let blocks):
            try count(1)
            let shape = try real(0).shape
            guard let total = shape.columns.fixedValue, blocks.fit(into: total) else { throw misfit(blocks, shape) }
            return .real(shape.rows, .fixed(blocks.columns))
        case .pad(let blocks, let total):
            try count(1)
            let shape = try real(0).shape
            guard blocks.fit(into: total), shape.columns == .fixed(blocks.columns) else {
                throw misfit(blocks, Shape(shape.rows, .fixed(total)))
            }
            return .real(shape.rows, .fixed(total))
        case .place(let count):
            let (width, _) = try parts(0, countedBy: 1)
            guard let total = width.multiplied(by: count) else { throw sideBySide(count) }
            return .real(try real(0).shape.rows, .fixed(total))
        case .take(let count):
            try self.count(2)
            let (shape, places) = (try real(0).shape, try real(1).shape)
            guard let columns = shape.columns.fixedValue, count > 0, columns % count == 0,
                let slots = places.columns.fixedValue, places.rows == shape.rows,
                let total = (columns / count).multiplied(by: slots)
            else { throw sideBySide(count) }
            return .real(shape.rows, .fixed(total))
        case .mix:
            let (width, _) = try parts(0, countedBy: 1)
            return .real(try real(0).shape.rows, .fixed(width))
        case .spread:
            try count(2)
            let (shape, weights) = (try real(0).shape, try real(1).shape)
            guard let width = shape.columns.fixedValue, let slots = weights.columns.fixedValue,
                weights.rows == shape.rows, let total = width.multiplied(by: slots)
            else { throw sideBySide(1) }
            return .real(shape.rows, .fixed(total))
        case .dot:
            try count(2)
            let (shape, other) = (try real(0).shape, try real(1).shape)
            guard let total = shape.columns.fixedValue, let width = other.columns.fixedValue, width > 0,
                total % width == 0, other.rows == shape.rows
            else { throw sideBySide(1) }
            return .real(shape.rows, .fixed(total / width))
        }
    }

    /// The values and their columns.
    func topK(_ count: Int) throws(TypeMismatch) -> [ValueType] {
        try self.count(1)
        let shape = try real(0).shape
        guard let columns = shape.columns.fixedValue, (1...max(columns, 1)).contains(count) else {
            throw TypeMismatch("the \(count) largest of \(shape) can not be chosen")
        }
        return [.real(shape.rows, .fixed(count)), .real(shape.rows, .fixed(count))]
    }

    /// The type of a product with the matrices of chosen experts.
    func expertProduct(_ product: ExpertProduct) throws(TypeMismatch) -> ValueType {
        let (inputs, outputs) = try matrices(product, from: 2)
        let (shape, chosen) = (try real(0).shape, try real(1).shape)
        guard product.slots > 0, chosen == Shape(shape.rows, .fixed(product.slots)),
            let columns = product.sharesInput ? inputs : inputs.multiplied(by: product.slots),
            shape.columns == .fixed(columns),
            let results = product.sumsSlots ? outputs : outputs.multiplied(by: product.slots)
        else {
            throw TypeMismatch(
                "\(shape) with \(product.slots) of \(product.experts) experts of \(inputs) inputs, chosen by \(chosen), "
                    + "can not be multiplied")
        }
        return .real(shape.rows, .fixed(results))
    }

    /// (x, experts, dy, matrix) → the type of the matrix.
    func expertWeightGradient(_ product: ExpertProduct) throws(TypeMismatch) -> ValueType {
        try count(4)
        let same = Array(repeating: types[3], count: product.experts)
        let forward = TypedInputs(operation: operation, types: [types[0], types[1]] + same)
        let result = try forward.expertProduct(product)
        guard types[2] == result else {
            throw TypeMismatch("\(operation.name) needs \(result) as input 2, not \(types[2])")
        }
        return types[3]
    }

    private func matrices(
        _ product: ExpertProduct, from first: Int
    ) throws(TypeMismatch) -> (inputs: Int, outputs: Int) {
        guard product.experts > 0, types.count == first + product.experts else {
            throw TypeMismatch(
                "\(operation.name) takes a matrix for each of \(product.experts) experts, "
                    + "\(max(types.count - first, 0)) were given")
        }
        for place in first..<types.count where types[place] != types[first] {
            throw TypeMismatch("matrices of experts must have one shape, not \(types[first]) and \(types[place])")
        }
        let shape = try real(first).shape
        guard let rows = shape.rows.fixedValue, let columns = shape.columns.fixedValue else {
            throw TypeMismatch("\(shape) is no matrix of an expert")
        }
        return product.transposesMatrices ? (columns, rows) : (rows, columns)
    }

    /// The width of the parts of an input, one for each column of another.
    private func parts(_ place: Int, countedBy other: Int) throws(TypeMismatch) -> (width: Int, count: Int) {
        try count(2)
        let (shape, counting) = (try real(place).shape, try real(other).shape)
        guard let columns = shape.columns.fixedValue, let count = counting.columns.fixedValue, count > 0,
            columns % count == 0, shape.rows == counting.rows
        else { throw TypeMismatch("\(shape) is not one part for each column of \(counting)") }
        return (columns / count, count)
    }

    private func misfit(_ blocks: ColumnBlocks, _ shape: Shape) -> TypeMismatch {
        TypeMismatch(
            "\(blocks.count) blocks of \(blocks.width) columns, every \(blocks.stride) from \(blocks.first) on, are not "
                + "within \(shape)")
    }

    private func sideBySide(_ count: Int) -> TypeMismatch {
        TypeMismatch("\(types[0].shape) and \(types[1].shape) do not fit \(operation.name) of \(count)")
    }
}

extension Int {
    /// The product, or nil beyond what can be counted.
    fileprivate func multiplied(by other: Int) -> Int? {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow || product <= 0 ? nil : product
    }
}
