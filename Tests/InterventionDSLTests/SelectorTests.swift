import Foundation
import Graph
import InterventionDSL
import Testing

/// What selectors match on the toy model, and what is said of those that match nothing.
@Suite struct SelectorTests {
    static func names(_ selector: String) throws -> [String] {
        try ToyModel().graph.sites(matching: selector).map(\.description)
    }

    static func message(_ selector: String) -> String {
        do {
            return "matches \(try names(selector))"
        } catch {
            return "\(error)"
        }
    }

    @Test(
        arguments: [
            ("block_output", ["block_output.0", "block_output.1", "block_output.2"]),
            ("block_output.1", ["block_output.1"]),
            ("block_output.1-2", ["block_output.1", "block_output.2"]),
            ("block_output.0,2", ["block_output.0", "block_output.2"]),
            ("block_output.1-", ["block_output.1", "block_output.2"]),
            ("block_output.all", ["block_output.0", "block_output.1", "block_output.2"]),
            ("layers[1-2].attention_output", ["attention_output.1", "attention_output.2"]),
            ("layers[ 0, 2 ].mlp_output", ["mlp_output.0", "mlp_output.2"]),
            ("layers[*].mlp_output", ["mlp_output.0", "mlp_output.1", "mlp_output.2"]),
            ("layers.1.mlp_*", ["mlp_activation.1", "mlp_output.1"]),
            ("mlp_*.2", ["mlp_activation.2", "mlp_output.2"]),
            ("embedding", ["embedding"]),
            ("embed_tokens", ["embedding"]),
            ("model.layers[1].mlp.output", ["mlp_output.1"]),
            ("layers[1].mlp", ["mlp_output.1"]),
            ("layers[1].input", ["block_input.1"]),
            ("layers[1].self_attn.*", ["attention_value_output.1", "attention_output.1"]),
            ("layers[0-1].*.act_fn", ["mlp_activation.0", "mlp_activation.1"]),
            ("head_output.1", ["attention_value_output.1 head 0", "attention_value_output.1 head 1"]),
            ("layers[1-2].head_output.h1", ["attention_value_output.1 head 1", "attention_value_output.2 head 1"]),
            ("attention_value_output.0.h*", ["attention_value_output.0 head 0", "attention_value_output.0 head 1"]),
        ])
    func matches(selector: String, expected: [String]) throws {
        #expect(try Self.names(selector) == expected)
    }

    @Test func everythingIsEverySiteOnce() throws {
        let graph = try ToyModel().graph
        #expect(try graph.sites(matching: "*").map(\.site) == graph.sites)
        #expect(try graph.sites(matching: "layers[*].*").count == 18)
    }

    @Test(
        arguments: [
            (
                "layers[1-4].mlp_output",
                "'layers[1-4].mlp_output' names 3,4, which the model does not have there; it has 0-2"
            ),
            ("block_output.5-", "'block_output.5-' names 5, which the model does not have there; it has 0-2"),
            ("model.layers[9].mlp", "'model.layers[9].mlp' names 9, which the model does not have there; it has 0-2"),
            ("block_ouput.1", "'block_ouput.1' matches no site of the model; did you mean 'block_output.1'?"),
            (
                "layers[0-2].mlp_ouput",
                "'layers[0-2].mlp_ouput' matches no site of the model; did you mean 'layers[0-2].mlp_output'?"
            ),
            (
                "model.layers[*].mlpp.output",
                "'model.layers[*].mlpp.output' matches no site of the model; did you mean 'model.layers[*].mlp.output'?"
            ),
            (
                "router",
                "'router' matches no site of the model; it has: embedding, block_input, attention_value_output, "
                    + "attention_output, mlp_activation, mlp_output, block_output, pooler_output, logits"
            ),
            (
                "mlp_output.1.h0",
                "mlp_output.1.h0 is not divided into heads; components with heads: attention_value_output"
            ),
            ("head_output.1.h0,2", "attention_value_output.1 has no head 2; it has heads 0-1"),
        ])
    func whatMatchesNothing(selector: String, expected: String) {
        #expect(Self.message(selector) == expected)
    }

    @Test(arguments: ["", "a..b", "a.", ".a", "layers[", "layers[]", "layers]", "layers[3-1].mlp", "block_output.1--2"])
    func whatIsNoSelector(selector: String) {
        #expect(Self.message(selector).hasPrefix("selector '\(selector)'"))
        #expect(
            Self.message(selector).hasSuffix(
                "can not be read; allowed: names and numbers between dots or brackets, with * and spans: "
                    + "block_output.4-7, layers[4-8].attention_output, mlp_*, layers[*].self_attn.*, "
                    + "layers[5].head_output.h0,3"))
    }

    @Test func listsAreSplitAtCommasBetweenSelectors() {
        #expect(selectorList("block_output.0,2, mlp_*.1") == ["block_output.0,2", " mlp_*.1"])
        #expect(selectorList("layers[0,2].mlp_output,embedding") == ["layers[0,2].mlp_output", "embedding"])
        #expect(selectorList("a,,b") == ["a", "", "b"])
    }
}

