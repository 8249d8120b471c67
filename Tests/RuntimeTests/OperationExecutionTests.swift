import Graph
import Testing

@testable import Runtime

/// Every operation in the executor against the Float64 interpreter, on odd shapes, one row and none.
@Suite struct OperationExecutionTests {
    static let rowCounts = [0, 1, 7, 130]

    /// Builds one operation on inputs [rows, columns] that are bound by name, and compares its results.
    private func check(
        _ operation: Operation, rows: Int, _ inputs: [(columns: Int, isRow: Bool)], positive: Bool = false,
        tolerance: Double = 2e-6
    ) throws {
        var data = TestData(seed: UInt64(rows) + 1)
        let builder = GraphBuilder()
        var values: [Value] = []
        for (place, input) in inputs.enumerated() {
            let name = "input\(place)"
            values.append(
                builder.input(name, .real(input.isRow ? 1 : .named("rows"), .fixed(input.columns))))
            data.real(name, input.isRow ? 1 : rows, input.columns, positive: positive)
        }
        data.batch.set(size: "rows", rows)
        data.bindings.symbols[Symbol("rows")] = rows
        let results = builder.results(operation, values).map(\.id)
        try expectSameNumbers(
            try builder.finish(), results, data, tolerance: tolerance, "\(operation.name) on \(rows) rows:")
    }

    @Test(arguments: rowCounts) func unaryFunctionsAndTheirGradients(rows: Int) throws {
        for function in UnaryFunction.allCases {
            let positive = [.squareRoot, .reciprocalSquareRoot, .reciprocal, .logarithm].contains(function)
            for columns in [1, 17] {
                try check(.unary(function), rows: rows, [(columns, false)], positive: positive)
                try check(
                    .unaryGradient(function), rows: rows, [(columns, false), (columns, false)], positive: positive,
                    tolerance: 5e-6)
            }
        }
    }

    @Test(arguments: rowCounts) func binaryFunctionsRepeatExtentsOfOneOnEitherSide(rows: Int) throws {
        let shapes: [(Int, Bool)] = [(9, false), (1, false), (9, true), (1, true)]
        for function in BinaryFunction.allCases {
            for left in shapes {
                for right in shapes {
                    try check(.binary(function), rows: rows, [left, right], positive: function == .divide)
                }
            }
        }
    }

    @Test(arguments: rowCounts) func elementwiseWithConstantsAndGates(rows: Int) throws {
        try check(.affine(factor: -1.5, offset: 0.25), rows: rows, [(5, false)])
        for function in [UnaryFunction.silu, .geluTanh, .relu] {
            try check(.gated(function), rows: rows, [(33, false), (33, false)])
            try check(.gatedGradient(function), rows: rows, [(33, false), (33, false), (33, false)], tolerance: 5e-6)
        }
    }

    @Test(arguments: rowCounts) func reductionsAndRepetition(rows: Int) throws {
        for axis in [SumAxis.rows, .columns, .all] { try check(.sum(axis), rows: rows, [(19, false)]) }
        let shape = Shape(.named("rows"), 6)
        for source in [(6, true), (1, false), (1, true)] { try check(.broadcast(shape), rows: rows, [source]) }
    }

    @Test(arguments: rowCounts) func softmaxAndItsLogarithm(rows: Int) throws {
        for operation in [Operation.softmax, .logSoftmax] { try check(operation, rows: rows, [(21, false)]) }
        for operation in [Operation.softmaxGradient, .logSoftmaxGradient] {
            try check(operation, rows: rows, [(21, false), (21, false)], tolerance: 5e-6)
        }
    }

    @Test(arguments: rowCounts) func norms(rows: Int) throws {
        for groups in [1, 3] {
            let attributes = RMSNormAttributes(epsilon: 1e-5, weightOffset: groups == 1 ? 0 : 1, groups: groups)
            try check(.rmsNorm(attributes), rows: rows, [(24, false), (24 / groups, true)])
            let gradients = [(24, false), (24 / groups, true), (24, false)]
            try check(.rmsNormGradient(attributes), rows: rows, gradients, tolerance: 5e-6)
            try check(.rmsNormWeightGradient(attributes), rows: rows, gradients, tolerance: 5e-6)
        }
        try check(.layerNorm(epsilon: 1e-5), rows: rows, [(23, false), (23, true), (23, true)])
        let layerNorm = [(23, false), (23, true), (23, false)]
        try check(.layerNormGradient(epsilon: 1e-5), rows: rows, layerNorm, tolerance: 5e-6)
        try check(.layerNormWeightGradient(epsilon: 1e-5), rows: rows, [(23, false), (23, false)], tolerance: 5e-6)
    }

    @Test(arguments: rowCounts) func layout(rows: Int) throws {
        try check(.transpose, rows: rows, [(5, false)])
        try check(.sliceColumns(start: 2, count: 3), rows: rows, [(7, false)])
        try check(.replaceColumns(start: 4), rows: rows, [(7, false), (3, false)])
        try check(.padColumns(start: 2, total: 9), rows: rows, [(4, false)])
        try check(.concatenateColumns, rows: rows, [(4, false), (1, false), (6, false)])
    }

