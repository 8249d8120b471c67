import Graph
import InterventionDSL
import JSON
import ReFTPresets
import Testing

@testable import Analysis

/// The spliced graph beside the model's own: as text, as a drawing and as a page.
@Suite struct ComputationDrawingTests {
    static func spliced(_ program: Program) throws -> (graph: ComputationGraph, hooks: HookGraph) {
        let graph = try DrawnToyModel.graph(layers: 6, runs: program.runs.map(\.name))
        return (graph, try program.bound(to: graph))
    }

    static func difference(_ program: Program) throws -> SplicedDifference {
        let (graph, hooks) = try spliced(program)
        return try hooks.splice(into: graph, mode: .evaluate).difference(from: graph)
    }

    @Test func textNamesWhatWasAddedAndWhatReadsIt() throws {
        let program = Program { Scale(by: 2).on(.mlpOutput, layer: 4).at(.all).named("double") }
        #expect(
            try Self.difference(program).description == """
                1 of 55 nodes added, 1 read edited values
                + %42 = affine(%41, factor: 2, offset: 0) [base.rows, 8]   ; #0 double   @ mlp_output.4
                ~ %43 = add(%39, %42) [base.rows, 8]   ; graph   @ block_output.4, block_input.5   reads %42 for %41

                """)
    }

    @Test func everyAddedNodeBelongsToADeclaration() throws {
        let difference = try Self.difference(HookGraphDrawingTests.mixed)
        #expect(difference.addedCount == difference.after.nodes.count - difference.before.nodes.count)
        for id in difference.after.nodes.indices where difference.changes[id] == .added {
            guard case .declaration = difference.after.nodes[id].provenance else {
                Issue.record("node \(id) comes from \(difference.after.nodes[id].provenance)")
                continue
            }
        }
    }

    @Test func anEmptyProgramChangesNothing() throws {
        let difference = try Self.difference(Program())
        #expect(difference.changedNodes.isEmpty)
        #expect(difference.after.nodes == difference.before.nodes)
    }

    @Test func theDrawingHasABoxForEachChangedNodeThatIsComputed() throws {
        let difference = try Self.difference(HookGraphDrawingTests.mixed)
        let svg = ComputationDrawing(difference, of: HookGraphDrawingTests.mixed).svg
        _ = try DrawnDocument(svg)
        let users = difference.after.users()
        let sites = Set(difference.after.sites.map(\.value.node))
        let computed = difference.changedNodes.filter {
            !difference.after.nodes[$0].inputs.isEmpty && (!users[$0].isEmpty || sites.contains($0))
        }
        let added = computed.filter { difference.changes[$0] == .added }.count
        #expect(svg.components(separatedBy: "class=\"added\"").count - 1 == added)
        #expect(svg.components(separatedBy: "class=\"rewired\"").count - 1 == computed.count - added)
        #expect(added > 40 && computed.count - added > 8)
    }

    @Test func thePageHoldsTheWholeGraphAndNoOutsideResource() throws {
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layer: 3).at(.last).named("</script><b>&")
            Zero().on(.attentionOutput, layer: 1).at(.all)
        }
        let (graph, hooks) = try Self.spliced(program)
        let html = try ProgramPage(hookGraph: hooks, graph: graph, modelName: "a <model>").html
        #expect(html.contains("<title>a &lt;model&gt;</title>"))
        #expect(
            !html.contains("http://")
                || html.replacing("http://www.w3.org/2000/svg", with: "").contains("http") == false)
        // A name can not end the script that holds it.
        #expect(html.components(separatedBy: "</script>").count - 1 == 3)
        let start = try #require(html.range(of: "id=\"changes\">\n"))
        let end = try #require(html.range(of: "\n</script>", range: start.upperBound..<html.endIndex))
        let changes = try JSONValue(parsing: Array(html[start.upperBound..<end.lowerBound].utf8))
        let difference = try hooks.splice(into: graph, mode: .evaluate).difference(from: graph)
        #expect(changes["added"]?.array?.count == difference.addedCount)
        #expect(changes["colours"]?["</script><b>&"] != nil)
    }
}
