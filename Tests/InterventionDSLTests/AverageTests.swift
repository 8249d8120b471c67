import Foundation
import Graph
import InterventionDSL
import JSON
import ReFTPresets
import Testing

/// h + Σ αᵢ (editᵢ(h) − h), against sums of the values that the members give alone.
@Suite struct AverageTests {
    private static let site = SiteID(.blockOutput, layer: 2)

    private static let low = Program { LoReFT(rank: 2).on(.blockOutput, layer: 2).at(.all).named("low") }
    private static let direct = Program {
        NodiReFT(rank: 3, activation: .relu).on(.blockOutput, layer: 2).at(.all).named("direct")
    }

    /// The edited values of the site, and those before any edit.
    private func values(
        _ program: Program, of id: SiteID = site, selections: [String: [Int32]] = [:]
    ) throws -> (before: [Double], after: [Double]) {
        let graph = try ToyModel().graph
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        #expect(spliced.graph.verify() == [])
        let site = try #require(graph.site(id))
        let found = try Interpreter(spliced.graph).evaluate(
            [spliced.unedited(site.value), spliced.edited(site.value)],
            bindings: ToyBindings().bindings(spliced.graph, selections: selections))
        return (found[0].values, found[1].values)
    }

    private func expectClose(_ found: [Double], _ expected: [Double], line: Int = #line) {
        #expect(found.count == expected.count)
        let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
        #expect(worst < 1e-12, "line \(line): \(worst)")
    }

