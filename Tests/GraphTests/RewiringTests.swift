import Testing

@testable import Graph

@Suite struct RewiringTests {
    private let builder = GraphBuilder(provenance: .model("layer"))

    /// x → hidden → out, with an edit of `hidden` appended behind them.
    @Test func anEditTakesThePlaceOfWhatItReads() throws {
        let x = builder.input("x", .real(1, 2))
        let hidden = x.affine(factor: 2, offset: 0)
        let out = hidden.sum(.all)
        builder.declareSite(SiteID(.blockOutput, layer: 0), hidden, modulePath: "layer.output")
        builder.declareSite(SiteID(.blockInput, layer: 1), out, moduleInput: hidden, modulePath: "next.input")
        let end = try builder.finish().nodes.count
        let edited = builder.from(.declaration(index: 0, name: "add")) { hidden + 10 }
        let graph = try builder.finish()
        let rewired = try graph.rewiring([hidden.id: edited.id], inNodesBefore: end)
        #expect(
            rewired.graph.text() == """
                %0 = input x [1, 2]   ; layer
                %1 = affine(%0, factor: 2, offset: 0) [1, 2]   ; layer
                %2 = affine(%1, factor: 1, offset: 10) [1, 2]   ; #0 add   @ block_output.0
                %3 = sum.all(%2) [1, 1]   ; layer   @ block_input.1

                """)
        #expect(rewired.value(out.id) == ValueID(3) && rewired.value(edited.id) == ValueID(2))
        #expect(rewired.graph.sites[1].moduleInput == ValueID(2) && rewired.graph.verify() == [])
        var bindings = Interpreter.Bindings()
        bindings.inputs["x"] = .real(Matrix64(rows: 1, columns: 2, values: [1, 2]))
        let values = try Interpreter(rewired.graph).evaluate([rewired.value(out.id)], bindings: bindings)
        #expect(values[0].values == [26])
    }

    @Test func nothingToReplaceKeepsTheOrder() throws {
        let x = builder.input("x", .real(1, 2))
        _ = (x.softmax() * x).sum(.all)
        let graph = try builder.finish()
        let rewired = try graph.rewiring([:], inNodesBefore: graph.nodes.count)
        #expect(rewired.graph.nodes == graph.nodes && rewired.places == [0, 1, 2, 3])
    }

    @Test func secondResultsMoveWithTheirNode() throws {
        let x = builder.input("x", .real(2, 2))
        let attributes = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true)
        let results = builder.results(.attention(attributes), [x, x, x, builder.input("offsets", .indices(2))])
        let sum = results[1].sum(.all)
        let end = try builder.finish().nodes.count
        let shifted = x + 1
        let rewired = try builder.finish().rewiring([x.id: shifted.id], inNodesBefore: end)
        #expect(rewired.graph.verify() == [])
        let place = rewired.value(sum.id).node
        #expect(rewired.graph.nodes[place].inputs == [rewired.value(results[1].id)])
        #expect(rewired.value(results[1].id).result == 1)
    }

    @Test func valuesThatDependOnThemselvesAreRefused() throws {
        let x = builder.input("x", .real(1, 2))
        let first = builder.from(.model("layer.0")) { x.softmax() }
        let second = builder.from(.model("layer.1")) { first.affine(factor: 2, offset: 0) }
        let end = try builder.finish().nodes.count
        let edited = builder.from(.declaration(index: 0, name: "copy")) { second + 1 }
        let graph = try builder.finish()
        #expect {
            _ = try graph.rewiring([first.id: edited.id], inNodesBefore: end)
        } throws: {
            "\($0)" == "a value depends on itself: #0 copy → layer.1 → #0 copy"
        }
    }
}
