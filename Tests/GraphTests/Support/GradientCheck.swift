import Testing

@testable import Graph

/// Builds a value from variables with random numbers and compares the gradients that differentiation gives with central
/// differences.
final class GradientCheck {
    let builder = GraphBuilder()
    private(set) var bindings = Interpreter.Bindings()
    private var numbers: SeededNumbers
    private(set) var variables: [(name: String, value: Value)] = []

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    /// A matrix to differentiate by, bound as an input; with `symbol`, the number of rows is known only with the batch.
    func variable(
        _ rows: Int, _ columns: Int, symbol: String? = nil, in range: ClosedRange<Double> = -1.5...1.5
    ) -> Value {
        let name = "x\(variables.count)"
        let value = builder.input(name, .real(symbol.map(Dimension.named) ?? .fixed(rows), .fixed(columns)))
        bindings.inputs[name] = .real(numbers.matrix(rows, columns, in: range))
        variables.append((name, value))
        return value
    }

    func indices(_ name: String, _ indices: [Int32], symbol: String? = nil) -> Value {
        bindings.inputs[name] = .indices(indices)
        return builder.input(name, .indices(symbol.map(Dimension.named) ?? .fixed(indices.count)))
    }

    func bind(_ name: String, _ indices: [Int32]) { bindings.inputs[name] = .indices(indices) }

    func store(_ slot: Int, _ lengths: [Int], keyColumns: Int, valueColumns: Int) {
        bindings.stored[slot] = lengths.map {
            Interpreter.StoredKeysAndValues(
                keys: numbers.matrix($0, keyColumns, in: -1...1), values: numbers.matrix($0, valueColumns, in: -1...1))
        }
    }

    func index(below count: Int) -> Int { numbers.index(below: count) }

    /// The largest difference from central differences over all variables, relative to the largest slope of each.
    ///
    /// The loss is Σ output · r with fixed random r, so that no element of the adjoint is special.
    func largestError(of output: Value, step: Double = 1e-5) throws -> Double {
        let plain = try Interpreter(builder.finish()).evaluate([output.id], bindings: bindings)[0]
        let weighting = builder.input("weighting", output.type)
        bindings.inputs["weighting"] = .real(numbers.matrix(plain.rows, plain.columns, in: -1...1))
        let loss = (output * weighting).sum(.all)
        let graph = try builder.finish()
        let differentiated = try graph.differentiating(loss.id, withRespectTo: variables.map(\.value.id))
        #expect(differentiated.graph.verify().map(\.description) == [])
        let interpreter = Interpreter(differentiated.graph)
        var worst = 0.0
        for (variable, gradient) in zip(variables, differentiated.gradients) {
            let gradient = try #require(gradient)
            #expect(differentiated.graph.type(of: gradient) == variable.value.type)
            let exact = try interpreter.evaluate([gradient], bindings: bindings)[0].values
            let slopes = try slopes(of: loss.id, in: Interpreter(graph), by: variable.name, step)
            try #require(exact.count == slopes.count)
            let scale = max(slopes.map { abs($0) }.max() ?? 0, 1e-3)
            for (left, right) in zip(exact, slopes) {
                // A NaN must not pass as small.
                worst = abs(left - right) <= .infinity ? max(worst, abs(left - right) / scale) : .infinity
            }
        }
        return worst
    }

    private func slopes(
        of loss: ValueID, in interpreter: Interpreter, by name: String, _ step: Double
    ) throws -> [Double] {
        guard case .real(let matrix) = bindings.inputs[name] else { return [] }
        return try matrix.values.indices.map { i in
            let values = try [step, -step].map { change in
                var (changed, bindings) = (matrix, bindings)
                changed.values[i] += change
                bindings.inputs[name] = .real(changed)
                return try interpreter.evaluate([loss], bindings: bindings)[0].values[0]
            }
            return (values[0] - values[1]) / (2 * step)
        }
    }
}

/// A value whose gradients are checked.
struct GradientCase: Sendable, CustomTestStringConvertible {
    let name: String
    let build: @Sendable (GradientCheck) -> Value

    init(_ name: String, _ build: @escaping @Sendable (GradientCheck) -> Value) {
        self.name = name
        self.build = build
    }

    var testDescription: String { name }

    /// Fails where a gradient is off by more than a millionth of the largest slope.
    func check(seed: UInt64 = 7) throws {
        let check = GradientCheck(seed: seed)
        let output = build(check)
        let error = try check.largestError(of: output)
        #expect(error <= 1e-6, "\(name): relative error \(error)")
    }
}
