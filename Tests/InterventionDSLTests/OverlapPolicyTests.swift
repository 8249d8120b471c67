import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

@Suite struct OverlapPolicyTests {
    private func rows(_ hookGraph: HookGraph, _ name: String, _ sequence: SequenceContext) throws -> [Int] {
        try hookGraph.hooks.filter { $0.name == name }.flatMap { try $0.positions.rows(in: sequence) }.sorted()
    }

    private func scale(_ positions: Positions, _ component: Component = .blockOutput, layer: Int = 1) -> Declaration {
        Scale(by: 2).on(component, layer: layer).at(positions)
    }

    @Test func theHigherPriorityTakesTheRows() throws {
        let program = Program {
            scale(.first(3) + .last(2)).named("ends").priority(1)
            scale(.all).named("all")
            scale(.field("subject")).named("subject").priority(2)
        }.overlaps(.priority)
        let hookGraph = try program.bound(to: ToyModel().graph)
        let sequence = SequenceContext(length: 8, fields: ["subject": [1, 4]])
        #expect(try rows(hookGraph, "subject", sequence) == [1, 4])
        #expect(try rows(hookGraph, "ends", sequence) == [0, 2, 6, 7])
        #expect(try rows(hookGraph, "all", sequence) == [3, 5])
        // Both ends share a short prompt, and so does what they leave.
        #expect(try rows(hookGraph, "all", SequenceContext(length: 3, fields: ["subject": [0]])) == [])
        let lines = program.declarations.map { "\($0.location)" }
        #expect(
            hookGraph.notes.map { "\($0)" } == [
                "\(lines[1]): 'all': it leaves the rows of block_output.1 that 'ends' (\(lines[0])) edits to it",
                "\(lines[0]): 'ends': it leaves the rows of block_output.1 that 'subject' (\(lines[2])) edits to it",
                "\(lines[1]): 'all': it leaves the rows of block_output.1 that 'subject' (\(lines[2])) edits to it",
            ])
    }

    @Test func ofEqualPrioritiesTheLaterTakesTheRows() throws {
        let program = Program {
            scale(.at(0, 1, 2)).named("a")
            scale(.at(2, 3), .blockInput, layer: 2).named("b")
        }
        let hookGraph = try program.bound(to: ToyModel().graph, overlaps: .priority)
        let sequence = SequenceContext(length: 5)
        #expect(try rows(hookGraph, "a", sequence) == [0, 1] && rows(hookGraph, "b", sequence) == [2, 3])
        let chained = try program.bound(to: ToyModel().graph)
        #expect(try rows(chained, "a", sequence) == [0, 1, 2])
    }

    /// What is computed: each row is edited by one of them only.
    @Test func onlyOneOfThemActsOnARow() throws {
        let model = try ToyModel()
        let program = Program {
            Scale(by: 2).on(.blockOutput, layer: 2).at(.all)
            Scale(by: 5).on(.blockOutput, layer: 2).at(.last)
        }.overlaps(.priority)
        let hookGraph = try program.bound(to: model.graph)
        let spliced = try hookGraph.splice(into: model.graph, mode: .evaluate)
        let sequences = [SequenceContext(index: 0, length: 4), SequenceContext(index: 1, length: 3)]
        var selections: [String: [Int32]] = [:]
        for selection in hookGraph.selections { selections[selection.name] = try selection.indices(in: sequences) }
        let site = try #require(model.graph.site(SiteID(.blockOutput, layer: 2)))
        let values = try Interpreter(spliced.graph).evaluate(
            [spliced.unedited(site.value), spliced.edited(site.value)],
            bindings: ToyBindings().bindings(spliced.graph, selections: selections))
        for row in 0..<7 {
            for column in 0..<8 {
                #expect(values[1][row, column] == values[0][row, column] * ([3, 6].contains(row) ? 5 : 2))
            }
        }
    }

    @Test func oneThatIsLeftWithoutAnyRowIsAProblem() throws {
        let program = Program {
            Scale(by: 2).on(.blockOutput, layers: [0, 1]).at(.first(2)).named("a")
            Scale(by: 2).on(.blockOutput, layer: 0).at(.first(3) + .last(1)).named("b")
            Scale(by: 2).on(.headOutput, layer: 1, head: 0).at(.last).named("head")
            Scale(by: 2).on(.attentionValueOutput, layer: 1).at(.all).named("heads")
        }
        #expect(
            try BindingErrorTests.messages(program, overlaps: .priority) == [
                "'head': it can never fire: all of its rows go to 'heads' (\(program.declarations[3].location)), by the "
                    + "priority of overlaps"
            ])
        // On layer 1 the first one still acts.
        let hooks = try Program(declarations: Array(program.declarations.prefix(2)))
            .bound(to: ToyModel().graph, overlaps: .priority).hooks
        #expect(hooks.map { "\($0.name) \($0.shape)" } == ["a block_output.1", "b block_output.0"])
    }

    @Test func overlapsThatDependOnTheBatchAreFoundWithIt() throws {
        let program = Program {
            scale(.at(0, 1)).named("front")
            scale(.last(2)).named("back")
            scale(.field("subject")).named("subject")
        }.overlaps(.error)
        let hookGraph = try program.bound(to: ToyModel().graph)
        let lines = program.declarations.map { "\($0.location)" }
        func message(_ length: Int, _ subject: [Int]) -> String? {
            let sequence = SequenceContext(index: 4, length: length, fields: ["subject": subject])
            do throws(InterventionError) {
                for selection in hookGraph.selections { _ = try selection.indices(in: [sequence]) }
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(message(5, [2]) == nil)
        #expect(
            message(3, [2])
                == "sequence 4: 'back' (\(lines[1])) and 'front' (\(lines[0])) both edit row 1 of block_output.1, and "
                + "overlaps are errors in this program")
        #expect(
            message(6, [1, 2, 4, 5])
                == "sequence 4: 'subject' (\(lines[2])) and 'front' (\(lines[0])) both edit row 1 of block_output.1, and "
                + "overlaps are errors in this program")
        #expect(
            message(6, [3, 4, 5])
                == "sequence 4: 'subject' (\(lines[2])) and 'back' (\(lines[1])) both edit the rows 4, 5 of "
                + "block_output.1, and overlaps are errors in this program")
    }

    @Test func sureOverlapsAreProblemsOfTheProgram() throws {
        let program = Program {
            scale(.all).named("a")
            scale(.last).named("b")
            Collect().on(.blockOutput, layer: 1).at(.all)
        }.overlaps(.error)
        #expect(
            try BindingErrorTests.messages(program) == [
                "'b': it edits rows of block_output.1 that 'a' (\(program.declarations[0].location)) edits too"
            ])
        #expect(try BindingErrorTests.messages(program, overlaps: .chain) == [])
    }

    private func edit(_ name: String, _ positions: Positions, sharing other: String? = nil) -> Declaration {
        let declaration = LoReFT(rank: 4).on(.blockOutput, layer: 1).at(positions).named(name)
        return other.map { declaration.sharing($0) } ?? declaration
    }

    /// Coordinates of one rotation are directions at right angles; those of two are not.
    @Test func disjointSubspacesOfOneRotationDoNotOverlap() throws {
        func program(_ second: [Int], sharing: Bool) -> Program {
            var (style, topic) = (edit("style", .all), edit("topic", .last, sharing: sharing ? "style" : nil))
            (style.subspace, topic.subspace) = (.fixed([0, 1]), .fixed(second))
            return Program {
                style
                topic
            }
        }
        let disjoint = program([2, 3], sharing: true)
        #expect(try disjoint.bound(to: ToyModel().graph).notes == [])
        #expect(try BindingErrorTests.messages(disjoint, overlaps: .error) == [])
        let kept = try disjoint.bound(to: ToyModel().graph, overlaps: .priority)
        #expect(kept.notes == [])
        #expect(kept.hooks.map { "\($0.name) \($0.positions)" } == ["style all", "topic l1"])
        for other in [program([1, 2], sharing: true), program([2, 3], sharing: false)] {
            #expect(
                try BindingErrorTests.messages(other, overlaps: .error) == [
                    "'topic': it edits rows of block_output.1 that 'style' (\(other.declarations[0].location)) edits too"
                ])
        }
    }

    /// Where examples choose coordinates, it is decided with them.
    @Test func chosenSubspacesAreComparedWithTheBatch() throws {
        var (style, topic) = (edit("style", .all), edit("topic", .last, sharing: "style"))
        (style.subspace, topic.subspace) = (.fixed([0, 1]), .perExample(["own": [2, 3]]))
        let program = Program {
            style
            topic
        }.overlaps(.error)
        let hookGraph = try program.bound(to: ToyModel().graph)
        func message(_ choice: SubspaceChoice?) -> String? {
            var sequence = SequenceContext(index: 2, length: 5)
            sequence.subspaces["topic"] = choice
            do throws(InterventionError) {
                for selection in hookGraph.selections { _ = try selection.indices(in: [sequence]) }
                return nil
            } catch {
                return "\(error)"
            }
        }
        let lines = program.declarations.map { "\($0.location)" }
        let contested =
            "sequence 2: 'topic' (\(lines[1])) and 'style' (\(lines[0])) both edit row 4 of block_output.1, and overlaps "
            + "are errors in this program"
        #expect(message(.parts(["own"])) == nil)
        #expect(message(.coordinates([3])) == nil)
        #expect(message(.coordinates([])) == nil)
        #expect(message(.coordinates([1, 2])) == contested)
        #expect(message(nil) == contested)
    }

    @Test func theStrictestPolicyIsKept() {
        let (plain, priority, error) = (
            Program { scale(.last) }, Program { scale(.last) }.overlaps(.priority), Program {}.overlaps(.error)
        )
        #expect(Program { plain }.overlaps == .chain)
        #expect(
            Program {
                plain
                priority
            }.overlaps == .priority)
        #expect(
            Program {
                error
                Run.base { priority }
            }.overlaps == .error)
        #expect(Average([(plain, 1), (priority, 1)]).program.overlaps == .priority)
        #expect(priority.scaled(2).overlaps == .priority && priority.named("x").overlaps == .priority)
    }

    @Test func policiesAndPrioritiesAreWrittenAndRead() throws {
        let program = Program {
            scale(.last).priority(-3)
            scale(.first)
        }.overlaps(.priority)
        let text = try program.json()
        #expect(text.contains(#""overlaps": "priority""#) && text.contains(#""priority": -3"#))
        #expect(try Program(json: Data(text.utf8)) == program)
        #expect(try !Program { scale(.last) }.json().contains("overlaps"))
        let wrong = #"{"format": "swift-reft/program", "version": 1, "overlaps": "prioriti", "declarations": []}"#
        #expect {
            try Program(json: Data(wrong.utf8))
        } throws: {
            "\($0)" == "overlaps: unknown policy 'prioriti'; allowed: chain, error, priority; did you mean 'priority'?"
        }
    }
}
