import Foundation
import Testing

@testable import Graph

@Suite struct PrintingTests {
    /// A block with an edit inside, and a loss.
    private let graph: ComputationGraph
    private let loss: ValueID

    init() throws {
        let builder = GraphBuilder(provenance: .model("model"))
        let rows = Dimension.named("base.rows")
        let x = builder.input("x", .real(rows, 4))
        let offsets = builder.input("offsets", .indices(.named("base.bounds")))
        let w = builder.from(.model("model.layers.0.mlp")) { builder.weight("mlp.weight", rows: 3, columns: 4) }
        let hidden = builder.from(.model("model.layers.0.mlp")) { x.linear(w).applying(.silu) }
        let edited = builder.from(.declaration(index: 0, name: "shift \"a\"")) {
            hidden + builder.parameter("shift", rows: 1, columns: 3)
        }
        let out = builder.from(.model("model.layers.0")) { edited.affine(factor: 0.5, offset: -1) }
        let attributes = AttentionAttributes(
            heads: 1, keyHeads: 1, headSize: 3, scale: 0.25, softCap: 30, causal: true, window: 8, store: 2)
        let mixed = builder.from(.model("model.layers.01")) {
            builder.results(.attention(attributes), [out, out, out, offsets])
        }
        loss = builder.from(.loss) { (mixed[0] * mixed[1]).sum(.all) }.id
        builder.declareSite(SiteID(.mlpActivation, layer: 0), hidden, modulePath: "model.layers[0].mlp.act_fn.output")
        builder.declareSite(
            SiteID(.blockOutput, layer: 0), out, moduleInput: x, heads: 3, modulePath: "model.layers[0].output")
        builder.declareSite(SiteID(.embedding, run: "clean"), out, modulePath: "model.embed_tokens.output")
        graph = try builder.finish()
    }

