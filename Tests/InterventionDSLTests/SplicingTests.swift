import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

@Suite struct SplicingTests {
    /// LoReFT, written as a user would.
    struct OwnLoReFT: Intervention {
        static let kind = "LoReFT"
        var rank: Int
        var dropout = 0.0

        func parameters(at site: SiteShape) -> ParameterList {
            [
                ParameterSpecification(
                    "rotation", site.width, rank, initialiser: .orthonormal, constraint: .orthonormalColumns),
                ParameterSpecification("weight", rank, site.width, initialiser: .linear(inputs: site.width)),
                ParameterSpecification("bias", 1, rank, initialiser: .linear(inputs: site.width)),
            ]
        }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            let rotation = try context.parameter("rotation")
            let target = rows.linear(try context.parameter("weight"), bias: try context.parameter("bias"))
            let edit = (target - rows.times(rotation)).times(rotation, transposed: true)
            return rows + context.dropout(edit, rate: dropout)
        }
    }

    @Test(arguments: [EditMode.train, .evaluate])
    func aUsersLoReFTGivesTheSameNodes(mode: EditMode) throws {
        let graph = try ToyModel().graph
        func spliced(_ intervention: some Intervention) throws -> SplicedGraph {
            let declaration = intervention.on(.blockOutput, layers: .all).at(.first(2) + .last(2)).scaled(0.5)
            return try Program { declaration }.bound(to: graph).splice(into: graph, mode: mode)
        }
        let (own, builtIn) = (try spliced(OwnLoReFT(rank: 2, dropout: 0.1)), try spliced(LoReFT(rank: 2, dropout: 0.1)))
        #expect(own.graph.nodes == builtIn.graph.nodes)
        #expect(own.graph.sites == builtIn.graph.sites)
        #expect(own.parameters == builtIn.parameters)
        #expect(own.needsSeed == (mode == .train))
    }

    @Test func theGraphStaysInOrderAndVerifies() throws {
        let graph = try ToyModel().graph
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(2) + .last(2))
            Zero().on(.headOutput, layer: 1, head: 1).at(.all)
            Noise(level: 1).on(.embedding).at(0)
            Skip().on(.mlpOutput, layer: 2).at(.generated)
            Collect().on(.mlpActivation, layers: .all).at(.last)
            Scale(by: 2).on(.logits).at(.last)
        }
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .train)
        #expect(spliced.graph.verify() == [])
        #expect(spliced.graph.sites.count == graph.sites.count)
        for (id, node) in spliced.graph.nodes.enumerated() { #expect(node.inputs.allSatisfy { $0.node < id }) }
    }

    @Test func anEmptyProgramChangesNothing() throws {
        let graph = try ToyModel().graph
        let spliced = try Program {}.bound(to: graph).splice(into: graph, mode: .train)
        #expect(spliced.graph.nodes == graph.nodes)
        #expect(spliced.graph.sites == graph.sites)
        #expect(spliced.selections.isEmpty)
    }

    @Test func allPositionsNeedNoSelection() throws {
        let graph = try ToyModel().graph
        let spliced = try Program { Scale(by: 2).on(.blockOutput, layer: 0).at(.all) }
            .bound(to: graph).splice(into: graph, mode: .evaluate)
        #expect(spliced.graph.nodes.count == graph.nodes.count + 1)
        #expect(spliced.selections.isEmpty)
        let added = spliced.graph.nodes.filter { $0.provenance == .declaration(index: 0, name: "scale") }
        #expect(added.map(\.operation) == [.affine(factor: 2, offset: 0)])
    }

    /// Declarations at block_output(0) and block_input(1) are at one value: the later reads what the earlier wrote.
    @Test(arguments: [true, false]) func sitesOfOneValueChainInDeclaredOrder(outputFirst: Bool) throws {
        let model = try ToyModel()
        let scale = Scale(by: 3).on(.blockOutput, layer: 0).at(.all)
        let shift = Add(Array(repeating: 1, count: 8)).on(.blockInput, layer: 1).at(.all)
        let program = Program(declarations: outputFirst ? [scale, shift] : [shift, scale])
        let spliced = try program.bound(to: model.graph).splice(into: model.graph, mode: .evaluate)
        let site = try #require(model.graph.site(SiteID(.blockOutput, layer: 0)))
        let values = try evaluate(spliced, [spliced.unedited(site.value), spliced.edited(site.value)])
        let expected = values[0].values.map { outputFirst ? 3 * $0 + 1 : 3 * ($0 + 1) }
        expectClose(values[1].values, expected)
        for component in [SiteID(.blockOutput, layer: 0), SiteID(.blockInput, layer: 1)] {
            #expect(spliced.graph.site(component)?.value == spliced.edited(site.value))
        }
    }

    /// Everything after the site uses the edited value: a second model with the weights scaled says the same.
    @Test func everyLaterUseReadsTheEdit() throws {
        let model = try ToyModel()
        let program = Program { Zero().on(.embedding).at(.all) }
        let spliced = try program.bound(to: model.graph).splice(into: model.graph, mode: .evaluate)
        let logits = try #require(model.logits["base"])
        let output = try evaluate(spliced, [spliced.edited(logits)])[0]
        #expect(output.values.allSatisfy { $0 == 0 })
        #expect(
            try evaluate(spliced, [spliced.unedited(ValueID(model.graph.sites[0].value.node))])[0].values
                != output.values)
    }

    @Test func onlySelectedRowsAndHeadsChange() throws {
        let model = try ToyModel()
        let program = Program { Scale(by: 2).on(.headOutput, layer: 1, head: 1).at(.last) }
        let hookGraph = try program.bound(to: model.graph)
        let spliced = try hookGraph.splice(into: model.graph, mode: .evaluate)
        let sequences = [SequenceContext(length: 4), SequenceContext(length: 3)]
        let indices = try hookGraph.selections[0].indices(in: sequences)
        #expect(indices == [3, 6])
        let site = try #require(model.graph.site(SiteID(.attentionValueOutput, layer: 1)))
        let values = try evaluate(
            spliced, [spliced.unedited(site.value), spliced.edited(site.value)], ["select.0": indices])
        for row in 0..<7 {
            for column in 0..<8 {
                let factor = [3, 6].contains(row) && column >= 4 ? 2.0 : 1
                #expect(values[1][row, column] == factor * values[0][row, column])
            }
        }
    }

    @Test func scalingActsOnTheEdit() throws {
        let model = try ToyModel()
        let program = Program { Zero().on(.blockOutput, layer: 0).at(.all).scaled(0.25) }
        let spliced = try program.bound(to: model.graph).splice(into: model.graph, mode: .evaluate)
        let site = try #require(model.graph.site(SiteID(.blockOutput, layer: 0)))
        let values = try evaluate(spliced, [spliced.unedited(site.value), spliced.edited(site.value)])
        expectClose(values[1].values, values[0].values.map { 0.75 * $0 })
    }

    @Test func collectSeesEarlierEditsUnlessToldOtherwise() throws {
        let model = try ToyModel()
        let program = Program {
            Collect("before").on(.blockOutput, layer: 0).at(.all)
            Scale(by: 2).on(.blockOutput, layer: 0).at(.all)
            Collect("after").on(.blockOutput, layer: 0).at(.all)
            Collect("unedited", unedited: true).on(.blockOutput, layer: 0).at(.all)
            Collect("rows").on(.mlpActivation, layers: .all).at(.last + .first)
        }
        let spliced = try program.bound(to: model.graph).splice(into: model.graph, mode: .evaluate)
        #expect(spliced.collected.map(\.name) == ["before", "after", "unedited", "rows.0", "rows.1", "rows.2"])
        #expect(spliced.collected.last?.selection?.positions.description == "l1+f1")
        let values = try evaluate(
            spliced, spliced.collected.prefix(3).map(\.value), ["select.0": [3, 0, 6, 4]])
        expectClose(values[1].values, values[0].values.map { 2 * $0 })
        #expect(values[2] == values[0])
    }

    @Test func skippingAModuleGivesItsInput() throws {
        let model = try ToyModel()
        let program = Program {
            Scale(by: 2).on(.blockInput, layer: 1).at(.all)
            Skip().on(.blockOutput, layer: 1).at(.all)
        }
        let spliced = try program.bound(to: model.graph).splice(into: model.graph, mode: .evaluate)
        let input = try #require(spliced.graph.site(SiteID(.blockInput, layer: 1)))
        let output = try #require(spliced.graph.site(SiteID(.blockOutput, layer: 1)))
        #expect(input.value == output.value)
        #expect(output.moduleInput == input.value)
    }

    /// Activation patching: the base run takes over a state of the clean run.
    @Test func interchangeReadsTheFinalValuesOfAnotherRun() throws {
        let model = try ToyModel(runs: ["clean", "base"])
        let program = Program {
            Run("clean") { Scale(by: 2).on(.blockOutput, layer: 1).at(.all) }
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 1).at(.last) }
        }
        let hookGraph = try program.bound(to: model.graph)
        #expect(hookGraph.runs == ["clean", "base"])
        #expect(hookGraph.selections.map(\.run) == ["base", "clean"])
        #expect(hookGraph.selections[1].count == hookGraph.selections[0].count)
        #expect(hookGraph.selections[1].pairedWith == "select.0")
        let spliced = try hookGraph.splice(into: model.graph, mode: .evaluate)
        #expect(spliced.graph.verify() == [])
        let clean = try #require(spliced.graph.site(SiteID(.blockOutput, layer: 1, run: "clean"))?.value)
        let base = try #require(spliced.graph.site(SiteID(.blockOutput, layer: 1))?.value)
        let site = try #require(model.graph.site(SiteID(.blockOutput, layer: 1)))
        let values = try evaluate(
            spliced, [clean, base, spliced.unedited(site.value)], ["select.0": [3, 6], "select.1": [3, 6]],
            runs: ["clean", "base"])
        for row in 0..<7 {
            #expect(values[1].row(row) == values[[3, 6].contains(row) ? 0 : 2].row(row))
        }
        #expect(values[0].row(3) != values[2].row(3))
    }

    @Test func pairedSelectionsRepeatOneRowAndRefuseOthers() throws {
        let model = try ToyModel(runs: ["clean", "base"])
        let source = SourceReference(run: "clean", positions: .last)
        let program = Program {
            Run("clean")
            Run.base { AddSource(from: source).on(.blockOutput, layer: 1).at(.first(2)) }
        }
        let selections = try program.bound(to: model.graph).selections
        let base = [SequenceContext(length: 4), SequenceContext(index: 1, length: 3)]
        let edited = try selections[0].editedRows(in: base)
        #expect(edited == [EditedRows(2), EditedRows(2)])
        #expect(try selections[1].indices(in: base, pairedWith: edited) == [3, 3, 6, 6])
        #expect(try selections[1].indices(in: base, pairedWith: edited, reading: [1, 1]) == [6, 6, 6, 6])
        // A plain list pairs in the order in which it is written.
        let listed = Program {
            Run("clean")
            Run.base {
                AddSource(from: SourceReference(run: "clean", positions: .at(0, 2))).on(.blockOutput, layer: 1).at(
                    2, -3)
            }
        }
        let pair = try listed.bound(to: model.graph).selections
        let given = try pair[0].editedRows(in: base)
        #expect(given == [EditedRows(total: 2, places: [1, 0]), EditedRows(total: 2, places: [1, 0])])
        #expect(try pair[0].indices(in: base) == [1, 2, 4, 6])
        #expect(try pair[1].indices(in: base, pairedWith: given) == [2, 0, 6, 4])
        let two = try program.bound(to: model.graph).selections[0]
        let error = #expect(throws: InterventionError.self) {
            try two.indices(in: base, pairedWith: [EditedRows(2), EditedRows(3)])
        }
        #expect(
            error?.description == "base at f2: sequence 1 gives 2 rows where 3 are edited; "
                + "give as many, or 1 that is repeated")
        let fewer = #expect(throws: InterventionError.self) { try two.indices(in: base, pairedWith: [EditedRows(2)]) }
        #expect(fewer?.description == "select.0: 2 sequences are given where 1 are edited")
    }

    @Test func selectionsCountLiveAndDemandedRows() throws {
        let graph = try ToyModel().graph
        let program = Program {
            Scale(by: 2).on(.logits).at(.last(2))
            Scale(by: 2).on(.blockOutput, layer: 0).at(.sequence.last)
        }
        let selections = try program.bound(to: graph).selections
        let sequences = [SequenceContext(length: 4), SequenceContext(length: 3)]
        #expect(selections[0].rowSpace == .demanded)
        #expect(try selections[0].indices(in: sequences, demanded: [0, 3, 5, 6]) == [1, 2, 3])
        let steps = [
            SequenceContext(promptLength: 4, length: 5, live: 4..<5, isGrowing: true),
            SequenceContext(promptLength: 3, length: 4, live: 3..<4, isGrowing: true),
        ]
        #expect(try selections[0].indices(in: steps) == [])
        #expect(try selections[1].indices(in: steps) == [0, 1])
    }

    @Test func decodingLeavesOutWhatCanOnlyReachThePrompt() throws {
        let graph = try ToyModel().graph
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.first(7) + .last(7))
            Scale(by: 2).on(.blockOutput, layer: 1).at(.generated)
        }
        let hookGraph = try program.bound(to: graph)
        let spliced = try hookGraph.splice(into: graph, mode: .evaluate, decodingOnly: true)
        #expect(spliced.selections.map(\.name) == ["select.2"])
        let added = Set(spliced.graph.nodes.map(\.provenance)).filter {
            if case .declaration = $0 { true } else { false }
        }
        #expect(added == [.declaration(index: 1, name: "scale")])
    }

    @Test func parametersAreNamedAndSharedAsDeclared() throws {
        let graph = try ToyModel().graph
        let ends = Positions.first(7) + .last(7)
        func names(_ declaration: Declaration) throws -> [String] {
            try Program { declaration }.bound(to: graph).parameters.map(\.name)
        }
        let untied = LobiReFT(rank: 1).on(.blockOutput, layers: [0, 2]).at(ends)
        #expect(
            try names(untied) == [
                "lobireft.0.f7.rotation", "lobireft.0.f7.bias", "lobireft.0.l7.rotation", "lobireft.0.l7.bias",
                "lobireft.2.f7.rotation", "lobireft.2.f7.bias", "lobireft.2.l7.rotation", "lobireft.2.l7.bias",
            ])
        #expect(
            try names(untied.tied(across: .positions)) == [
                "lobireft.0.rotation", "lobireft.0.bias", "lobireft.2.rotation", "lobireft.2.bias",
            ])
        #expect(
            try names(untied.tied(across: .layers)) == [
                "lobireft.f7.rotation", "lobireft.f7.bias", "lobireft.l7.rotation", "lobireft.l7.bias",
            ])
        let one = try Program { untied.tied(across: .layers, .positions).named("shared") }.bound(to: graph)
        #expect(one.parameters.map(\.name) == ["shared.rotation", "shared.bias"])
        #expect(one.parameters[0].hooks == [0, 1])
        #expect(one.parameterCount == 9)
        #expect(
            try names(LobiReFT(rank: 1).on(.headOutput, layer: 1, heads: [0, 1]).at(.all)) == [
                "lobireft.1.h0.rotation", "lobireft.1.h0.bias", "lobireft.1.h1.rotation", "lobireft.1.h1.bias",
            ])
        #expect(
            try names(LobiReFT(rank: 1).on(.embedding).at(.all).named("x"))
                == ["x.embedding.rotation", "x.embedding.bias"])
    }

    @Test func modulePathsAndPyveneNamesFindTheirSites() throws {
        let graph = try ToyModel().graph
        func site(_ place: Place) throws -> String {
            let hooks = try Program(declarations: [Declaration(Zero(), on: place, at: .all)]).bound(to: graph).hooks
            return hooks.map { "\($0.shape)" }.joined(separator: ", ")
        }
        #expect(try site(.module("model.layers[1].mlp.output")) == "mlp_output.1")
        #expect(try site(.module("model.layers.1.mlp")) == "mlp_output.1")
        #expect(try site(.module("layers[1].mlp")) == "mlp_output.1")
        #expect(try site(.module("model.layers[2]")) == "block_output.2")
        #expect(try site(.module("model.layers[2].input")) == "block_input.2")
        let heads = Component(rawValue: "head_attention_value_output")
        #expect(
            try site(.layers(heads, [1], heads: nil))
                == "attention_value_output.1 head 0, attention_value_output.1 head 1")
    }

    // MARK: - Running

    private func evaluate(
        _ spliced: SplicedGraph, _ values: [ValueID], _ selections: [String: [Int32]] = [:], runs: [String] = ["base"]
    ) throws -> [Matrix64] {
        let bindings = ToyBindings(runs: runs).bindings(spliced.graph, selections: selections)
        return try Interpreter(spliced.graph).evaluate(values, bindings: bindings)
    }

    private func expectClose(
        _ given: [Double], _ expected: [Double], at location: Testing.SourceLocation = #_sourceLocation
    ) {
        #expect(given.count == expected.count, sourceLocation: location)
        let worst = zip(given, expected).map { abs($0 - $1) }.max() ?? 0
        #expect(worst < 1e-12, sourceLocation: location)
    }
}
