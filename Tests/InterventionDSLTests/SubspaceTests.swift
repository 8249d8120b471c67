import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Edits in chosen coordinates only: declared, checked, spliced and written.
@Suite struct SubspaceTests {
    /// The rows of block_output(0) before and after a program, on four and three rows.
    private func rows(
        _ program: Program, bound: [String: Interpreter.BoundInput] = [:], selections: [String: [Int32]] = [:]
    ) throws -> (before: Matrix64, after: Matrix64) {
        let graph = try ToyModel().graph
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        #expect(spliced.graph.verify() == [])
        var bindings = ToyBindings().bindings(spliced.graph, selections: selections)
        bindings.inputs.merge(bound) { $1 }
        let site = try #require(graph.site(SiteID(.blockOutput, layer: 0)))
        let values = try Interpreter(spliced.graph).evaluate(
            [spliced.unedited(site.value), spliced.edited(site.value)], bindings: bindings)
        return (values[0], values[1])
    }

    @Test func columnsOutsideStayAsTheyAre() throws {
        let program = Program { Scale(by: 3).on(.blockOutput, layer: 0).at(.all).subspace([1, 6]).scaled(0.5) }
        let (before, after) = try rows(program)
        for row in 0..<7 {
            for column in 0..<8 {
                let expected = [1, 6].contains(column) ? 2 * before[row, column] : before[row, column]
                #expect(abs(after[row, column] - expected) < 1e-12)
            }
        }
    }

    /// R with the columns 0 and 2 only, written as a LoReFT whose other coordinates are cut out.
    @Test func lowRankTypesSelectColumnsOfR() throws {
        let types: [any Intervention] = [
            LoReFT(rank: 3, activation: .relu), NoReFT(rank: 3, addBias: true), ConsReFT(rank: 3), LobiReFT(rank: 3),
            DiReFT(rank: 3), NodiReFT(rank: 3),
        ]
        for type in types {
            func program(_ coordinates: [Int]) -> Program {
                Program(declarations: [
                    Declaration(
                        type, on: .layers(.blockOutput, [0], heads: nil), at: .all, name: "edit",
                        subspace: .fixed(coordinates))
                ])
            }
            let whole = try rows(program([0, 1, 2]))
            let parts = try [[0, 2], [1]].map { try rows(program($0)) }
            #expect(whole.before != whole.after)
            for place in whole.before.values.indices {
                // The edits in disjoint subspaces add up to the edit in all of them.
                let sum = parts.reduce(0.0) { $0 + $1.after.values[place] - $1.before.values[place] }
                #expect(abs(whole.after.values[place] - whole.before.values[place] - sum) < 1e-12, "\(type)")
            }
            #expect(parts[0].after != whole.after && parts[1].after != whole.after)
        }
    }

    @Test func examplesChooseTheirRows() throws {
        let program = Program {
            Zero().on(.blockOutput, layer: 0).at(.last(2)).subspaces(["left": [0, 1], "right": [6, 7]])
        }
        let graph = try ToyModel().graph
        let hookGraph = try program.bound(to: graph)
        let mask = try #require(hookGraph.masks.first)
        #expect(hookGraph.masks.count == 1 && mask.name == "subspace.0" && mask.declaration == "zero")
        let sequences = [SequenceContext(length: 4), SequenceContext(index: 1, length: 3)]
        let values = try mask.values(
            in: sequences, choices: [.parts(["right"]), .coordinates([3])], demanded: [])
        let right: [Float] = [0, 0, 0, 0, 0, 0, 1, 1]
        let third: [Float] = [0, 0, 0, 1, 0, 0, 0, 0]
        #expect(values == right + right + third + third)
        #expect(
            try mask.values(in: sequences, choices: [nil, .parts([])], demanded: []).prefix(16).allSatisfy { $0 == 1 })

