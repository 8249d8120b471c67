import Testing

@testable import Graph

@Suite struct PassTests {
    private let builder = GraphBuilder(provenance: .model("mlp"))
    private let rows = Dimension.named("rows")

    private func text(_ rewrite: GraphRewrite) -> [String] {
        rewrite.graph.text().split(separator: "\n").map { line in
            line.split(separator: " [")[0].description
        }
    }

    // MARK: Dead code

    @Test func deadNodesAndTheirSitesGo() throws {
        let x = builder.input("x", .real(rows, 2))
        let unused = builder.weight("unused", rows: 1, columns: 2) + x
        let kept = x.applying(.relu)
        builder.declareSite(SiteID(.blockOutput, layer: 0), unused, modulePath: "a")
        builder.declareSite(SiteID(.blockOutput, layer: 1), kept, moduleInput: unused, modulePath: "b")
        let rewrite = try builder.finish().removingDeadNodes(keeping: [kept.id])
        #expect(text(rewrite) == ["%0 = input x", "%1 = relu(%0)"])
        #expect(rewrite[x.id] == ValueID(0) && rewrite[kept.id] == ValueID(1) && rewrite[unused.id] == nil)
        #expect(rewrite.graph.sites.map(\.id.description) == ["block_output.1"])
        #expect(rewrite.graph.sites.map(\.value) == [ValueID(1)] && rewrite.graph.sites[0].moduleInput == nil)
        #expect(rewrite.graph.verify() == [])
    }

    @Test func secondResultsKeepTheirPlace() throws {
        let x = builder.input("x", .real(3, 2))
        _ = builder.scalar(1)
        let attributes = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true)
        let results = builder.results(.attention(attributes), [x, x, x, builder.input("offsets", .indices(2))])
        let sum = results[1].sum(.all)
        let rewrite = try builder.finish().removingDeadNodes(keeping: [sum.id])
        #expect(rewrite[results[1].id] == ValueID(2, 1))
        #expect(rewrite.graph.nodes[3].inputs == [ValueID(2, 1)] && rewrite.graph.verify() == [])
    }

    // MARK: Common subexpressions

    @Test func equalExpressionsAreComputedOnce() throws {
        let x = builder.input("x", .real(rows, 2))
        let (first, second) = (x.applying(.relu).sum(.all), x.applying(.relu).sum(.all))
        let sum = first + second
        let rewrite = try builder.finish().mergingCommonSubexpressions()
        #expect(text(rewrite) == ["%0 = input x", "%1 = relu(%0)", "%2 = sum.all(%1)", "%3 = add(%2, %2)"])
        #expect(rewrite[second.id] == rewrite[first.id] && rewrite[sum.id] == ValueID(3))
    }

    @Test func attributesAndOrderKeepExpressionsApart() throws {
        let (x, y) = (builder.input("x", .real(2, 2)), builder.input("y", .real(2, 2)))
        _ = (x - y, y - x, x.columns(0..<1), x.columns(1..<2))
        let seed = builder.input("seed", .indices(1))
        for stream: UInt32 in [0, 1, 0] {
            _ = builder.node(.random(RandomAttributes(.uniform, stream: stream, shape: Shape(2, 2))), seed)
        }
        let graph = try builder.finish()
        #expect(graph.mergingCommonSubexpressions().graph.nodes.count == graph.nodes.count - 1)
    }

    // MARK: Fusion

    @Test func gatedActivationsAndBiasesFuse() throws {
        let x = builder.input("x", .real(rows, 2))
        let (w, b) = (builder.weight("w", rows: 2, columns: 2), builder.weight("b", rows: 1, columns: 2))
        let up = x.linear(w, bias: b)
        let out = up * x.applying(.silu)
        let rewrite = try builder.finish().fusing(keeping: [])
        #expect(
            text(rewrite) == [
                "%0 = input x", "%1 = weight w", "%2 = weight b", "%3 = matmul(%0, %1ᵀ, %2)", "%4 = gated.silu(%0, %3)",
            ])
        #expect(rewrite[up.id] == ValueID(3) && rewrite[out.id] == ValueID(4))
        #expect(rewrite.graph.verify() == [])
    }

    @Test func theLossOfAFrozenProjectionFuses() throws {
        let x = builder.input("x", .real(rows, 2))
        let targets = builder.input("targets", .indices(rows))
        let (head, trained) = (builder.weight("w", rows: 5, columns: 2), builder.parameter("p", rows: 5, columns: 2))
        let logits = x.times(head, transposed: true)
        let loss = builder.node(.crossEntropy, logits, targets)
        _ = builder.node(.crossEntropy, x.times(trained, transposed: true), targets)
        let graph = try builder.finish()
        let rewrite = graph.fusing(keeping: [])
        #expect(
            text(rewrite) == [
                "%0 = input x", "%1 = input targets index[rows, 1]   ; mlp", "%2 = weight w", "%3 = parameter p",
                "%4, %4.1 = linearCrossEntropy(%0, %2, %1)", "%5 = matmul(%0, %3ᵀ)", "%6 = crossEntropy(%5, %1)",
            ])
        #expect(rewrite[loss.id] == ValueID(4) && rewrite.graph.verify() == [])
        #expect(graph.fusing(keeping: [logits.id]).graph.nodes == graph.nodes)
    }

    @Test func fusionYieldsToHooks() throws {
        let x = builder.input("x", .real(rows, 2))
        let (w, b) = (builder.weight("w", rows: 2, columns: 2), builder.weight("b", rows: 1, columns: 2))
        let product = x.times(w, transposed: true)
        let activation = x.applying(.silu)
        _ = (product + b) * activation
        let graph = try builder.finish()
        #expect(graph.fusing(keeping: [product.id, activation.id]).graph.nodes == graph.nodes)
        let onlyBias = graph.fusing(keeping: [activation.id])
        #expect(onlyBias[activation.id] != nil && onlyBias[product.id] == nil)
        #expect(onlyBias.graph.nodes.count == graph.nodes.count - 1)
    }

    @Test func valuesWithAnotherUseStay() throws {
        let x = builder.input("x", .real(rows, 2))
        let activation = x.applying(.silu)
        _ = activation * x
        _ = activation.sum(.all)
        let graph = try builder.finish()
        #expect(graph.fusing(keeping: []).graph.nodes == graph.nodes)
    }

    @Test func whatIsNoBiasStaysASum() throws {
        let x = builder.input("x", .real(rows, 2))
        let w = builder.weight("w", rows: 2, columns: 2)
        _ = x.times(w) + x
        _ = x.times(w) + builder.scalar(1)
        _ = x.times(w) + x.sum(.rows)
        _ = x.applying(.exponential) * x
        _ = x.applying(.silu) * builder.weight("row", rows: 1, columns: 2)
        let graph = try builder.finish()
        #expect(graph.fusing(keeping: []).graph.nodes == graph.nodes)
    }

    @Test func mappingsCompose() throws {
        let x = builder.input("x", .real(rows, 2))
        _ = builder.scalar(4)
        let (first, second) = (x.applying(.relu), x.applying(.relu))
        let out = first + second
        let rewrite = GraphRewrite(of: try builder.finish())
            .then { $0.mergingCommonSubexpressions() }
            .then { $0.removingDeadNodes(keeping: [ValueID(3)]) }
        #expect(rewrite[second.id] == ValueID(1) && rewrite[out.id] == ValueID(2))
    }
}