    @Test(arguments: rowCounts) func productsWithEitherSideTransposed(rows: Int) throws {
        for (inner, columns) in [(16, 31), (3, 1), (1, 5), (40, 4)] {
            for bias in [false, true] {
                var data = TestData(seed: 5)
                let builder = GraphBuilder()
                let x = builder.input("x", .real(.named("rows"), .fixed(inner)))
                data.real("x", rows, inner)
                let right = builder.weight("right", rows: inner, columns: columns)
                let transposed = builder.weight("transposed", rows: columns, columns: inner)
                let row = builder.weight("bias", rows: 1, columns: columns)
                let other = builder.input("other", .real(.named("rows"), .fixed(columns)))
                try data.weight("right", inner, columns)
                try data.weight("transposed", columns, inner)
                try data.weight("bias", 1, columns)
                data.real("other", rows, columns)
                let biases = bias ? [row] : []
                let results = [
                    builder.results(.matmul(transposeLeft: false, transposeRight: false), [x, right] + biases)[0],
                    builder.results(.matmul(transposeLeft: false, transposeRight: true), [x, transposed] + biases)[0],
                    builder.results(.matmul(transposeLeft: true, transposeRight: false), [x, other] + biases)[0],
                    builder.results(.matmul(transposeLeft: true, transposeRight: true), [right, x] + [])[0],
                ]
                try expectSameNumbers(
                    try builder.finish(), results.map(\.id), data, "\(rows) × \(inner) × \(columns), bias \(bias)")
            }
        }
    }

    @Test(arguments: rowCounts) func rowsAreGatheredReplacedAndAdded(rows: Int) throws {
        var data = TestData(seed: 6)
        let builder = GraphBuilder()
        let table = builder.weight("table", rows: 11, columns: 6)
        try data.weight("table", 11, 6)
        let x = builder.input("x", .real(.named("rows"), 6))
        data.real("x", rows, 6)
        let tokens = builder.input("tokens", .indices(.named("count")))
        let picked = (0..<rows / 2).map { Int32($0 * 2 % 11) }
        data.indices("tokens", picked)
        let places = builder.input("places", .indices(.named("count")))
        data.indices("places", (0..<rows / 2).map { Int32(rows - 1 - $0 * 2) })
        let gathered = table.rows(at: tokens)
        let scattered = x.replacingRows(at: places, with: gathered)
        let added = builder.node(.scatterAddRows(count: 11), gathered * 2.0, tokens)
        try expectSameNumbers(try builder.finish(), [gathered.id, scattered.id, added.id], data)
    }

    @Test(arguments: rowCounts, [false, true]) func rotaryEmbedding(rows: Int, interleaved: Bool) throws {
        var data = TestData(seed: 7)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 24))
        data.real("x", rows, 24)
        let positions = builder.input("positions", .indices(.named("rows")))
        data.indices("positions", (0..<rows).map { Int32($0 % 17) })
        let frequencies = builder.constant(
            ConstantTensor(name: "frequencies", rows: 1, columns: 3, values: [1, 0.25, 0.0625]))
        let cosine = builder.node(.rotaryCosine(factor: 1.5), positions, frequencies)
        let sine = builder.node(.rotarySine(factor: 1.5), positions, frequencies)
        let lonely = builder.node(.rotarySine(factor: 0.5), positions, frequencies)
        var attributes = RotaryAttributes(heads: 3, headSize: 8, interleaved: interleaved)
        let turned = builder.node(.rotate(attributes), x, cosine, sine)
        attributes.inverse = true
        let back = builder.node(.rotate(attributes), turned, cosine, sine)
        let graph = try builder.finish()
        try expectSameNumbers(graph, [turned.id, back.id, lonely.id], data)
        // Without anything read but the last value the rotation runs in place.
        try expectSameNumbers(graph, [back.id], data)
    }

    @Test(arguments: rowCounts) func crossEntropyAndItsGradient(rows: Int) throws {
        var data = TestData(seed: 8)
        let builder = GraphBuilder()
        let logits = builder.input("logits", .real(.named("rows"), 29))
        data.real("logits", rows, 29)
        let targets = builder.input("targets", .indices(.named("rows")))
        data.indices("targets", (0..<rows).map { $0 % 5 == 4 ? -1 : Int32($0 % 29) })
        let scale = builder.input("scale", .real(.named("rows"), 1))
        data.real("scale", rows, 1)
        let loss = builder.node(.crossEntropy, logits, targets)
        let gradient = builder.node(.crossEntropyGradient, logits, targets, scale)
        try expectSameNumbers(try builder.finish(), [loss.id, gradient.id], data)
    }

    @Test(arguments: rowCounts) func linearCrossEntropyAndItsSlopes(rows: Int) throws {
        var data = TestData(seed: 12)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 21))
        data.real("x", rows, 21)
        let head = builder.weight("head", rows: 39, columns: 21)
        try data.weight("head", 39, 21)
        let targets = builder.input("targets", .indices(.named("rows")))
        data.indices("targets", (0..<rows).map { $0 % 5 == 4 ? -1 : Int32($0 % 39) })
        let results = builder.results(.linearCrossEntropy, [x, head, targets])
        let graph = try builder.finish()
        try expectSameNumbers(graph, results.map(\.id), data)
        try expectSameNumbers(graph, [results[0].id], data)
        try expectSameNumbers(graph, [results[1].id], data)
    }

    @Test func randomNumbersAreThoseOfTheStream() throws {
        var data = TestData(seed: 9)
        let builder = GraphBuilder()
        let seed = builder.input("seed", .indices(1))
        data.indices("seed", [-77])
        let x = builder.input("x", .real(.named("rows"), 5))
        data.real("x", 9, 5)
        let shape = Shape(.named("rows"), 5)
        let kinds: [RandomAttributes.Distribution] = [.uniform, .normal, .dropoutMask(keep: 0.75)]
        let results = kinds.enumerated().map { stream, kind in
            builder.node(.random(RandomAttributes(kind, stream: UInt32(stream), shape: shape)), seed) * x
        }
        try expectSameNumbers(try builder.finish(), results.map(\.id), data)
    }
}
