import Graph
import InterventionDSL
import Session
import Testing

/// Interventions on modules by their path.
@Suite struct ModulePathTests {
    private let input = [Example(tokens: [5, 9, 3, 7])]

    private func logits(_ program: Program) throws -> [Float] {
        try #require(Session(PeerFixtures.model("llama"), program: program).run(input).logits).values
    }

    /// act(0) · up = 0, and down_proj of zeros is zero: the same model without this MLP.
    @Test func modulesInsideTheMLP() throws {
        let expected = try logits(Program { Zero().on(.mlpOutput, layer: 1).at(.all) })
        for path in ["mlp.gate_proj.output", "mlp.up_proj.output", "mlp.down_proj.input", "mlp.down_proj.output"] {
            let module = ModelSite.module("model.layers[1].\(path)")
            #expect(try logits(Program { Zero().on(module).at(.all) }) == expected, "\(path)")
        }
        #expect(try logits(Program {}) != expected)
    }

    @Test func oneModuleInSeveralLayers() throws {
        let expected = try logits(Program { Zero().on(.mlpOutput, layers: .all).at(.last) })
        let gates = Component(rawValue: "mlp.gate_proj.output")
        #expect(try logits(Program { Zero().on(gates, layers: .all).at(.last) }) == expected)
    }

    @Test func collectedByPath() throws {
        let session = try Session(PeerFixtures.model("llama"))
        let sites = try session.sites(matching: ["model.layers[0].mlp.up_proj.output", "mlp.up_proj.output.0"])
        #expect(sites.map { "\($0)" } == ["mlp.up_proj.output.0", "mlp.up_proj.output.0"])
        let result = try session.run(input, collecting: [sites[0]])
        #expect(result.collected.map(\.columns) == [48])
    }

    @Test func unknownModule() throws {
        let program = Program { Zero().on(.module("model.layers[0].mlp.gate_porj")).at(.all) }
        #expect {
            try Session(PeerFixtures.model("llama"), program: program)
        } throws: {
            "\($0)".hasSuffix(
                "the model has no module input or output 'model.layers[0].mlp.gate_porj'; "
                    + "did you mean 'model.layers[0].mlp.gate_proj.output'?")
        }
    }
}
