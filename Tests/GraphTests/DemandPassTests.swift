import Testing

@testable import Graph

/// Taking rows moves up through what acts on each row alone.
@Suite struct DemandPassTests {
    private let builder = GraphBuilder(provenance: .model("block"))
    private let rows = Dimension.named("rows")
    private let read = Dimension.named("read")

    /// What is computed on rows of an extent, by name.
    private func operations(_ graph: ComputationGraph, on extent: Dimension) -> [String] {
        graph.nodes.filter { $0.results[0].shape.rows == extent && !$0.inputs.isEmpty }.map(\.operation.name)
    }

    /// The end of a block: r = x + mixed · W, whole = r + relu(r · U) · D, and a head on the rows in a list.
    private func block() -> (x: Value, whole: Value, list: Value, logits: Value) {
        let x = builder.input("x", .real(rows, 2))
        let residual = x + builder.input("mixed", .real(rows, 2)).times(builder.weight("W", rows: 2, columns: 2))
        let inner = residual.times(builder.weight("U", rows: 2, columns: 3)).applying(.relu)
        let whole = residual + inner.times(builder.weight("D", rows: 3, columns: 2))
        let list = builder.input("list", .indices(read))
        return (x, whole, list, whole.rows(at: list).times(builder.weight("head", rows: 2, columns: 4)))
    }

    @Test func onlyRowsThatAreReadAreComputed() throws {
        let logits = block().logits
        let rewrite = try builder.finish().computingReadRows(at: ["list"], keeping: [logits.id]).rewrite
        #expect(rewrite.graph.verify() == [])
        #expect(operations(rewrite.graph, on: rows) == [])
        #expect(
            operations(rewrite.graph, on: read) == [
                "gatherRows", "matmul", "gatherRows", "add", "matmul", "relu", "matmul", "add", "matmul",
            ])
        #expect(rewrite[logits.id] == ValueID(rewrite.graph.nodes.count - 1))
    }

    @Test func whatIsReadWholeStaysWhole() throws {
        let (_, whole, _, logits) = block()
        let graph = try builder.finish()
        for (kept, names) in [([logits.id, whole.id], ["list"]), ([logits.id], ["another"]), ([logits.id], [])] {
            let rewrite = graph.computingReadRows(at: names, keeping: kept).rewrite
            #expect(rewrite.graph.nodes == graph.nodes)
        }
    }

    /// An edit of rows of which nothing is known is not passed.
    @Test func anEditOfUnknownRowsStops() throws {
        let (x, whole, list, _) = block()
        let edited = builder.input("edited", .indices(Dimension.named("few")))
        let after = whole.replacingRows(at: edited, with: x.rows(at: edited)).applying(.tanh).rows(at: list)
        let rewrite = try builder.finish().computingReadRows(at: ["list"], keeping: [after.id]).rewrite
        #expect(rewrite.graph.verify() == [])
        #expect(
            operations(rewrite.graph, on: rows) == [
                "matmul", "add", "matmul", "relu", "matmul", "add", "scatterRows",
            ])
        #expect(operations(rewrite.graph, on: read) == ["gatherRows", "tanh"])
    }

    /// Of an edit of known rows those are made that are read, and on them only.
    @Test func anEditOfKnownRowsIsPassed() throws {
        let (_, whole, list, _) = block()
        let edited = builder.input("edited", .indices(Dimension.named("few")))
        let rows = whole.rows(at: edited).times(builder.weight("E", rows: 2, columns: 2))
        let after = whole.replacingRows(at: edited, with: rows).applying(.tanh).rows(at: list)
        let (rewrite, edits) = try builder.finish().computingReadRows(
            at: ["list"], editedAt: ["edited"], keeping: [after.id])
        let graph = rewrite.graph
        #expect(graph.verify() == [])
        #expect(edits == [ReadEdit(edited: "edited", read: "list")])
        #expect(operations(graph, on: self.rows) == [] && operations(graph, on: Dimension.named("few")) == [])
        #expect(operations(graph, on: edits[0].count) == ["gatherRows", "matmul"])
        #expect(operations(graph, on: read).suffix(3) == ["add", "scatterRows", "tanh"])
        let both = edits[0].indices(edited: [7, 2, 5], read: [1, 5, 7])
        #expect(both.kept == [0, 2] && both.places == [2, 1])
    }

    /// Values and gradients of graphs put together at random, of which two rows are read.
    @Test(arguments: Array(UInt64(0)..<40)) func randomGraphsKeepValuesAndGradients(_ seed: UInt64) throws {
        let check = GradientCheck(seed: seed)
        let list = check.indices("read", seed % 2 == 0 ? [1, 3] : [1, 2], symbol: "read")
        let output = RandomComposition(check: check).value(steps: 8).applying(.tanh).rows(at: list)
        let loss = output.sum(.all)
        let graph = try check.builder.finish()
        let targets = check.variables.map(\.value.id)
        func results(_ rewrite: GraphRewrite) throws -> [Matrix64] {
            let differentiated = try rewrite.graph.differentiating(
                try #require(rewrite[loss.id]), withRespectTo: targets.compactMap { rewrite[$0] })
            #expect(differentiated.graph.verify() == [])
            let values = [try #require(rewrite[output.id])] + differentiated.gradients.compactMap { $0 }
            return try Interpreter(differentiated.graph).evaluate(values, bindings: check.bindings)
        }
        let expected = try results(GraphRewrite(of: graph))
        let (rewrite, edits) = graph.computingReadRows(
            at: ["read"], editedAt: ["few"], keeping: [loss.id, output.id])
        for edit in edits {
            let rows = edit.indices(edited: [3, 1], read: seed % 2 == 0 ? [1, 3] : [1, 2])
            check.bind(edit.kept, rows.kept)
            check.bind(edit.places, rows.places)
        }
        let found = try results(rewrite)
        #expect(operations(rewrite.graph, on: read).contains("tanh"))
        try #require(found.count == expected.count)
        for (left, right) in zip(found, expected) {
            #expect(left.rows == right.rows && left.columns == right.columns)
            let scale = max(right.values.map { abs($0) }.max() ?? 0, 1e-6)
            #expect(zip(left.values, right.values).allSatisfy { abs($0 - $1) <= 1e-12 * scale })
        }
    }
}