/// Selectors as places of declarations.
@Suite struct SelectorPlaceTests {
    @Test func aSelectorEditsWhatItMatches() throws {
        let program = Program { Scale(by: 2).on(.matching("layers[1-2].mlp_output")).at(.all) }
        #expect(try program.bound(to: ToyModel().graph).hooks.map { "\($0.site)" } == ["mlp_output.1", "mlp_output.2"])
        let same = Program { Scale(by: 2).on(.mlpOutput, layers: 1...2).at(.all) }
        let (first, second) = (
            try program.bound(to: ToyModel().graph).splice(into: ToyModel().graph, mode: .evaluate),
            try same.bound(to: ToyModel().graph).splice(into: ToyModel().graph, mode: .evaluate)
        )
        #expect(first.graph.nodes.map(\.operation) == second.graph.nodes.map(\.operation))
    }

    @Test func aValueWithTwoNamesIsEditedOnce() throws {
        // block_output.0 and block_input.1 are one value.
        let program = Program { Scale(by: 2).on(.matching("layers[*].block_*put")).at(.all) }
        let hooks = try program.bound(to: ToyModel().graph).hooks
        #expect(
            hooks.map { "\($0.site)" } == ["block_input.0", "block_output.0", "block_output.1", "block_output.2"])
    }

    @Test func parametersOfSeveralComponentsInALayerHaveNamesOfTheirOwn() throws {
        let program = Program { TwoSided().on(.matching("layers[0-1].mlp_*")).at(.all) }
        let names = try program.bound(to: ToyModel().graph).parameters.map(\.name)
        #expect(
            names == [
                "twosided.0.mlp_activation.shift", "twosided.0.mlp_output.shift", "twosided.1.mlp_activation.shift",
                "twosided.1.mlp_output.shift",
            ])
        let tied = Program { TwoSided().on(.matching("layers[0-1].mlp_*")).at(.all).tied(across: .layers) }
        #expect(
            try tied.bound(to: ToyModel().graph).parameters.map(\.name)
                == ["twosided.mlp_activation.shift", "twosided.mlp_output.shift"])
    }

    @Test func problemsOfASelectorHaveTheDeclarationsLine() throws {
        let line: UInt = #line + 2
        let program = Program {
            Scale(by: 2).on(.matching("layers[*].mlpp")).at(.all)
            Scale(by: 2).on(.matching("layers[")).at(.all)
        }
        let error = #expect(throws: ProgramErrors.self) { try program.bound(to: ToyModel().graph) }
        #expect(
            error?.problems.first?.description
                == "SelectorTests.swift:\(line): 'scale': 'layers[*].mlpp' matches no site of the model; "
                + "did you mean 'layers[*].mlp'?")
        #expect(error?.problems.last?.description.contains("selector 'layers[': '[' can not be read") == true)
    }

    @Test func filesHoldSelectors() throws {
        let program = Program { Zero().on(.matching("layers[4-8].attention_output")).at(.last) }
        let text = try program.json()
        #expect(text.contains("\"select\": \"layers[4-8].attention_output\""))
        #expect(try Program(json: Data(text.utf8)) == program)
        let short = text.replacing(/\{\s*"select": ("[^"]*")\s*\}/) { $0.1 }
        #expect(short.contains("\"site\": \"layers[4-8].attention_output\""))
        #expect(try Program(json: Data(short.utf8)) == program)
        let damaged = text.replacing("layers[4-8]", with: "layers[4-")
        #expect {
            try Program(json: Data(damaged.utf8))
        } throws: {
            "\($0)".hasPrefix(
                "declarations[0].site.select: selector 'layers[4-.attention_output': '[4-.attention_output' can not")
        }
        let crowded = text.replacing("\"select\"", with: "\"heads\": [1], \"select\"")
        #expect {
            try Program(json: Data(crowded.utf8))
        } throws: {
            "\($0)" == "declarations[0].site.select: a selector stands alone"
        }
    }

    @Test(arguments: ["layers[4-8].attention_output", "mlp_*", "layers[3].mlp", "model.layers[0,2].mlp.output", "*.3"])
    func textOfAPlace(text: String) throws {
        #expect(try Place(text: text) == .matching(text))
        #expect(try "\(Place(text: text))" == text)
    }
}

private struct TwoSided: Intervention {
    func parameters(at site: SiteShape) -> ParameterList {
        [ParameterSpecification("shift", 1, site.width, initialiser: .zeros)]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        rows + (try context.parameter("shift"))
    }
}
