import Graph
import InterventionDSL
import ReFTPresets
import Testing

@Suite struct ProgramBuilderTests {
    let one = Zero().on(.blockOutput, layer: 1).at(.all)
    let two = Scale(by: 2).on(.mlpOutput, layer: 0).at(.last)

    @Test func aBlockListsDeclarationsInOrder() {
        let program = Program {
            one
            two
        }
        #expect(program == Program(declarations: [one, two]))
        #expect(program != Program(declarations: [two, one]))
        #expect(Program {}.isEmpty)
    }

    @Test(arguments: [true, false]) func optionalsAndBranches(flag: Bool) {
        let optional = Program { if flag { one } }
        #expect(optional == Program(declarations: flag ? [one] : []))
        let branch = Program {
            if flag {
                one
            } else {
                two
            }
        }
        #expect(branch == Program(declarations: [flag ? one : two]))
    }

    @Test func loopsRepeat() {
        let program = Program {
            for layer in 0..<3 { Zero().on(.attentionOutput, layer: layer).at(.all) }
        }
        #expect(program.declarations.map(\.place) == (0..<3).map { .layers(.attentionOutput, [$0], heads: nil) })
    }

    @Test func availabilityBlocks() {
        let program = Program { if #available(macOS 15, *) { one } }
        #expect(program.declarations == [one])
    }

    /// Stands for a trained adapter.
    struct Adapter: ProgramConvertible { let program: Program }

    @Test func programsAndAdaptersNest() {
        let adapter = Adapter(program: Program { two })
        let program = Program {
            Program { one }
            adapter
            adapter.scaled(0.5)
            adapter.named("brevity")
        }
        #expect(program.declarations == [one, two, two.scaled(0.5), two.named("brevity/scale")])
    }

    @Test func aProgramThrowsWhatItsBlockThrows() {
        struct Failure: Error {}
        func layer() throws(Failure) -> Int { throw Failure() }
        #expect(throws: Failure.self) {
            try Program { Zero().on(.blockOutput, layer: try layer()).at(.all) }
        }
    }

    @Test func runsOfTheSameNameJoinAndTheBaseComesLast() {
        let program = Program {
            one
            Run("clean")
            Run.base { two }
            Run("noisy") { one }
            Run("clean") { two }
        }
        #expect(
            program.runs == [
                ProgramRun(name: "clean", declarations: [two]), ProgramRun(name: "noisy", declarations: [one]),
                ProgramRun(name: "base", declarations: [one, two]),
            ])
    }

    @Test func aRunTakesProgramsWithTheirSources() {
        let patch = Program {
            Run("clean")
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 1).at(.last) }
        }
        let program = Program { Run("noisy") { patch } }
        #expect(program.runs.map(\.name) == ["clean", "noisy", "base"])
        #expect(program.runs[1].declarations == patch.declarations)
    }

    @Test func modifiersCommute() {
        let placed = LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(7) + .last(7))
        let expected = placed.named("a").scaled(0.5).tied(across: .positions, .layers)
        #expect(
            LoReFT(rank: 2).named("a").at(.first(7) + .last(7)).scaled(0.5).tied(across: .positions)
                .on(.blockOutput, layers: .all).tied(across: .layers) == expected)
        #expect(LoReFT(rank: 2).scaled(0.5).scaled(0.5).on(.embedding).at(.all).scale == 0.25)
    }

    @Test func placesAndPositionsInEveryForm() {
        let zero = Zero()
        #expect(zero.on(.blockOutput, layers: [2, 0, 2]).at(.all).place == .layers(.blockOutput, [0, 2], heads: nil))
        #expect(zero.on(.blockOutput, layers: 1..<3).at(.all).place == .layers(.blockOutput, [1, 2], heads: nil))
        #expect(zero.on(.blockOutput, layers: 1...).at(.all).place == .layers(.blockOutput, Layers(1...), heads: nil))
        #expect(
            zero.on(.headOutput, layer: 5, heads: [0, 3]).at(.all).place
                == .layers(.attentionValueOutput, [5], heads: [0, 3]))
        #expect(zero.on(.embedding).at(.all).place == .model(.embedding))
        #expect(zero.on(.module("a.b")).at(.all).place == .module("a.b"))
        #expect(zero.on(.embedding).at(3, -1).positions == .at(3, -1))
        #expect(zero.on(.embedding).at([3]).positions == .at(3))
        #expect(zero.on(.embedding).at(1...3).positions == .rows(from: 1, through: 3))
        #expect(zero.on(.embedding).at(1..<3).positions == .rows(from: 1, through: 2))
        #expect(zero.on(.embedding).at(.last).positions == .last(1))
    }

    @Test func declarationsRememberTheLineOfTheFirstModifier() {
        let line: UInt = #line + 2
        let declaration = Zero()
            .on(.blockOutput, layer: 1)
            .at(.all)
        #expect(declaration.location.description == "ProgramBuilderTests.swift:\(line)")
    }

    @Test func namesAreMadeUnique() {
        let lora = LoReFT(rank: 1).on(.blockOutput, layer: 0).at(.all)
        let program = Program {
            lora
            lora.named("loreft-2")
            lora
            Collect("probe").on(.blockOutput, layer: 0).at(.all)
        }
        #expect(program.withNames().declarations.map(\.name) == ["loreft", "loreft-2", "loreft-3", "probe"])
    }
}