        let given = Matrix64(rows: 4, columns: 8, values: values.map(Double.init))
        let (before, after) = try rows(
            program, bound: ["subspace.0": .real(given)], selections: ["select.0": [2, 3, 5, 6]])
        for row in 0..<7 {
            let zeros = [2, 3].contains(row) ? [6, 7] : [5, 6].contains(row) ? [3] : []
            for column in 0..<8 {
                #expect(abs(after[row, column] - (zeros.contains(column) ? 0 : before[row, column])) < 1e-12)
            }
        }
    }

    /// Rows of logits that are read, and one row for each sequence.
    @Test func masksCountTheRowsOfTheirSite() throws {
        let program = Program {
            Scale(by: 2).on(.logits).at(.all).subspaces().named("scores")
            Scale(by: 2).on(.logits).at(.last).subspaces().named("last")
            Scale(by: 2).on(.poolerOutput).at(.all).subspaces().named("pooled")
        }
        let masks = try program.bound(to: ToyModel().graph).masks
        let sequences = [SequenceContext(length: 2), SequenceContext(index: 1, length: 3)]
        func first(_ mask: SubspaceMask) throws -> [Float] {
            let values = try mask.values(
                in: sequences, choices: [.coordinates([0]), .coordinates([1])], demanded: [1, 2, 4])
            return stride(from: 0, to: values.count, by: mask.coordinateCount).map { values[$0] }
        }
        #expect(masks.map(\.name) == ["subspace.0", "subspace.1", "subspace.2"])
        #expect(try first(masks[0]) == [1, 0, 0])
        #expect(try first(masks[1]) == [1, 0])
        #expect(try first(masks[2]) == [1, 0])
    }

    /// Hooks of one declaration with as many coordinates on the same rows read one mask.
    @Test func layersShareAMask() throws {
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first + .last).subspaces() }
        #expect(try program.bound(to: ToyModel().graph).masks.map(\.selection?.name) == ["select.0", "select.1"])
    }

    @Test(
        arguments: [
            (
                .fixed([8]),
                "zero: on block_output.0: its subspace names the coordinate 8; Zero has coordinates 0-7 here"
            ),
            (
                .fixed([-1]),
                "zero: on block_output.0: its subspace names the coordinate -1; Zero has coordinates 0-7 here"
            ),
            (.fixed([2, 2]), "zero: on block_output.0: its subspace names the coordinate 2 twice"),
            (.fixed([]), "zero: on block_output.0: its subspace names no coordinate"),
            (
                .perExample(["a": [0, 1], "b": [1, 9]]),
                "zero: on block_output.0: the part 'b' of its subspace names the coordinate 9; Zero has coordinates 0-7 "
                    + "here|zero: on block_output.0: the parts 'a' and 'b' of its subspace share the coordinate 1"
            ),
            (
                .perExample(["": [], "b": [1]]),
                "zero: on block_output.0: the name of a part of its subspace is empty|"
                    + "zero: on block_output.0: the part '' of its subspace names no coordinate"
            ),
        ] as [(Subspace, String)])
    func whatIsWrongWithASubspace(subspace: Subspace, message: String) throws {
        let program = Program(declarations: [
            Declaration(Zero(), on: .layers(.blockOutput, [0], heads: nil), at: .all, subspace: subspace)
        ])
        #expect(try messages(program) == message)
    }

    private func messages(_ program: Program) throws -> String {
        let graph = try ToyModel().graph
        do {
            _ = try program.bound(to: graph)
            return ""
        } catch {
            return error.problems.map { "\($0.declaration): \($0.error)" }.joined(separator: "|")
        }
    }

    @Test func ranksAreCoordinates() throws {
        #expect(
            try messages(Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.all).subspace([1, 2]) })
                == "loreft: on block_output.0: its subspace names the coordinate 2; LoReFT has coordinates 0-1 here")
        #expect(
            try messages(Program { LobiReFT(rank: 1).subspace([1]).on(.blockOutput, layer: 0).at(.all) })
                == "lobireft: on block_output.0: its subspace names the coordinate 1; LobiReFT has the coordinate 0 here"
        )
    }

    /// A type that has no coordinates, and one that has some of its own and forgets them.
    @Test func typesSayWhatCoordinatesTheyHave() throws {
        struct Own: Intervention {
            var count: Int?
            func coordinates(at site: SiteShape) -> SubspaceCoordinates { count.map { .own($0) } ?? .none }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows * 2 }
        }
        #expect(
            try messages(Program { Own().on(.blockOutput, layer: 0).at(.all).subspace([0]) })
                == "own: on block_output.0: Own has no coordinates of which a subspace could be selected")
        #expect(
            try messages(Program { Own(count: 3).on(.blockOutput, layer: 0).at(.all).subspace(0..<2) })
                == "own: on block_output.0: it has coordinates of its own and does not multiply them by "
                + "context.subspaceMask()")
    }

    @Test func choicesThatDoNotExist() throws {
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.all).subspaces(["style": [0], "topic": [1]])
        }
        let mask = try #require(try program.bound(to: ToyModel().graph).masks.first)
        func message(_ choice: SubspaceChoice) -> String {
            do throws(InterventionError) {
                _ = try mask.coordinates(of: choice, sequence: 4)
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message(.parts(["style", "tpic"]))
                == "sequence 4: the subspace of 'loreft' has no part 'tpic'; it has: style, topic; did you mean 'topic'?"
        )
        #expect(
            message(.coordinates([0, 2])) == "sequence 4: the subspace of 'loreft' has no coordinate 2; it has 0-1")
        #expect(message(.parts(["style", "topic"])) == "")
    }

    /// Columns that another declaration does not touch are no overlap.
    @Test func disjointColumnsDoNotOverlap() throws {
        func notes(_ second: [Int]) throws -> Int {
            try Program {
                Zero().on(.blockOutput, layer: 0).at(.all).subspace([0, 1])
                Scale(by: 2).on(.blockOutput, layer: 0).at(.last).subspace(second)
            }.bound(to: ToyModel().graph).notes.count
        }
        #expect(try notes([2, 3]) == 0 && notes([1, 2]) == 1)
    }

    @Test func collectedRowsAreCut() throws {
        let program = Program {
            Collect("cut").on(.blockOutput, layer: 0).at(.all).subspace([5, 0])
            Collect("whole").on(.blockOutput, layer: 0).at(.all)
        }
        let graph = try ToyModel().graph
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        let values = try Interpreter(spliced.graph).evaluate(
            spliced.collected.map(\.value), bindings: ToyBindings().bindings(spliced.graph))
        #expect(values[0].columns == 2)
        for row in 0..<7 { #expect(values[0].row(row) == [values[1][row, 5], values[1][row, 0]]) }
    }

    @Test func files() throws {
        let program = Program {
            LoReFT(rank: 4).on(.blockOutput, layer: 0).at(.last).subspaces(["topic": [2, 3], "style": [0, 1]])
            Zero().on(.blockOutput, layer: 1).at(.all).subspace([7])
            Zero().on(.blockOutput, layer: 2).at(.all).subspaces()
        }
        let text = try program.json()
        #expect(text.contains(#""subspace": { "style": [0, 1], "topic": [2, 3] }"#))
        #expect(text.contains(#""subspace": [7]"#) && text.contains(#""subspace": {}"#))
        #expect(try Program(json: Data(text.utf8), registry: .general + .reft) == program)
        for (given, message) in [
            (#"{"style": 3}"#, "declarations[0].subspace.style: the number 3 is given where a list is needed"),
            (
                #""style""#,
                #"declarations[0].subspace: the string "style" is given where a list, "#
                    + "or an object of lists by name, is needed"
            ),
            ("[1.5]", "declarations[0].subspace[0]: the number 1.5 is given where a whole number is needed"),
        ] {
            let damaged = #"""
                {"format": "swift-reft/program", "version": 1, "declarations": [{"intervention": {"type": "Zero"},
                 "site": "block_output.0", "positions": "all", "subspace": \#(given)}]}
                """#
            let error = #expect(throws: InterventionError.self) { try Program(json: Data(damaged.utf8)) }
            #expect(error?.description == message)
        }
    }

    @Test func hookGraphsShowThem() throws {
        let program = Program {
            Zero().on(.blockOutput, layer: 1).at(.all).subspace([0, 7])
            LoReFT(rank: 2).on(.blockOutput, layer: 2).at(.last).subspaces(["style": [0], "topic": [1]])
        }
        let hookGraph = try program.bound(to: ToyModel().graph)
        let lines = hookGraph.description.split(separator: "\n")
        #expect(lines[2].contains("Zero on block_output.1 [8] at all rows, in coordinates 0,7 of 8   ;"))
        #expect(
            lines[3].contains(
                "at l1 = select.0, in the coordinates of 2 that examples choose (style 0; topic 1) = subspace.0   ;"))
        #expect(try hookGraph.json().contains(#""subspace": "coordinates 0,7 of 8""#))
    }
}
