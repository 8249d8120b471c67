import Graph
import InterventionDSL
import ReFTPresets
import Testing

@testable import Analysis

/// The whole text of tiny drawings, which was checked by eye and with `dot`.
@Suite struct WholeDrawingTests {
    @Test func vectorGraphics() throws {
        let builder = GraphBuilder()
        let table = builder.weight("embed.weight", rows: 10, columns: 8)
        let rows = table.rows(at: builder.input("tokens", .indices(.named("rows"))))
        builder.declareSite(SiteID(.embedding), rows, rowSpace: .tokens, modulePath: "embed")
        let graph = try builder.finish()
        let program = Program(declarations: [
            HookGraphDrawingTests.declare(NoReFT(rank: 1), .model(.embedding), at: .last, scale: 2, name: "a & b")
        ])
        let drawing = HookGraphDrawing(hookGraph: try program.bound(to: graph), graph: graph, modelName: "tiny")
        #expect(
            drawing.svg.replacing(DrawingHeader.style + "\n", with: "") == """
                <svg xmlns="http://www.w3.org/2000/svg" width="1200" height="215" viewBox="0 0 1200 215">
                 <rect width="1200" height="215" fill="#ffffff"/>
                 <text class="title" x="24" y="36">tiny</text>
                 <text class="summary" x="24" y="58">1 declaration, 1 edit, 17 trained numbers in 3 tensors = \
                21 % of the model's 80</text>
                 <rect x="24" y="73" width="24" height="14" rx="3" fill="#ffffff" stroke="#94a3b8" stroke-width="0.8"/>
                 <text class="quiet" x="54" y="84">site</text>
                 <rect x="92" y="73" width="24" height="14" rx="3" fill="#dbeafe" stroke="#1d4ed8" stroke-width="1.6"/>
                 <text class="quiet" x="122" y="84">edited site</text>
                 <rect x="201" y="73" width="30" height="14" rx="3" fill="#dbeafe" stroke="#1d4ed8"/>
                 <rect x="201" y="73" width="14" height="14" rx="3" fill="#1d4ed8"/>
                 <text class="order" x="208" y="84">1</text>
                 <text class="quiet" x="237" y="84">edit, numbered in the order of acting</text>
                 <path d="M469 80h22" class="stream"/>
                 <text class="quiet" x="497" y="84">residual stream, unchanged</text>
                 <path d="M674 80h22" class="stream edited"/>
                 <text class="quiet" x="702" y="84">above an edit</text>
                 <text class="quiet" x="24" y="104">Positions: l1: last row of each prompt</text>
                 <rect x="24" y="114" width="12" height="12" rx="2" fill="#dbeafe" stroke="#1d4ed8"/>
                 <text class="bold" x="42" y="124">a &amp; b</text>
                 <text class="quiet" x="89" y="124">NoReFT</text>
                 <text class="plain" x="145" y="124">on embedding at l1 × 2</text>
                 <text class="quiet" x="291" y="124">1 edit · p.json</text>
                 <path d="M336 168H348V161H394" class="leader" stroke="#1d4ed8"/>
                 <path d="M336 191V168" class="stream"/>
                 <path d="M336 168V146" class="stream edited"/>
                 <g class="site">
                  <title>embedding</title>
                  <rect x="259" y="161" width="65" height="14" rx="3" fill="#dbeafe"/>
                  <rect x="259" y="161" width="65" height="14" rx="3" fill="none" stroke="#1d4ed8" stroke-width="1.6"/>
                  <text class="touched" x="291" y="171">embedding</text>
                 </g>
                 <path d="M324 168H336" class="wire"/>
                 <circle cx="336" cy="168" r="5" fill="#1d4ed8" stroke="#1d4ed8"/>
                 <g class="edit">
                  <title>edit 1: a &amp; b, NoReFT on embedding, at l1, × 2, parameters a &amp; \
                b.embedding.weight a &amp; b.embedding.bias a &amp; b.embedding.projection (p.json)</title>
                  <rect x="394" y="150" width="388" height="37" rx="4" fill="#dbeafe" stroke="#1d4ed8"/>
                  <path d="M416 150H398a4 4 0 0 0 -4 4V183a4 4 0 0 0 4 4H416Z" fill="#1d4ed8"/>
                  <text class="order" x="405" y="165">1</text>
                  <text class="bold" x="422" y="165">a &amp; b</text>
                  <text class="quiet" x="466" y="165">NoReFT</text>
                  <text class="plain" x="519" y="165">at l1</text>
                  <text class="plain" x="553" y="165">× 2</text>
                  <text class="mono" x="422" y="180">a &amp; b.embedding</text>
                  <text class="mono" x="520" y="180">weight 1×8</text>
                  <text class="mono" x="588" y="180">bias 1×1</text>
                  <text class="mono" x="644" y="180">projection 1×8</text>
                  <text class="mono" x="736" y="180">= 17</text>
                 </g>
                </svg>

                """)
    }

    @Test func dotLanguage() throws {
        let program = Program(
            runs: [
                ProgramRun(name: "clean"),
                ProgramRun(
                    name: "base",
                    declarations: [
                        HookGraphDrawingTests.declare(
                            Interchange(from: "clean"),
                            .layers(.blockOutput, [1], heads: nil), at: .last, name: "patch"),
                        HookGraphDrawingTests.declare(
                            LobiReFT(rank: 1), .layers(.mlpOutput, [0, 1], heads: nil), at: .last, ties: [.layers],
                            name: "bias"),
                    ]),
            ])
        let drawing = try HookGraphDrawingTests.drawing(program, layers: 2)
        #expect(
            drawing.dot == #"""
                digraph program {
                  rankdir=BT;
                  label="toy: 2 declarations, 3 edits, 9 trained numbers in 2 tensors = 1.9 % of the model's \#
                464"; labelloc=t;
                  graph [fontname="Helvetica", fontsize=11];
                  node [shape=box, fontname="Helvetica", fontsize=10];
                  edge [fontname="Helvetica", fontsize=8];
                  subgraph cluster_0 {
                    label="run clean"; color="#cbd5e1";
                    "clean:block_output.1" [style=filled, fillcolor="#f1f5f9"];
                  }
                  subgraph cluster_1 {
                    label="run base"; color="#cbd5e1";
                    "mlp_output.0" [style=filled, fillcolor="#f1f5f9"];
                    "mlp_output.1" [style=filled, fillcolor="#f1f5f9"];
                    "block_output.1" [style=filled, fillcolor="#f1f5f9"];
                    edit1 [label="1 patch\nInterchange at l1", style="filled,rounded", fillcolor="#dbeafe", \#
                color="#1d4ed8"];
                    edit2 [label="2 bias\nLobiReFT at l1", style="filled,rounded", fillcolor="#ffedd5", \#
                color="#c2410c"];
                    edit3 [label="3 bias\nLobiReFT at l1", style="filled,rounded", fillcolor="#ffedd5", \#
                color="#c2410c"];
                    "mlp_output.0" -> "mlp_output.1" [color="#94a3b8"];
                    "mlp_output.1" -> "block_output.1" [color="#94a3b8"];
                    edit1 -> edit2 [style=bold, constraint=false];
                    edit2 -> edit3 [style=bold, constraint=false];
                  }
                  edit1 -> "block_output.1" [color="#1d4ed8"];
                  "clean:block_output.1" -> edit1 [style=dashed, label="l1"];
                  edit2 -> "mlp_output.0" [color="#c2410c"];
                  "parameters bias.rotation bias.bias" [shape=note, label="bias\nrotation 8×1\nbias 1×1\n= 9"];
                  "parameters bias.rotation bias.bias" -> edit2 [style=dotted];
                  edit3 -> "mlp_output.1" [color="#c2410c"];
                  "parameters bias.rotation bias.bias" -> edit3 [style=dotted];
                }

                """#)
    }
}
