import Graph
import Testing

@testable import Runtime

/// The grouped product in the executor against the interpreter, and its place among ordinary products.
@Suite struct GroupedProductTests {
    /// Matrices 9 × 5, 9 × 12 and 4 × 12: thin ones, and one that is not.
    @Test(arguments: [0, 1, 7, 130], [(9, 5), (9, 12), (4, 12)])
    func isWhatTheInterpreterSays(rows: Int, size: (Int, Int)) throws {
        for transposeRight in [false, true] { try compare(rows, size.0, size.1, transposeRight) }
    }

    private func compare(_ rows: Int, _ inner: Int, _ columns: Int, _ transposeRight: Bool) throws {
        // One group, groups side by side, groups that come back, and one that no row has.
        let patterns: [(Int) -> Int32] = [{ _ in 2 }, { Int32($0 * 3 / 131) }, { Int32($0 * 7 % 5 % 3) }]
        for (number, pattern) in patterns.enumerated() {
            var data = TestData(seed: UInt64(rows) + 1)
            let builder = GraphBuilder()
            let x = builder.input("x", .real(.named("rows"), .fixed(inner)))
            data.real("x", rows, inner)
            let (height, width) = transposeRight ? (3 * columns, inner) : (3 * inner, columns)
            data.parameter("m", height, width)
            let matrices = builder.parameter("m", rows: height, columns: width)
            let groups = builder.input("g", .indices(.named("rows")))
            data.indices("g", (0..<rows).map(pattern))
            let product = builder.node(.groupedMatmul(groups: 3, transposeRight: transposeRight), x, matrices, groups)
            try expectSameNumbers(
                try builder.finish(), [product.id], data, tolerance: 2e-6, "pattern \(number), \(rows) rows:")
        }
    }

    /// Row after row, what the row's own matrix gives.
    @Test func eachRowMeetsTheMatrixOfItsGroup() throws {
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("n"), 2))
        let m = builder.input("m", .real(4, 1))
        let groups = builder.input("g", .indices(.named("n")))
        let product = builder.node(.groupedMatmul(groups: 2, transposeRight: false), x, m, groups)
        var bindings = Interpreter.Bindings()
        bindings.inputs["x"] = .real(Matrix64(rows: 3, columns: 2, values: [1, 2, 1, 2, 3, 4]))
        bindings.inputs["m"] = .real(Matrix64(rows: 4, columns: 1, values: [1, 10, 100, 1000]))
        bindings.inputs["g"] = .indices([1, 0, 1])
        let graph = try builder.finish()
        #expect(try Interpreter(graph).evaluate([product.id], bindings: bindings)[0].values == [2100, 21, 4300])
        #expect(graph.text().contains("groupedMatmul"))
    }

    @Test func groupsMustExist() throws {
        var data = TestData(seed: 1)
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 2))
        data.real("x", 2, 2)
        data.parameter("m", 4, 3)
        let groups = builder.input("g", .indices(.named("rows")))
        data.indices("g", [0, 2])
        let matrices = builder.parameter("m", rows: 4, columns: 3)
        let product = builder.node(.groupedMatmul(groups: 2, transposeRight: false), x, matrices, groups)
        let executor = try data.executor(Plan(try builder.finish(), outputs: [product.id]))
        #expect {
            try executor.run(data.batch, parameters: data.store())
        } throws: {
            "\($0)" == "Input 'g' holds 2 at place 1, which is no matrix of m; allowed: 0..<2."
        }
    }

    @Test(arguments: [
        ([ValueType.real(4, 2), .real(5, 3), .indices(4)], "[5, 3] is not 2 matrices below each other"),
        ([.real(4, 2), .real(6, 3), .indices(4)], "[4, 2] · [3, 3]: 2 columns meet 3 rows"),
        ([.real(4, 2), .real(4, 3), .indices(3)], "[4, 2] needs one group for each row, not index[3, 1]"),
    ]) func shapesMustFit(types: [ValueType], message: String) {
        let operation = Graph.Operation.groupedMatmul(groups: 2, transposeRight: false)
        guard case .failure(let mismatch) = operation.resultTypes(for: types) else {
            Issue.record("accepted")
            return
        }
        #expect("\(mismatch)" == message)
    }
}
