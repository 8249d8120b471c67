import Testing

@testable import Graph

/// Operations without a formula of their own, on numbers small enough to check by hand.
@Suite struct InterpreterTests {
    private let builder = GraphBuilder()

    /// Rows of numbers as a constant.
    private func constant(_ rows: [[Double]]) -> Value {
        builder.constant(
            ConstantTensor(
                name: "constant \(rows)", rows: rows.count, columns: rows[0].count, values: rows.flatMap { $0 }))
    }

    private func rows(_ value: Value, _ inputs: [String: Interpreter.BoundInput] = [:]) throws -> [[Double]] {
        var bindings = Interpreter.Bindings()
        bindings.inputs = inputs
        let matrix = try Interpreter(builder.finish()).evaluate([value.id], bindings: bindings)[0]
        return (0..<matrix.rows).map(matrix.row)
    }

    @Test(
        arguments: [
            (UnaryFunction.negate, 4, -4), (.absolute, -3, 3), (.square, -3, 9), (.squareRoot, 9, 3),
            (.reciprocalSquareRoot, 4, 0.5), (.reciprocal, -4, -0.25), (.exponential, 0, 1), (.logarithm, 1, 0),
            (.relu, -2, 0), (.relu, 2, 2), (.sigmoid, 0, 0.5), (.tanh, 0, 0), (.softplus, 800, 800), (.silu, 0, 0),
        ] as [(UnaryFunction, Double, Double)])
    func unary(_ function: UnaryFunction, _ x: Double, _ expected: Double) throws {
        #expect(try rows(builder.scalar(x).applying(function)) == [[expected]])
    }

    @Test(
        arguments: [
            (BinaryFunction.add, [[11, 12], [23, 24]]), (.subtract, [[-9, -8], [-17, -16]]),
            (.multiply, [[10, 20], [60, 80]]), (.divide, [[0.1, 0.2], [0.15, 0.2]]),
            (.maximum, [[10, 10], [20, 20]]),
            (.minimum, [[1, 2], [3, 4]]), (.greater, [[0, 0], [0, 0]]),
        ] as [(BinaryFunction, [[Double]])])
    func binaryRepeatsAColumn(_ function: BinaryFunction, _ expected: [[Double]]) throws {
        let value = constant([[1, 2], [3, 4]]).applying(function, constant([[10], [20]]))
        #expect(try rows(value) == expected)
    }

    @Test func binaryRepeatsARowAndANumber() throws {
        let x = constant([[1, 2], [3, 4]])
        #expect(try rows(constant([[10, 20]]) + x) == [[11, 22], [13, 24]])
        #expect(try rows(x - builder.scalar(1)) == [[0, 1], [2, 3]])
        #expect(try rows(constant([[1], [2]]) * constant([[3, 4]])) == [[3, 4], [6, 8]])
        #expect(try rows(x.applying(.greater, builder.scalar(2))) == [[0, 0], [1, 1]])
    }

