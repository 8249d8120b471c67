import Testing

@testable import Graph

/// Rows of blocks and mixtures of experts: gradients, numbers, shapes, and the pass that leaves idle places out.
@Suite struct BlockTests {
    /// [rows, slots] numbers of distinct blocks below a count.
    private static func chosen(_ check: GradientCheck, _ rows: Int, _ slots: Int, below count: Int) -> Value {
        let values = (0..<rows).flatMap { row in (0..<slots).map { Double((row * 2 + $0 * 3) % count) } }
        return check.builder.constant(
            ConstantTensor(name: "chosen \(rows) \(slots)", rows: rows, columns: slots, values: values))
    }

    @Test(
        arguments: [
            GradientCase("slice") { $0.variable(3, 12).columns(ColumnBlocks(width: 2, first: 1, stride: 3, count: 2)) },
            GradientCase("pad") {
                let blocks = ColumnBlocks(width: 2, first: 1, stride: 2, count: 2)
                return $0.builder.node(.blocks(.pad(blocks, total: 10)), $0.variable(3, 4))
            },
            GradientCase("place") {
                $0.builder.node(.blocks(.place(count: 5)), $0.variable(3, 6), chosen($0, 3, 2, below: 5))
            },
            GradientCase("take") {
                $0.builder.node(.blocks(.take(count: 5)), $0.variable(3, 15), chosen($0, 3, 2, below: 5))
            },
            GradientCase("mix") { $0.builder.node(.blocks(.mix), $0.variable(3, 6), $0.variable(3, 2)) },
            GradientCase("spread") { $0.builder.node(.blocks(.spread), $0.variable(3, 4), $0.variable(3, 2)) },
            GradientCase("dot") { $0.builder.node(.blocks(.dot), $0.variable(3, 6), $0.variable(3, 2)) },
            GradientCase("topK") { $0.variable(3, 6).largest(3).values },
        ])
    func gradients(_ check: GradientCase) throws { try check.check() }

    @Test(arguments: [false, true], [false, true])
    func expertProduct(transposes: Bool, shares: Bool) throws {
        for sums in [false, true] {
            try GradientCase("expertProduct, sums: \(sums)") { check in
                let product = ExpertProduct(
                    experts: 4, slots: 2, transposesMatrices: transposes, sharesInput: shares, sumsSlots: sums)
                let matrices = (0..<4).map { _ in transposes ? check.variable(2, 3) : check.variable(3, 2) }
                let inputs = [check.variable(3, shares ? 3 : 6), Self.chosen(check, 3, 2, below: 4)] + matrices
                return check.builder.results(.expertProduct(product), inputs)[0]
            }.check()
        }
    }

    @Test func theLargestOfEachRow() throws {
        let builder = GraphBuilder()
        let x = builder.input("x", .real(2, 4))
        let (values, columns) = x.largest(3)
        var bindings = Interpreter.Bindings()
        bindings.inputs["x"] = .real(Matrix64(rows: 2, columns: 4, values: [1, 3, 3, 2, -1, -4, -1, -2]))
        let found = try Interpreter(builder.finish()).evaluate([values.id, columns.id], bindings: bindings)
        #expect(found[0].values == [3, 3, 2, -1, -1, -2])
        #expect(found[1].values == [1, 2, 3, 0, 2, 3])
    }

    // MARK: Idle places

    @Test func placesThatNobodyLooksAtAreLeftOut() throws {
        let builder = GraphBuilder(provenance: .model("mixture"))
        let (x, chosen) = (builder.input("x", .real(3, 4)), builder.input("chosen", .real(3, 2)))
        let all = builder.node(.blocks(.place(count: 5)), x, chosen)
        let taken = builder.node(.blocks(.take(count: 5)), all, chosen)
        let result = taken.sum(.all)
        let graph = try builder.finish()

        let idle = graph.fusing(keeping: [result.id])
        #expect(idle[taken.id] == idle[x.id] && idle.graph.verify() == [])
        // Whoever reads them, or edits what is taken, keeps them.
        let read = graph.fusing(keeping: [result.id, all.id])
        #expect(read[taken.id] != read[x.id])
        let edited = builder.node(.blocks(.take(count: 5)), all * 2, chosen)
        let both = try builder.finish().fusing(keeping: [result.id, edited.id])
        #expect(both[taken.id] != both[x.id] && both.graph.verify() == [])
    }

    // MARK: Shapes

    @Test(arguments: [
        (
            Operation.blocks(.slice(ColumnBlocks(width: 2, first: 1, stride: 3, count: 2))), [ValueType.real(3, 8)],
            "2 blocks of 2 columns, every 3 from 1 on, are not within [3, 8]"
        ),
        (.blocks(.place(count: 5)), [.real(3, 5), .real(3, 2)], "[3, 5] is not one part for each column of [3, 2]"),
        (.blocks(.take(count: 5)), [.real(3, 12), .real(3, 2)], "[3, 12] and [3, 2] do not fit blocks.take of 5"),
        (.blocks(.mix), [.real(3, 4), .real(2, 2)], "[3, 4] is not one part for each column of [2, 2]"),
        (.blocks(.dot), [.real(3, 4), .real(3, 3)], "[3, 4] and [3, 3] do not fit blocks.dot of 1"),
        (.topK(5), [.real(3, 4)], "the 5 largest of [3, 4] can not be chosen"),
        (
            .expertProduct(ExpertProduct(experts: 2, slots: 1)), [.real(3, 4), .real(3, 1), .real(5, 4)],
            "expertProduct takes a matrix for each of 2 experts, 1 were given"
        ),
        (
            .expertProduct(ExpertProduct(experts: 1, slots: 2)), [.real(3, 4), .real(3, 2), .real(5, 4)],
            "[3, 4] with 2 of 1 experts of 4 inputs, chosen by [3, 2], can not be multiplied"
        ),
    ]) func shapesMustFit(operation: Operation, types: [ValueType], message: String) {
        guard case .failure(let mismatch) = operation.resultTypes(for: types) else {
            Issue.record("accepted")
            return
        }
        #expect("\(mismatch)" == message)
    }
}
