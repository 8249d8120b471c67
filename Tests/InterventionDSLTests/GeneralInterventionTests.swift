import Foundation
import Graph
import InterventionDSL
import Testing

/// The general interventions against their formulas, on rows of the toy model.
@Suite struct GeneralInterventionTests {
    /// block_output(0) before and after a program, on four and three rows.
    private func rows(
        _ program: Program, bound: [String: Interpreter.BoundInput] = [:], selections: [String: [Int32]] = [:],
        runs: [String] = ["base"]
    ) throws -> (before: Matrix64, after: Matrix64) {
        let graph = try ToyModel(runs: runs).graph
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        #expect(spliced.graph.verify() == [])
        var bindings = ToyBindings(runs: runs).bindings(spliced.graph, selections: selections)
        bindings.inputs.merge(bound) { $1 }
        let site = try #require(graph.site(SiteID(.blockOutput, layer: 0)))
        let values = try Interpreter(spliced.graph).evaluate(
            [spliced.unedited(site.value), spliced.edited(site.value)], bindings: bindings)
        return (values[0], values[1])
    }

    private func check(
        _ intervention: some Intervention, _ formula: ([Double]) -> [Double],
        at location: Testing.SourceLocation = #_sourceLocation
    ) throws {
        let (before, after) = try rows(Program { intervention.on(.blockOutput, layer: 0).at(.all) })
        for row in 0..<before.rows {
            let worst = zip(after.row(row), formula(before.row(row))).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 1e-12, "row \(row)", sourceLocation: location)
        }
    }

    private static let vector: [Float] = [0.5, -1, 0, 2, 0.25, -0.5, 1, -2]

    @Test func clampingAndMeans() throws {
        try check(Clamp(minimum: -0.25, maximum: 0.125)) { $0.map { min(max($0, -0.25), 0.125) } }
        try check(Clamp(maximum: 0)) { $0.map { min($0, 0) } }
        try check(MeanAblation(Self.vector)) { _ in Self.vector.map(Double.init) }
    }

    @Test func steering() throws {
        let v = Self.vector.map(Double.init)
        let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
        func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }
        func added(_ h: [Double], _ factor: Double) -> [Double] { zip(h, v).map { $0 + factor * $1 } }
        try check(Steer(Self.vector, scale: 3)) { added($0, 3) }
        try check(Steer(Self.vector, scale: -2, preservesNorm: true)) { h in
            let steered = added(h, -2)
            return steered.map { $0 * (dot(h, h) / dot(steered, steered)).squareRoot() }
        }
        // The threshold is one of the rows' own, so that some are above it and some are not.
        let (before, _) = try rows(Program { Steer(Self.vector).on(.blockOutput, layer: 0).at(.all) })
        let projections = (0..<7).map { dot(before.row($0), v) / length }
        let limit = projections.sorted()[3] + 1e-9
        try check(Steer(Self.vector, when: .projection(above: limit))) { h in
            dot(h, v) / length > limit ? added(h, 1) : h
        }
        try check(Steer(Self.vector, when: .projection(onto: .numbers([1, 0, 0, 0, 0, 0, 0, 0]), below: 0))) { h in
            h[0] < 0 ? added(h, 1) : h
        }
    }

    @Test func steeringByToken() throws {
        let program = Program { Steer(Self.vector, when: .tokens([3, 7])).on(.blockOutput, layer: 0).at(.last(2)) }
        let tokens: [Int32] = [7, 1, 3, 2, 5, 6, 7]
        let (before, after) = try rows(
            program, bound: ["base.tokens": .indices(tokens)], selections: ["select.0": [2, 3, 5, 6]])
        for row in 0..<7 {
            let factor = [2, 6].contains(row) ? 1.0 : 0
            let expected = zip(before.row(row), Self.vector).map { $0 + factor * Double($1) }
            #expect(zip(after.row(row), expected).allSatisfy { abs($0 - $1) < 1e-12 }, "row \(row)")
        }
    }

    @Test func rowsOfOtherSequences() throws {
        let program = Program { ResampleAblation().on(.blockOutput, layer: 0).at(.last(2)) }
        let graph = try ToyModel().graph
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        let shuffle = try #require(spliced.shuffles.first)
        #expect(shuffle.name == "shuffle.resampleablation.block_output.0")
        let sequences = [SequenceContext(length: 4), SequenceContext(index: 1, length: 3)]
        let draws = try (0..<20).map { try shuffle.indices(in: sequences, demanded: [], seed: $0) }
        #expect(draws.allSatisfy { $0[0] > 1 && $0[1] > 1 && $0[2] < 2 && $0[3] < 2 })
        #expect(Set(draws).count > 4)
        #expect(try shuffle.indices(in: sequences, demanded: [], seed: 3) == draws[3])
        let alone = #expect(throws: InterventionError.self) {
            try shuffle.indices(in: [SequenceContext(length: 4)], demanded: [], seed: 0)
        }
        #expect(
            alone?.description
                == "'resampleablation' draws rows from other sequences: the batch needs at least two that it edits")
        let (before, after) = try rows(
            program, bound: [shuffle.name: .indices([3, 2, 0, 1])], selections: ["select.0": [2, 3, 5, 6]])
        #expect([2, 3, 5, 6].map { after.row($0) } == [6, 5, 2, 3].map { before.row($0) })
    }

    @Test func resamplingFromARun() throws {
        let source = SourceReference(run: "other")
        let program = Program {
            Run("other") { Scale(by: 2).on(.blockOutput, layer: 0).at(.all) }
            Run.base { ResampleAblation(from: source).on(.blockOutput, layer: 0).at(.all) }
        }
        let (before, after) = try rows(program, selections: ["select.0": Array(0..<7)], runs: ["other", "base"])
        #expect(after.values.count == before.values.count && after != before)
    }

    // MARK: - Closures

    @Test func closuresBuildOperations() throws {
        try check(Edit("double") { rows, _ in rows * 2 }) { $0.map { 2 * $0 } }
        let shift = Edit(
            "shift", parameters: { [ParameterSpecification("v", 1, $0.width, initialiser: .zeros)] },
            { rows, context in rows + (try context.parameter("v")) })
        let hookGraph = try Program { shift.on(.blockOutput, layers: [0, 1]).at(.all) }.bound(to: ToyModel().graph)
        #expect(hookGraph.parameters.map(\.name) == ["shift.0.v", "shift.1.v"])
        let mix = Edit(from: "other") { rows, context in (rows + (try context.source())) * 0.5 }
        let program = Program {
            Run("other")
            Run.base { mix.on(.blockOutput, layer: 0).at(.all) }
        }
        let runs = ["other", "base"]
        #expect(try program.bound(to: ToyModel(runs: runs).graph).hooks[0].name == "edit")
    }

    @Test func closuresAreWrittenUnderTheirName() throws {
        let double = Edit("double") { rows, _ in rows * 2 }
        let program = Program { double.on(.blockOutput, layer: 0).at(.last).scaled(0.5) }
        let text = try program.json()
        #expect(text.contains(#""intervention": { "type": "Edit", "name": "double" }"#))
        let registry = InterventionRegistry.general.registering(double, Edit("halve") { rows, _ in rows * 0.5 })
        #expect(try Program(json: Data(text.utf8), registry: registry) == program)
        #expect(try Program(json: Data(text.utf8), registry: [Zero.self] + registry) == program)
        func message(_ registry: InterventionRegistry, _ text: String) -> String {
            do throws(InterventionError) {
                _ = try Program(json: Data(text.utf8), registry: registry)
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message(.general, text)
                == "declarations[0].intervention.name: no closure is registered under 'double'; registered: none")
        #expect(
            message(registry, text.replacing("double", with: "duoble"))
                == "declarations[0].intervention.name: no closure is registered under 'duoble'; registered: double, "
                + "halve; did you mean 'double'?")
        let anonymous = Edit { rows, _ in rows * 2 }
        #expect(anonymous == anonymous && anonymous != Edit { rows, _ in rows * 2 })
        let error = #expect(throws: EncodingError.self) {
            try Program { anonymous.on(.blockOutput, layer: 0).at(.all) }.json()
        }
        guard case .invalidValue(_, let context) = try #require(error) else { return }
        #expect(
            context.debugDescription
                == "a closure without a name can not be written: Edit(\"name\") { rows, context in … }")
    }

    // MARK: - Mistakes

    @Test(
        arguments: [
            (Clamp().on(.blockOutput, layer: 0).at(.all), "neither a minimum nor a maximum is given"),
            (
                Clamp(minimum: 2, maximum: 1).on(.blockOutput, layer: 0).at(.all),
                "its minimum 2.0 is larger than its maximum 1.0"
            ),
            (
                Clamp(minimum: .nan).on(.blockOutput, layer: 0).at(.all), "one of its bounds is not a number"
            ),
            (
                MeanAblation([1, 2]).on(.blockOutput, layer: 0).at(.all),
                "its mean has 2 numbers, the site is 8 wide"
            ),
            (
                Steer([1]).on(.blockOutput, layer: 0).at(.all), "its vector has 1 numbers, the site is 8 wide"
            ),
            (
                Steer(vector, when: .projection(onto: .numbers([1]), above: .nan)).on(.blockOutput, layer: 0).at(.all),
                "the direction of its condition has 1 numbers, the site is 8 wide|"
                    + "the threshold of its condition is not a number"
            ),
            (
                Steer(vector, when: .tokens([])).on(.blockOutput, layer: 0).at(.all), "its condition names no token"
            ),
            (
                Steer(vector, when: .tokens([3, 10])).on(.blockOutput, layer: 0).at(.all),
                "token 10 is not within 0..<10"
            ),
        ] as [(Declaration, String)])
    func whatIsWrong(declaration: Declaration, message: String) throws {
        let graph = try ToyModel().graph
        let error = #expect(throws: ProgramErrors.self) { try Program { declaration }.bound(to: graph) }
        let messages = error?.problems.map { "\($0.error)".replacing("on block_output.0: ", with: "") } ?? []
        #expect(messages.joined(separator: "|") == message)
    }

    @Test func files() throws {
        let vector = ConstantRow.numbers([1, 2])
        let program = Program {
            Clamp(minimum: 1).on(.blockOutput, layer: 0).at(.all)
            MeanAblation(vector).on(.blockOutput, layer: 0).at(.all)
            ResampleAblation().on(.blockOutput, layer: 0).at(.all)
            Steer(vector, scale: 2, preservesNorm: true).on(.blockOutput, layer: 0).at(.all)
            Steer(vector, when: .projection(onto: vector, above: 2)).on(.blockOutput, layer: 0).at(.all)
            Steer(vector, when: .projection(below: 2)).on(.blockOutput, layer: 0).at(.all)
            Steer(vector, when: .tokens([4, 5])).on(.blockOutput, layer: 0).at(.all)
            Run("other")
            Run.base { ResampleAblation(from: "other").on(.blockOutput, layer: 0).at(.all) }
        }
        let text = try program.json()
        #expect(try Program(json: Data(text.utf8)) == program)
        #expect(text.contains(#""when": { "above": 2, "onto": [1, 2] }"#))
        let both = text.replacing(#""when": { "tokens": [4, 5] }"#, with: #""when": { "tokens": [4], "above": 1 }"#)
        let error = #expect(throws: InterventionError.self) { try Program(json: Data(both.utf8)) }
        #expect(
            error?.description
                == "runs[1].declarations[6].intervention.when: a condition is one of 'tokens', 'above' and 'below', the "
                + "last two perhaps with 'onto'")
    }
}