    @Test func editsAreAddedWithWeights() throws {
        let (h, a) = try values(Self.low)
        let b = try values(Self.direct).after
        let average = try values(Program { Average([(Self.low, 0.7), (Self.direct, 0.3)]) }).after
        let expected = h.indices.map { h[$0] + 0.7 * (a[$0] - h[$0]) + 0.3 * (b[$0] - h[$0]) }
        expectClose(average, expected)
        // The matrices are not averaged, and the members do not chain.
        let chained = try values(
            Program {
                Self.low.scaled(0.7)
                Self.direct.scaled(0.3)
            }
        ).after
        #expect(zip(chained, expected).contains { abs($0 - $1) > 1e-4 })
        #expect(try values(Self.low.averaged(with: Self.direct, weight: 0.3).program).after == average)
        #expect(
            try values(Average(Self.low, Self.direct).program).after
                == values(Average([(Self.low, 0.5), (Self.direct, 0.5)]).program).after)
    }

    /// A member that edits a value several times counts as its whole chain.
    @Test func membersChainWithin() throws {
        let chain = Program {
            Self.low
            Self.direct
        }
        let other = Program { Scale(by: -2).on(.blockOutput, layer: 2).at(.all) }
        let (h, a) = try values(chain)
        let average = try values(Average([(chain, 0.25), (other, 2)]).program).after
        expectClose(average, h.indices.map { h[$0] + 0.25 * (a[$0] - h[$0]) + 2 * (-3 * h[$0]) })
    }

    @Test func averagesHoldAveragesAndStandInPrograms() throws {
        func scale(_ factor: Double) -> Program {
            Program { Scale(by: factor).on(.blockOutput, layer: 2).at(.all) }
        }
        let inner = Program {
            scale(2)
            Average([(scale(3), 0.5), (scale(5), 0.25)])
        }
        // 2h + 0.5 · 4h + 0.25 · 8h = 6h; then h + 0.1 · 5h + 0.5 · 9h = 6h; then 2 · 6h and once more 0.5 · (…).
        let program = Program {
            Average([(inner, 0.1), (scale(10), 0.5)])
            scale(2)
            Average([(scale(3), 1)])
            Average([(scale(0), 0.5)])
        }
        let (h, after) = try values(program)
        expectClose(after, h.map { $0 * 6 * 2 * 3 * 0.5 })
    }

    /// Rows and heads that one member edits are not touched by what another one edits.
    @Test func membersMayEditDifferentRowsAndHeads() throws {
        let rows = Program { Scale(by: 3).on(.headOutput, layer: 1, head: 0).at(.first) }
        let all = Program { Scale(by: 5).on(.attentionValueOutput, layer: 1).at(.all) }
        let site = SiteID(.attentionValueOutput, layer: 1)
        let (h, after) = try values(
            Average([(rows, 0.5), (all, 0.5)]).program, of: site, selections: ["select.0": [0, 4]])
        let expected = h.indices.map { place in
            let isHead = [0, 4].contains(place / 8) && place % 8 < 4
            return h[place] * (isHead ? 4 : 3)
        }
        expectClose(after, expected)
        let program = Average([
            (rows, 1),
            (
                Program {
                    rows
                    rows
                }, 1
            ),
        ]).program
        let twice = try values(program, of: site, selections: ["select.0": [0, 4]]).after
        expectClose(
            twice,
            h.indices.map { [0, 4].contains($0 / 8) && $0 % 8 < 4 ? h[$0] * (1 + 2 + 8) : h[$0] })
    }

    /// What a member reads elsewhere is what was there before the average, whatever the member before it edited.
    @Test func membersDoNotReadEachOther() throws {
        let zero = Program { Zero().on(.blockInput, layer: 2).at(.all) }
        let skip = Program { Skip().on(.blockOutput, layer: 2).at(.all) }
        let input = try values(Program {}, of: SiteID(.blockInput, layer: 2)).after
        let unedited = try values(skip).before
        let (h, after) = try values(Average([(zero, 0), (skip, 1)]).program)
        // With weight 0 the first member edits nothing in the end.
        expectClose(h, unedited)
        expectClose(after, input)
    }

    @Test func membersDoNotOverlap() throws {
        let graph = try ToyModel().graph
        let average = Average([(Self.low, 0.5), (Self.direct, 0.5)]).program
        #expect(try average.bound(to: graph, overlaps: .error).notes.isEmpty)
        let chained = Program {
            average
            Scale(by: 2).on(.blockOutput, layer: 2).at(.all)
        }
        let direct = Self.direct.declarations[0].location
        #expect(
            try chained.bound(to: graph).notes.map { "\($0.error)" } == [
                "it edits rows of block_output.2 that 'direct' (\(direct)) edits too, and 1 more before it"
            ])
        #expect("\(try average.bound(to: graph))".contains("at all rows, weight 0.5 in average 0"))
    }

    @Test func weightsAreFiniteNumbers() throws {
        let program = Average([(Self.low, .nan)]).program
        #expect(
            try BindingErrorTests.messages(program) == [
                "'low': its weight in an average is nan; a weight is a finite number"
            ])
        #expect(throws: EncodingError.self) { try program.json() }
    }

    // MARK: Files

    @Test func averagesAreWrittenAndRead() throws {
        let program = Program {
            Self.low
            Average([(Self.direct, 0.5), (Average([(Self.low.named("x"), 2)]), -1)])
            Average([(Self.low.named("y"), 1)])
        }
        let text = try program.json()
        let read = try Program(json: Data(text.utf8), registry: .general + .reft)
        #expect(read == program)
        #expect(try read.json() == text)
        let document = try JSONValue(parsing: Array(text.utf8))
        guard case .array(let list) = document["declarations"] else { throw CancellationError() }
        #expect(list.count == 3 && list[1]["average"] != nil)
        #expect(
            "\(read.declarations[2].location)"
                == "declarations[1].average[1].declarations[0].average[0].declarations[0]")
    }

    @Test(arguments: [
        (
            #"{"average": []}"#,
            "declarations[0].average: an average needs at least one member, with a weight and declarations"
        ),
        (#"{"average": [{"weight": 1, "declarations": []}]}"#, nil),
        (#"{"average": 3}"#, "declarations[0].average: the number 3 is given where a list is needed"),
        (#"{"average": [{"declarations": []}]}"#, "declarations[0].average[0]: the key 'weight' is missing"),
        (#"{"average": [{"weight": 1}]}"#, "declarations[0].average[0]: the key 'declarations' is missing"),
        (
            #"{"average": [{"wieght": 1, "declarations": []}]}"#,
            "declarations[0].average[0]: unknown key 'wieght'; allowed: weight, declarations; did you mean 'weight'?"
        ),
        (
            #"{"average": [], "name": "x"}"#,
            "declarations[0]: unknown key 'name'; allowed: average"
        ),
    ]) func filesAreCheckedWithTheirPaths(declaration: String, message: String?) throws {
        let text = #"{"format": "swift-reft/program", "version": 1, "declarations": [\#(declaration)]}"#
        do throws(InterventionError) {
            _ = try Program(json: Data(text.utf8))
            #expect(message == nil)
        } catch {
            #expect("\(error)" == message)
        }
    }
}
