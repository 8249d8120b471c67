import Graph
import Testing

@testable import Runtime

/// Inputs, weights and parameters of a test graph with seeded numbers, for the interpreter and the executor alike.
struct TestData {
    var random: Philox
    var bindings = Interpreter.Bindings()
    var batch = InputBatch()
    var weights: [FrozenWeight] = []
    var parameterValues: [ParameterSpecification] = []

    init(seed: UInt64) { random = Philox(seed: seed) }

    /// Numbers between −2 and 2; `positive` ones between 0.2 and 2.2.
    mutating func numbers(_ count: Int, positive: Bool = false) -> [Float] {
        random.uniforms(count).map { positive ? 0.2 + 2 * $0 : 4 * $0 - 2 }
    }

    mutating func real(_ name: String, _ rows: Int, _ columns: Int, positive: Bool = false) {
        let values = numbers(rows * columns, positive: positive)
        bindings.inputs[name] = .real(matrix(rows, columns, values))
        batch.set(name, rows: rows, columns: columns, values: values)
    }

    mutating func indices(_ name: String, _ values: [Int32]) {
        bindings.inputs[name] = .indices(values)
        batch.set(name, indices: values)
    }

    mutating func weight(_ name: String, _ rows: Int, _ columns: Int) throws {
        let values = numbers(rows * columns)
        bindings.weights[name] = matrix(rows, columns, values)
        weights.append(try FrozenWeight(name, rows: rows, columns: columns, values: values))
    }

    mutating func parameter(_ name: String, _ rows: Int, _ columns: Int) {
        let values = numbers(rows * columns)
        bindings.parameters[name] = matrix(rows, columns, values)
        parameterValues.append(ParameterSpecification(name, rows, columns, initialiser: .values(values)))
    }

    private func matrix(_ rows: Int, _ columns: Int, _ values: [Float]) -> Matrix64 {
        Matrix64(rows: rows, columns: columns, values: values.map(Double.init))
    }

    func store() throws -> ParameterStore? {
        parameterValues.isEmpty ? nil : try ParameterStore(parameterValues, seed: 0)
    }

    func executor(_ plan: Plan) throws -> Executor { try Executor(plan, weights: WeightDictionary(weights)) }
}

/// The largest difference in units of the largest expected magnitude (at least 1).
func difference(_ given: MatrixView, _ expected: Matrix64) -> Double {
    guard given.rows == expected.rows, given.columns == expected.columns else { return .infinity }
    let scale = expected.values.reduce(1) { max($0, abs($1)) }
    return zip(given.floats(), expected.values).reduce(0) {
        $1.0.isFinite ? max($0, abs(Double($1.0) - $1.1) / scale) : .infinity
    }
}

/// Runs the outputs in the executor and the interpreter and compares them.
func expectSameNumbers(
    _ graph: ComputationGraph, _ outputs: [ValueID], _ data: TestData, tolerance: Double = 2e-6, _ title: String = "",
    location: SourceLocation = #_sourceLocation
) throws {
    let expected = try Interpreter(graph).evaluate(outputs, bindings: data.bindings)
    let executor = try data.executor(try Plan(graph, outputs: outputs))
    try executor.run(data.batch, parameters: try data.store())
    for (place, matrix) in expected.enumerated() {
        let given = executor.output(place)
        #expect(
            difference(given, matrix) <= tolerance, "\(title) output \(place) of [\(matrix.rows), \(matrix.columns)]",
            sourceLocation: location)
    }
}
