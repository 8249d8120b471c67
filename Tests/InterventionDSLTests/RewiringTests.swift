import Graph
import Testing

@Suite struct RewiringTests {
    @Test func laterUsesReadTheReplacementAndTheReplacementReadsTheOriginal() throws {
        let builder = GraphBuilder(provenance: .model("m"))
        let x = builder.input("x", .real(.named("rows"), 2))
        let y = x * 2
        let z = y + 1
        let end = builder.graph.nodes.count
        let edited = y * 3
        let rewired = try builder.graph.rewiring([y.id: edited.id], inNodesBefore: end)
        #expect(
            rewired.graph.nodes.map(\.operation) == [
                .input("x"), .affine(factor: 2, offset: 0), .affine(factor: 3, offset: 0),
                .affine(factor: 1, offset: 1),
            ])
        #expect(rewired.places == [0, 1, 3, 2])
        #expect(rewired.value(z.id) == ValueID(3))
        #expect(rewired.graph.verify() == [])
    }

    @Test func anOrderedGraphKeepsItsOrder() throws {
        let graph = try ToyModel().graph
        let rewired = try graph.rewiring([:], inNodesBefore: graph.nodes.count)
        #expect(rewired.graph.nodes == graph.nodes)
        #expect(rewired.places == Array(graph.nodes.indices))
    }

    @Test func aCircleIsNamedInTheDirectionOfTheValues() throws {
        let builder = GraphBuilder(provenance: .model("a"))
        let x = builder.input("x", .real(.named("rows"), 2))
        let y = builder.from(.model("b")) { x * 2 }
        let z = builder.from(.model("c")) { y * 2 }
        let end = builder.graph.nodes.count
        let edited = builder.from(.declaration(index: 0, name: "e")) { z * 2 }
        let error = #expect(throws: GraphCycle.self) {
            try builder.graph.rewiring([y.id: edited.id], inNodesBefore: end)
        }
        #expect(error?.nodes == [3, 2])
        #expect(error?.description == "a value depends on itself: #0 e → c → #0 e")
    }

    /// As deep as a graph can be, on a stack that is not.
    @Test func deepGraphs() throws {
        let builder = GraphBuilder()
        var value = builder.input("x", .real(.named("rows"), 2))
        for _ in 0..<50_000 { value = value + 1 }
        let end = builder.graph.nodes.count
        let first = ValueID(1)
        let edited = builder.value(first) * 2
        let rewired = try builder.graph.rewiring([first: edited.id], inNodesBefore: end)
        #expect(rewired.value(value.id).node == 50_001)
    }
}
