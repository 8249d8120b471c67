import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// LoRA, DoRA and the bottleneck adapter against their formulas, on a linear layer with its input.
@Suite struct AdaptationFormulaTests {
    static let (rows, inputs, outputs, rank) = (3, 4, 5, 2)

    /// h = x Wᵀ + b, or x W + b as GPT-2 stores it.
    static func graph(transposed: Bool) throws -> ComputationGraph {
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("base.rows"), .fixed(inputs)))
        let bias = builder.weight("bias", rows: 1, columns: outputs)
        let output =
            transposed
            ? x.times(builder.weight("w", rows: inputs, columns: outputs)) + bias
            : x.linear(builder.weight("w", rows: outputs, columns: inputs), bias: bias)
        builder.declareSite(SiteID(.queryOutput, layer: 0), output, moduleInput: x, modulePath: "layers[0].q.output")
        builder.declareSite(SiteID(.blockInput, layer: 0), x, modulePath: "layers[0].input")
        return try builder.finish()
    }

    static func matrix(_ rows: Int, _ columns: Int, _ seed: Double) -> Matrix64 {
        EditFormulaTests.matrix(rows, columns, seed: seed)
    }

    static let x = matrix(rows, inputs, 0.1)
    static let w = matrix(outputs, inputs, 0.3)
    static let bias = matrix(1, outputs, 0.7)

    static func layer(_ row: Int, _ column: Int) -> Double {
        (0..<inputs).reduce(bias[0, column]) { $0 + x[row, $1] * w[column, $1] }
    }

    /// The layer's output after an edit, with parameters by their names.
    static func edited(
        _ intervention: any Intervention, _ parameters: [String: Matrix64], transposed: Bool = false,
        subspace: Subspace? = nil
    ) throws -> Matrix64 {
        let graph = try graph(transposed: transposed)
        let program = Program(declarations: [
            Declaration(
                intervention, on: .layers(.queryOutput, [0], heads: nil), at: .all, name: "edit", subspace: subspace)
        ])
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        var bindings = Interpreter.Bindings()
        bindings.inputs["x"] = .real(x)
        bindings.weights["bias"] = bias
        bindings.weights["w"] =
            transposed
            ? Matrix64(
                rows: inputs, columns: outputs,
                values: (0..<inputs).flatMap { row in (0..<outputs).map { w[$0, row] } }) : w
        for name in spliced.parameters.keys {
            bindings.parameters[name] = parameters[String(name.dropFirst("edit.0.".count))]
        }
        let site = try #require(spliced.graph.site(SiteID(.queryOutput, layer: 0)))
        return try Interpreter(spliced.graph).evaluate([site.value], bindings: bindings)[0]
    }

    static let factors = ["down": matrix(rank, inputs, 0.2), "up": matrix(outputs, rank, 0.4)]

    /// Σ_k (x Aᵀ)_k B_k over some coordinates.
    static func change(_ row: Int, _ column: Int, _ coordinates: [Int] = [0, 1]) -> Double {
        coordinates.reduce(0.0) { sum, k in
            let z = (0..<inputs).reduce(0.0) { $0 + x[row, $1] * (factors["down"] ?? Matrix64(0))[k, $1] }
            return sum + z * (factors["up"] ?? Matrix64(0))[column, k]
        }
    }

    private func expect(
        _ found: Matrix64, _ formula: (Int, Int) -> Double, at location: Testing.SourceLocation = #_sourceLocation
    ) {
        for row in 0..<Self.rows {
            for column in 0..<Self.outputs {
                #expect(abs(found[row, column] - formula(row, column)) < 1e-12, sourceLocation: location)
            }
        }
    }

    @Test func lora() throws {
        expect(try Self.edited(LoRA(rank: 2), Self.factors)) { Self.layer($0, $1) + Self.change($0, $1) }
        expect(try Self.edited(LoRA(rank: 2, alpha: 6), Self.factors)) { Self.layer($0, $1) + 3 * Self.change($0, $1) }
        expect(try Self.edited(LoRA(rank: 2), Self.factors, subspace: .fixed([1]))) {
            Self.layer($0, $1) + Self.change($0, $1, [1])
        }
    }

    @Test(arguments: [false, true]) func dora(transposed: Bool) throws {
        let magnitude = Self.matrix(1, Self.outputs, 0.9)
        let found = try Self.edited(
            DoRA(rank: 2, alpha: 3), Self.factors.merging(["magnitude": magnitude]) { $1 }, transposed: transposed)
        expect(found) { row, column in
            let weight = (0..<Self.inputs).map { Self.w[column, $0] }
            let changed = weight.enumerated().map { place, value in
                (0..<2).reduce(value) { sum, k in
                    sum + 1.5 * (Self.factors["up"] ?? Matrix64(0))[column, k]
                        * (Self.factors["down"] ?? Matrix64(0))[k, place]
                }
            }
            func length(_ numbers: [Double]) -> Double { numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            let product = zip(changed, (0..<Self.inputs).map { Self.x[row, $0] }).reduce(0) { $0 + $1.0 * $1.1 }
            return magnitude[0, column] * length(weight) / length(changed) * product + Self.bias[0, column]
        }
    }

    @Test(arguments: [false, true]) func bottleneck(readsInput: Bool) throws {
        let width = readsInput ? Self.inputs : Self.outputs
        let parameters = [
            "down": Self.matrix(width, 2, 0.2), "down_bias": Self.matrix(1, 2, 0.5),
            "up": Self.matrix(2, Self.outputs, 0.4), "up_bias": Self.matrix(1, Self.outputs, 0.6),
        ]
        func given(_ name: String) -> Matrix64 { parameters[name] ?? Matrix64(0) }
        let found = try Self.edited(BottleneckAdapter(rank: 2, readsInput: readsInput), parameters)
        expect(found) { row, column in
            let input = (0..<width).map { readsInput ? Self.x[row, $0] : Self.layer(row, $0) }
            return (0..<2).reduce(Self.layer(row, column) + given("up_bias")[0, column]) { sum, k in
                let z = (0..<width).reduce(given("down_bias")[0, k]) { $0 + input[$1] * given("down")[$1, k] }
                return sum + max(z, 0) * given("up")[k, column]
            }
        }
    }

    @Test func startingPointsChangeNothing() throws {
        let shape = SiteShape(site: SiteID(.queryOutput, layer: 0), width: 5, moduleInputWidth: 4)
        func parameters(_ intervention: any Intervention) -> [String] {
            intervention.parameters(at: shape).map { "\($0.name) [\($0.rows), \($0.columns)] \($0.initialiser)" }
        }
        #expect(parameters(LoRA(rank: 2)) == ["down [2, 4] uniform(-0.5, 0.5)", "up [5, 2] zeros"])
        #expect(parameters(DoRA(rank: 2)).last == "magnitude [1, 5] constant(1.0)")
        let counts = [LoRA(rank: 2), DoRA(rank: 2), BottleneckAdapter(rank: 2)].map { (type: any Intervention) in
            type.parameters(at: shape).reduce(0) { $0 + $1.count }
        }
        #expect(counts == [2 * (4 + 5), 2 * (4 + 5) + 5, 2 * (5 + 5) + 2 + 5])
        var fresh = Self.factors
        fresh["up"] = Matrix64(rows: 5, columns: 2, values: Array(repeating: 0, count: 10))
        fresh["magnitude"] = Matrix64(rows: 1, columns: 5, values: Array(repeating: 1, count: 5))
        expect(try Self.edited(LoRA(rank: 2), fresh), Self.layer)
        expect(try Self.edited(DoRA(rank: 2), fresh), Self.layer)
    }

    @Test func whatIsWrong() throws {
        func message(_ intervention: some Intervention, _ component: Component, subspace: Subspace? = nil) throws
            -> String
        {
            let graph = try Self.graph(transposed: false)
            let declaration = Declaration(
                intervention, on: .layers(component, [0], heads: nil), at: .all, subspace: subspace)
            let error = #expect(throws: ProgramErrors.self) { try Program { declaration }.bound(to: graph) }
            return error?.problems.map { "\($0.error)" }.joined(separator: "|") ?? ""
        }
        #expect(
            try message(LoRA(rank: 5, dropout: 1), .queryOutput)
                == "on query_output.0: rank 5 is larger than the module's smaller side; allowed: 1 to 4|"
                + "on query_output.0: dropout 1.0 is given; allowed: 0 up to but not including 1")
        #expect(
            try message(LoRA(rank: 1), .blockInput)
                == "on block_input.0: it has no module whose input could be read")
        #expect(
            try message(DoRA(rank: 1), .queryOutput, subspace: .fixed([0]))
                == "on query_output.0: DoRA has no coordinates of which a subspace could be selected")
    }

    @Test func presets() throws {
        let program = AdaptationFamily.lora.program(rank: 4, layers: [1], alpha: 8)
        #expect(
            program
                == Program {
                    LoRA(rank: 4, alpha: 8).on(.queryOutput, layer: 1).at(.all).named("lora-query_output")
                    LoRA(rank: 4, alpha: 8).on(.valueOutput, layer: 1).at(.all).named("lora-value_output")
                })
        for family in AdaptationFamily.allCases {
            let program = family.program(rank: 2)
            #expect(try Program(json: Data(try program.json().utf8), registry: .reft) == program)
        }
    }
}