    @Test func text() {
        #expect(
            graph.text() == """
                %0 = input x [base.rows, 4]   ; model
                %1 = input offsets index[base.bounds, 1]   ; model
                %2 = weight mlp.weight [3, 4]   ; model.layers.0.mlp
                %3 = matmul(%0, %2ᵀ) [base.rows, 3]   ; model.layers.0.mlp
                %4 = silu(%3) [base.rows, 3]   ; model.layers.0.mlp   @ mlp_activation.0
                %5 = parameter shift [1, 3]   ; #0 shift "a"
                %6 = add(%4, %5) [base.rows, 3]   ; #0 shift "a"
                %7 = affine(%6, factor: 0.5, offset: -1) [base.rows, 3]   ; model.layers.0   @ block_output.0, clean:embedding
                %8, %8.1 = attention(%7, %7, %7, %1, heads: 1, keyHeads: 1, headSize: 3, scale: 0.25, softCap: 30, \
                causal: true, window: 8, store: 2) [base.rows, 3], [base.rows, 1]   ; model.layers.01
                %9 = multiply(%8, %8.1) [base.rows, 3]   ; loss
                %10 = sum.all(%9) [1, 1]   ; loss

                """)
    }

    @Test func textOfWhatAValueNeeds() {
        #expect(
            graph.text(of: [ValueID(3)]) == """
                %0 = input x [base.rows, 4]   ; model
                %2 = weight mlp.weight [3, 4]   ; model.layers.0.mlp
                %3 = matmul(%0, %2ᵀ) [base.rows, 3]   ; model.layers.0.mlp

                """)
        #expect(graph.text(of: [ValueID(99)]) == "")
    }

    @Test func foldedText() {
        #expect(
            graph.text(folding: ["model.layers.0"]) == """
                %0 = input x [base.rows, 4]   ; model
                %1 = input offsets index[base.bounds, 1]   ; model
                %4 = {3 nodes}(%0) [base.rows, 3]   ; model.layers.0   @ mlp_activation.0
                %5 = parameter shift [1, 3]   ; #0 shift "a"
                %6 = add(%4, %5) [base.rows, 3]   ; #0 shift "a"
                %7 = {1 node}(%6) [base.rows, 3]   ; model.layers.0   @ block_output.0, clean:embedding
                %8, %8.1 = attention(%7, %7, %7, %1, heads: 1, keyHeads: 1, headSize: 3, scale: 0.25, softCap: 30, \
                causal: true, window: 8, store: 2) [base.rows, 3], [base.rows, 1]   ; model.layers.01
                %9 = multiply(%8, %8.1) [base.rows, 3]   ; loss
                %10 = sum.all(%9) [1, 1]   ; loss

                """)
    }

    @Test func otherAttributes() throws {
        let builder = GraphBuilder()
        let x = builder.constant(
            ConstantTensor(name: "table", rows: 2, columns: 4, values: Array(repeating: 1, count: 8)))
        _ = builder.node(.matmul(transposeLeft: true, transposeRight: false), x, x)
        _ = builder.scalar(1e-5).broadcast(to: Shape(.named("n"), 3))
        _ = builder.node(
            .rmsNorm(RMSNormAttributes(epsilon: 1e-6, weightOffset: 1, groups: 2)), x,
            builder.weight("norm", rows: 1, columns: 2))
        let mask = RandomAttributes(.dropoutMask(keep: 0.9), stream: 7, shape: Shape(.named("n"), 2))
        _ = builder.node(.random(mask), builder.input("seed", .indices(1)))
        let lines = try builder.finish().text().split(separator: "\n").map { $0.split(separator: "  ;")[0] }
        #expect(
            lines == [
                "%0 = constant table [2, 4] ", "%1 = matmul(%0ᵀ, %0) [4, 4] ", "%2 = scalar 1e-05 [1, 1] ",
                "%3 = broadcast(%2, shape: [n, 3]) [n, 3] ", "%4 = weight norm [1, 2] ",
                "%5 = rmsNorm(%0, %4, epsilon: 1e-06, weightOffset: 1, groups: 2) [2, 4] ",
                "%6 = input seed index[1, 1] ",
                "%7 = random(%6, distribution: dropoutMask, keep: 0.9, stream: 7) [n, 2] ",
            ])
    }

    @Test func dot() {
        #expect(
            graph.dot(of: [ValueID(8, 1)], folding: ["model.layers.0.mlp"]) == #"""
                digraph computation {
                  rankdir=TB;
                  node [shape=box, fontname="Helvetica", fontsize=10];
                  edge [fontname="Helvetica", fontsize=8];
                  n0 [label="input x\n[base.rows, 4]", tooltip="model", shape=oval];
                  n1 [label="input offsets\nindex[base.bounds, 1]", tooltip="model", shape=oval];
                  n2 [label="model.layers.0.mlp\n3 nodes\nmlp_activation.0", shape=box3d, penwidth=2];
                  n5 [label="parameter shift\n[1, 3]", tooltip="#0 shift \"a\"", style=filled, fillcolor="#c8e6c9"];
                  n6 [label="add\n[base.rows, 3]", tooltip="#0 shift \"a\"", style=filled, fillcolor="#ffe0b2"];
                  n7 [label="affine\nfactor 0.5, offset -1\n[base.rows, 3]\nblock_output.0\nclean:embedding", \#
                tooltip="model.layers.0", penwidth=2];
                  n8 [label="attention\nheads 1, keyHeads 1, headSize 3, scale 0.25, softCap 30, causal true, window 8, \#
                store 2\n[base.rows, 3], [base.rows, 1]", tooltip="model.layers.01"];
                  n0 -> n2;
                  n2 -> n6;
                  n5 -> n6;
                  n6 -> n7;
                  n7 -> n8;
                  n7 -> n8;
                  n7 -> n8;
                  n1 -> n8;
                }

                """#)
        #expect(graph.dot().contains("  n8 -> n9 [label=\"1\"];\n"))
    }

    @Test func json() throws {
        let text = graph.json(of: [ValueID(4)])
        #expect(
            text == """
                {
                "format": "swift-reft/graph",
                "version": 1,
                "nodes": [
                {"id": "%0", "operation": "input", "attributes": {"name": "x"}, "inputs": [], "results": \
                [{"element": "real", "rows": "base.rows", "columns": 4}], "provenance": "model"},
                {"id": "%2", "operation": "weight", "attributes": {"name": "mlp.weight"}, "inputs": [], "results": \
                [{"element": "real", "rows": 3, "columns": 4}], "provenance": "model.layers.0.mlp"},
                {"id": "%3", "operation": "matmul", "attributes": {"transposeRight": true}, "inputs": ["%0", "%2"], \
                "results": [{"element": "real", "rows": "base.rows", "columns": 3}], "provenance": "model.layers.0.mlp"},
                {"id": "%4", "operation": "silu", "attributes": {}, "inputs": ["%3"], "results": \
                [{"element": "real", "rows": "base.rows", "columns": 3}], "provenance": "model.layers.0.mlp"}
                ],
                "sites": [
                {"id": "mlp_activation.0", "run": "base", "component": "mlp_activation", "layer": 0, "value": "%4", \
                "width": 3, "rows": "tokens", "modulePath": "model.layers[0].mlp.act_fn.output"}
                ],
                "constants": []
                }

                """)
        let everything = try JSONSerialization.jsonObject(with: Data(graph.json().utf8)) as? [String: Any]
        let nodes = try #require(everything?["nodes"] as? [[String: Any]])
        #expect(nodes.count == 11 && nodes[5]["provenance"] as? String == "#0 shift \"a\"")
        let sites = try #require(everything?["sites"] as? [[String: Any]])
        #expect(sites.count == 3 && sites[1]["moduleInput"] as? String == "%0" && sites[1]["heads"] as? Int == 3)
    }
}