    @Test func affine() throws { #expect(try rows(constant([[1, -2]]).affine(factor: 3, offset: 1)) == [[4, -5]]) }

    @Test func gated() throws {
        #expect(try rows(builder.node(.gated(.relu), constant([[2, -1]]), constant([[5, 7]]))) == [[10, 0]])
    }

    @Test func sums() throws {
        let x = constant([[1, 2, 3], [4, 5, 6]])
        #expect(try rows(x.sum(.rows)) == [[5, 7, 9]])
        #expect(try rows(x.sum(.columns)) == [[6], [15]])
        #expect(try rows(x.sum(.all)) == [[21]])
    }

    @Test func products() throws {
        let (a, b) = (constant([[1, 2, 3]]), constant([[4, 5, 6], [7, 8, 9]]))
        #expect(try rows(a.times(b, transposed: true)) == [[32, 50]])
        #expect(try rows(b.times(a.transposed())) == [[32], [50]])
        let biased = builder.node(
            .matmul(transposeLeft: true, transposeRight: false), constant([[1], [2]]), constant([[3, 4], [5, 6]]),
            constant([[100, 200]]))
        #expect(try rows(biased) == [[113, 216]])
    }

    @Test func layout() throws {
        let x = constant([[1, 2, 3], [4, 5, 6]])
        #expect(try rows(x.transposed()) == [[1, 4], [2, 5], [3, 6]])
        #expect(try rows(x.columns(1..<3)) == [[2, 3], [5, 6]])
        #expect(try rows(x.replacingColumns(from: 1, with: constant([[8], [9]]))) == [[1, 8, 3], [4, 9, 6]])
        #expect(
            try rows(builder.node(.padColumns(start: 1, total: 4), constant([[8], [9]]))) == [
                [0, 8, 0, 0], [0, 9, 0, 0],
            ])
        #expect(
            try rows(builder.node(.concatenateColumns, constant([[8], [9]]), x)) == [[8, 1, 2, 3], [9, 4, 5, 6]])
    }

    @Test func rowsByIndex() throws {
        let table = constant([[1, 2], [3, 4], [5, 6]])
        let i = builder.input("i", .indices(2))
        let bound = ["i": Interpreter.BoundInput.indices([2, 0])]
        #expect(try rows(table.rows(at: i), bound) == [[5, 6], [1, 2]])
        #expect(
            try rows(table.replacingRows(at: i, with: constant([[7, 7], [8, 8]])), bound) == [
                [8, 8], [3, 4], [7, 7],
            ])
        let sum = builder.node(.scatterAddRows(count: 3), constant([[1, 2], [3, 4]]), i)
        #expect(try rows(sum, ["i": .indices([1, 1])]) == [[0, 0], [4, 6], [0, 0]])
    }

    @Test func rotaryTables() throws {
        let positions = builder.input("positions", .indices(2))
        let frequencies = constant([[Double.pi, Double.pi / 2]])
        let bound = ["positions": Interpreter.BoundInput.indices([0, 1])]
        let cosine = try rows(builder.node(.rotaryCosine(factor: 2), positions, frequencies), bound)
        let sine = try rows(builder.node(.rotarySine(factor: 2), positions, frequencies), bound)
        #expect(cosine[0] == [2, 2] && sine[0] == [0, 0])
        #expect(abs(cosine[1][0] + 2) < 1e-15 && abs(cosine[1][1]) < 1e-15)
        #expect(abs(sine[1][0]) < 1e-15 && abs(sine[1][1] - 2) < 1e-15)
    }

    /// Equal scores, so that each query averages the values that it sees: the stored row 0, then the live rows.
    @Test func attentionSeesStoredRowsAndOnlyItsSequence() throws {
        let attributes = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: true, store: 5)
        let zero = constant([[0], [0], [0]])
        let offsets = builder.input("offsets", .indices(3))
        let results = builder.results(.attention(attributes), [zero, zero, constant([[2], [6], [10]]), offsets])
        var bindings = Interpreter.Bindings()
        bindings.inputs["offsets"] = .indices([0, 2, 3])
        bindings.stored[5] = [
            Interpreter.StoredKeysAndValues(keys: Matrix64(0), values: Matrix64(4)),
            Interpreter.StoredKeysAndValues(
                keys: Matrix64(rows: 0, columns: 1), values: Matrix64(rows: 0, columns: 1)),
        ]
        let found = try Interpreter(builder.finish()).evaluate(results.map(\.id), bindings: bindings)
        #expect(found[0].values == [3, 4, 10])
        for (sum, keys) in zip(found[1].values, [2.0, 3, 1]) { #expect(abs(sum - keys.logarithm) < 1e-15) }
    }

    @Test func windowCountsStoredPositions() throws {
        let attributes = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: true, window: 2, store: 0)
        let zero = constant([[0], [0]])
        let offsets = builder.input("offsets", .indices(2))
        let output = builder.node(.attention(attributes), zero, zero, constant([[2], [6]]), offsets)
        var bindings = Interpreter.Bindings()
        bindings.inputs["offsets"] = .indices([0, 2])
        let column = Matrix64(rows: 2, columns: 1, values: [100, 4])
        bindings.stored[0] = [Interpreter.StoredKeysAndValues(keys: Matrix64(rows: 2, columns: 1), values: column)]
        let found = try Interpreter(builder.finish()).evaluate([output.id], bindings: bindings)
        #expect(found[0].values == [3, 4])
    }

    @Test func emptyBatches() throws {
        let attributes = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: true)
        let empty = builder.input("empty", .real(.named("rows"), 1))
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        let output = builder.node(.attention(attributes), empty, empty, empty, offsets)
        let nothing = Interpreter.BoundInput.real(Matrix64(rows: 0, columns: 1))
        #expect(try rows(output, ["empty": nothing, "offsets": .indices([0])]) == [])
        #expect(try rows(output, ["empty": nothing, "offsets": .indices([0, 0, 0])]) == [])
    }

    @Test func crossEntropyIgnoresNegativeTargets() throws {
        let targets = builder.input("targets", .indices(2))
        let loss = builder.node(.crossEntropy, constant([[0, 0], [1000, 0]]), targets)
        #expect(try rows(loss, ["targets": .indices([-100, 1])]) == [[0], [1000]])
    }

    @Test func randomNumbersDependOnSeedAndStream() throws {
        let seed = builder.input("seed", .indices(1))
        func drawn(_ distribution: RandomAttributes.Distribution, stream: UInt32, seed number: Int32) throws -> [Double]
        {
            let attributes = RandomAttributes(distribution, stream: stream, shape: Shape(2, 3))
            return try rows(builder.node(.random(attributes), seed), ["seed": .indices([number])]).flatMap { $0 }
        }
        let uniform = try drawn(.uniform, stream: 0, seed: 0)
        // 0x6627e8d5 and 0xe169c58d of the published vector, without their low 8 bits.
        #expect(uniform[0] == Double(0x6627e8) / 16_777_216 && uniform[1] == Double(0xe169c5) / 16_777_216)
        #expect(try drawn(.uniform, stream: 1, seed: 0) != uniform && drawn(.uniform, stream: 0, seed: 1) != uniform)
        let mask = try drawn(.dropoutMask(keep: 0.5), stream: 0, seed: 0)
        #expect(mask == uniform.map { $0 < 0.5 ? 0 : 2 })
        let normal = try drawn(.normal, stream: 0, seed: 0)
        let radius = (-2 * ((Double(0x6627_e8d5) + 1) / 4_294_967_296).logarithm).squareRoot()
        #expect(abs(normal[0] * normal[0] + normal[1] * normal[1] - radius * radius) < 1e-12)
    }

    @Test func symbolsComeFromInputs() throws {
        let x = builder.input("x", .real(.named("n"), 2))
        let repeated = builder.scalar(3).broadcast(to: Shape(.named("n"), 2))
        let bound = ["x": Interpreter.BoundInput.real(Matrix64(rows: 2, columns: 2, repeating: 1))]
        #expect(try rows(x + repeated, bound) == [[4, 4], [4, 4]])
        #expect(try rows(repeated, bound) == [[3, 3], [3, 3]])
    }
}

extension Double {
    /// ln x by the interpreter's own function, so that no test needs Foundation for it.
    fileprivate var logarithm: Double { UnaryFunction.logarithm.value(self) }
}
