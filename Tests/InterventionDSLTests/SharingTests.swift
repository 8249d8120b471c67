import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Parameters shared between declarations by name, sources that are constants, and runs that nobody reads.
@Suite struct SharingTests {
    private static func names(_ program: Program) throws -> [String] {
        try program.bound(to: ToyModel().graph).parameters.map(\.name)
    }

    @Test func oneSetIsCountedOnce() throws {
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.last).sharing("owner").named("early")
            LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last).named("owner")
            LoReFT(rank: 2).on(.mlpOutput, layers: .all).at(.first(2) + .last(2)).named("all").sharing("early")
        }
        let hookGraph = try program.bound(to: ToyModel().graph)
        #expect(hookGraph.parameters.map(\.name) == ["owner.1.rotation", "owner.1.weight", "owner.1.bias"])
        #expect(hookGraph.parameters[0].hooks == Array(0..<8))
        #expect(hookGraph.parameterCount == 2 * 8 * 2 + 2)
        #expect(try Program(json: Data(program.json().utf8), registry: .general + .reft) == program)
        let prefixed = program.named("p")
        #expect(try Self.names(prefixed) == ["p/owner.1.rotation", "p/owner.1.weight", "p/owner.1.bias"])
    }

    @Test func severalSetsAreSharedPlaceByPlace() throws {
        let program = Program {
            LobiReFT(rank: 2).on(.blockOutput, layers: [0, 1]).at(.last).named("a")
            LobiReFT(rank: 2).on(.mlpOutput, layers: [1]).at(.last).sharing("a").named("b")
        }
        let hookGraph = try program.bound(to: ToyModel().graph)
        #expect(Set(hookGraph.hooks[2].parameters.map(\.fullName)) == ["a.1.rotation", "a.1.bias"])
    }

    @Test func whatCanNotBeSharedIsRefusedWithBothNames() throws {
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layers: [0, 1]).at(.last).named("a")
            LoReFT(rank: 2).on(.blockOutput, layer: 2).at(.last).named("elsewhere").sharing("a")
            LoReFT(rank: 3).on(.blockOutput, layer: 1).at(.last).named("other rank").sharing("a")
            NoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last).named("other type").sharing("a")
            LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last).named("typo").sharing("aa")
            LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last).named("x").sharing("y")
            LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last).named("y").sharing("x")
        }
        let owner = "'a' (\(program.declarations[0].location))"
        #expect(
            try BindingErrorTests.messages(program) == [
                "'elsewhere': it shares the parameters of \(owner): it has none at 2, only at 0, 1",
                "'other rank': it shares the parameters of \(owner): its 'rotation' is [8, 2], not [8, 3]",
                "'other type': it shares the parameters of \(owner): it has no parameter 'projection'; "
                    + "it has: rotation, weight, bias",
                "'typo': it shares the parameters of 'aa', which is no declaration; there are: a, elsewhere, other rank, "
                    + "other type, x, y; did you mean 'a'?",
                "'x': declarations share each other's parameters in a circle: x → y → x",
                "'y': declarations share each other's parameters in a circle: y → x → y",
            ])
    }

    // MARK: Constant sources

    @Test func aConstantIsReadInPlaceOfARun() throws {
        let model = try ToyModel()
        let row = (0..<8).map { Float($0) / 4 }
        let reference = TensorReference(file: "mean.safetensors", name: "mean", shape: [8])
        let program = Program {
            Interchange(from: .constant(row)).on(.blockOutput, layer: 0).at(.last)
            AddSource(from: .constant(.reference(reference))).on(.mlpOutput, layer: 1).at(.all)
            Interchange(from: .constant([7, 8, 9, 10])).on(.headOutput, layer: 2, head: 1).at(.first)
        }
        let hookGraph = try program.bound(to: model.graph) { _ in row }
        #expect(hookGraph.runs == ["base"])
        let spliced = try hookGraph.splice(into: model.graph, mode: .evaluate)
        #expect(spliced.graph.verify() == [])
        let edited = try #require(model.graph.site(SiteID(.blockOutput, layer: 0)))
        let heads = try #require(model.graph.site(SiteID(.attentionValueOutput, layer: 2)))
        var bindings = ToyBindings().bindings(spliced.graph)
        for selection in hookGraph.selections { bindings.inputs[selection.name] = .indices([3, 6]) }
        let values = try Interpreter(spliced.graph).evaluate(
            [spliced.edited(edited.value), spliced.edited(heads.value)], bindings: bindings)
        #expect(values[0].row(3) == row.map(Double.init) && values[0].row(6) == row.map(Double.init))
        #expect(values[0].row(0) != row.map(Double.init))
        #expect(Array(values[1].row(3)[4..<8]) == [7, 8, 9, 10])
        #expect(try Program(json: Data(program.json().utf8)) == program)
    }

    @Test func constantsAreChecked() throws {
        let program = Program { Interchange(from: .constant([1, 2])).on(.blockOutput, layer: 0).at(.all) }
        #expect(
            try BindingErrorTests.messages(program)
                == ["'interchange': on block_output.0: its constant source has 2 numbers, the site is 8 wide"])
        let missing = TensorReference(file: "a", name: "b", shape: [8])
        let file = Program { AddSource(from: .constant(.reference(missing))).on(.blockOutput, layer: 0).at(.all) }
        #expect(
            try BindingErrorTests.messages(file)
                == ["'addsource': the tensor 'b' of a can not be had: nothing was given to read it with"])
        let text = #"""
            {"format": "swift-reft/program", "version": 1, "declarations": [
              {"intervention": {"type": "Interchange"}, "source": {"run": "a", "constant": [1]}, "site": "logits",
               "positions": "all"}]}
            """#
        let error = #expect(throws: InterventionError.self) { try Program(json: Data(text.utf8)) }
        #expect(error?.description == "declarations[0].source.constant: a constant stands alone")
    }

    // MARK: Runs

    @Test func runsThatNobodyReadsAreNoted() throws {
        let program = Program {
            Run("spare")
            Run("idle") { Zero().on(.blockOutput, layer: 0).at(.all) }
            Run("probed") { Collect().on(.blockOutput, layer: 0).at(.all) }
            Run("inner")
            Run("read") { Interchange(from: "inner").on(.blockOutput, layer: 0).at(.all) }
            Run.base { Interchange(from: "read").on(.blockOutput, layer: 0).at(.all) }
        }
        let runs = program.runs.map(\.name)
        let hookGraph = try program.bound(to: ToyModel(runs: runs).graph)
        #expect(
            hookGraph.notes.map(\.description) == [
                "program: the run 'spare' is declared and read by no declaration",
                "program: the run 'idle' is edited and read by no declaration",
            ])
        #expect(hookGraph.runs(neededFor: []) == ["probed", "inner", "read", "base"])
        #expect(hookGraph.runs(neededFor: ["spare"]).contains("spare"))
        #expect(hookGraph.runs(readBy: "read") == ["inner"])
    }

    private static func read(_ run: String, _ component: Component, _ layer: Int) -> SourceReference {
        SourceReference(run: run, place: .layers(component, [layer], heads: nil))
    }

    /// Runs that read each other are spliced edit by edit, what edits a site before what reads it.
    @Test func runsMayReadEachOther() throws {
        let program = Program {
            Run("a") {
                AddSource(from: Self.read("b", .blockOutput, 1)).on(.blockOutput, layer: 2).at(.all).named("a2")
                AddSource(from: Self.read("b", .mlpOutput, 0)).on(.blockOutput, layer: 0).at(.all).named("a0")
            }
            Run("b") {
                AddSource(from: Self.read("a", .blockOutput, 0)).on(.blockOutput, layer: 1).at(.all).named("b1")
                Zero().on(.mlpOutput, layer: 0).at(.first).named("b0")
            }
            Run.base { Interchange(from: "a").on(.blockOutput, layer: 2).at(.all).named("last") }
        }
        let hookGraph = try program.bound(to: ToyModel(runs: ["a", "b", "base"]).graph)
        #expect(hookGraph.hooks.map(\.name) == ["b0", "a0", "b1", "a2", "last"])
        #expect(hookGraph.runs(neededFor: []) == ["b", "a", "base"])
        #expect(hookGraph.notes == [])
        #expect(hookGraph.parameters == [])
    }

    /// No edit is read before it is made, and yet values run in a circle.
    @Test func circlesOfValuesThroughSeveralRunsAreToldWithTheirPath() throws {
        let program = Program {
            Run("a") {
                AddSource(from: Self.read("b", .blockOutput, 2)).on(.blockOutput, layer: 0).at(.all).named("up")
            }
            Run("b") {
                AddSource(from: Self.read("a", .blockOutput, 2)).on(.blockOutput, layer: 1).at(.all).named("down")
            }
        }
        let message = try BindingErrorTests.messages(program, runs: ["a", "b", "base"]).joined(separator: "|")
        #expect(
            message == "'up': it reads what its own edit changes: a:block_output.0 → a:block_output.1 → "
                + "a:block_output.2 → 'down' → b:block_output.2 → a:block_output.0")
    }

    /// The members of an average stay together where runs read each other.
    @Test func averagesStayWholeWhereRunsReadEachOther() throws {
        let one = Program {
            AddSource(from: Self.read("a", .blockOutput, 0)).on(.blockOutput, layer: 1).at(.all).named("one")
        }
        let two = Program { Zero().on(.blockOutput, layer: 1).at(.all).named("two") }
        let program = Program {
            Average([(one, 0.5), (two, 0.5)])
            Run("a") {
                AddSource(from: Self.read("base", .mlpOutput, 0)).on(.blockOutput, layer: 0).at(.all).named("a0")
            }
        }
        let hookGraph = try program.bound(to: ToyModel(runs: ["a", "base"]).graph)
        #expect(hookGraph.hooks.map(\.name) == ["a0", "one", "two"])
    }

    /// Runs and sites may be read in any order that is no circle; a circle is told with its path.
    @Test func circlesAreToldWithTheirPath() throws {
        let later = Program {
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 0).at(.last) }
            Run("clean") {
                Interchange(from: SourceReference(run: "deep", place: .layers(.mlpOutput, [2], heads: nil)))
                    .on(.blockOutput, layer: 1).at(.last)
            }
            Run("deep")
        }
        #expect(
            try later.bound(to: ToyModel(runs: ["base", "clean", "deep"]).graph).runs == ["deep", "clean", "base"])
        let inOneRun = Program {
            AddSource(from: SourceReference(run: "base", place: .layers(.mlpOutput, [1], heads: nil)))
                .on(.blockOutput, layer: 0).at(.last).named("early")
            AddSource(from: SourceReference(run: "base", place: .layers(.blockOutput, [0], heads: nil)))
                .on(.mlpOutput, layer: 2).at(.last).named("late")
        }
        let message = try BindingErrorTests.messages(inOneRun).joined(separator: "|")
        #expect(
            message == "'early': it reads what its own edit changes: "
                + "block_output.0 → mlp_activation.1 → mlp_output.1 → block_output.0")
        let three = Program {
            Run("a") { Interchange(from: "b").on(.blockOutput, layer: 0).at(.all) }
            Run("b") { Interchange(from: "c").on(.blockOutput, layer: 0).at(.all) }
            Run("c") { Interchange(from: "a").on(.blockOutput, layer: 0).at(.all) }
        }
        #expect(
            try BindingErrorTests.messages(three, runs: ["a", "b", "c", "base"])
                == [
                    "'interchange': edits read each other in a circle: "
                        + "a:block_output.0 → c:block_output.0 → b:block_output.0 → a:block_output.0"
                ])
        let itself = Program { Run("a") { Interchange(from: "a").on(.blockOutput, layer: 0).at(.all) } }
        #expect(
            try BindingErrorTests.messages(itself, runs: ["a", "base"]) == [
                "'interchange': it can never fire: on a:block_output.0 its edit gives back the rows it was given and "
                    + "collects nothing"
            ])
    }
}
