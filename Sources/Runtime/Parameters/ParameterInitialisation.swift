import Graph

extension ParameterSpecification {
    /// The first values, row after row. Each parameter draws from a stream of its own name, so that adding a parameter
    /// does not change another one.
    ///
    /// - Parameter weights: Where parameters that stand for a frozen tensor find its numbers.
    func initialValues(seed: UInt64, weights: (any WeightSource)?) throws(RuntimeError) -> [Float] {
        var random = Philox(seed: seed, stream: Philox.stream(named: name))
        switch initialiser {
        case .zeros:
            return [Float](repeating: 0, count: count)
        case .constant(let value):
            return [Float](repeating: Float(value), count: count)
        case .uniform(let low, let high):
            return random.uniforms(count).map { Float(low + Double($0) * (high - low)) }
        case .normal(let deviation):
            return random.normals(count).map { Float(Double($0) * deviation) }
        case .orthonormal:
            guard rows >= columns else { throw tooWide() }
            let gaussian = random.normals(count).map(Double.init)
            return QRDecomposition(gaussian, rows: rows, columns: columns).orthonormalColumns().map { Float($0) }
        case .weight(let weight):
            return try values(ofWeight: weight, in: weights)
        case .values(let values):
            guard values.count == count else {
                throw .specification(
                    name: name, problem: "\(values.count) first values do not make \(rows) rows of \(columns)")
            }
            return values
        }
    }

    private func values(ofWeight weight: String, in weights: (any WeightSource)?) throws(RuntimeError) -> [Float] {
        guard let weights else {
            throw .specification(name: name, problem: "the model's weights are needed for its first values")
        }
        do {
            let frozen = try weights.weight(named: weight)
            guard frozen.rows == rows, frozen.columns == columns else {
                throw RuntimeError.specification(
                    name: name, problem: "it is [\(rows), \(columns)], the weight [\(frozen.rows), \(frozen.columns)]")
            }
            return Array(UnsafeBufferPointer(start: try frozen.floats(), count: count))
        } catch let error as RuntimeError {
            throw error
        } catch {
            throw .specification(name: name, problem: "\(error)")
        }
    }

    /// Whether shape and constraint go together.
    func check() throws(RuntimeError) {
        guard rows > 0, columns > 0, !rows.multipliedReportingOverflow(by: columns).overflow else {
            throw .specification(name: name, problem: "its shape is [\(rows), \(columns)]; both must be positive")
        }
        if constraint == .orthonormalColumns, rows < columns { throw tooWide() }
    }

    private func tooWide() -> RuntimeError {
        .specification(
            name: name,
            problem: "\(columns) columns of \(rows) numbers can not be orthonormal; allowed: at most \(rows)")
    }
}
