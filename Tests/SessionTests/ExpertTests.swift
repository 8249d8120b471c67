import Graph
import InterventionDSL
import Session
import Testing

/// Interventions on the router and on single experts of a mixture.
@Suite struct ExpertTests {
    private let input = [Example(tokens: [5, 9, 3, 7, 44, 12, 80])]

    private func session(_ program: Program = Program {}) throws -> Session {
        try Session(PeerFixtures.model("olmoe"), program: program)
    }

    private func logits(_ program: Program) throws -> [Float] {
        try #require(session(program).run(input).logits).values
    }

    private let experts = HeadComponent(.expertOutput)

    /// Without what its experts give, or without what they are activated by, a mixture gives nothing.
    @Test func allExperts() throws {
        let expected = try logits(Program { Zero().on(.mlpOutput, layer: 1).at(.all) })
        #expect(try logits(Program { Zero().on(.expertOutput, layer: 1).at(.all) }) == expected)
        #expect(try logits(Program { Zero().on(.mlpActivation, layer: 1).at(.all) }) == expected)
        #expect(try logits(Program {}) != expected)
    }

    /// An edit of one expert changes the rows that go to it, and no row before the first of them.
    @Test func oneExpertActsOnItsRows() throws {
        let plain = try session().run(input, collecting: [SiteID(.routerOutput, layer: 1)])
        let scores = try #require(plain.collected.first)
        let logits = try #require(plain.logits)
        for expert in 0..<5 {
            let isChosen = (0..<scores.rows).map { row -> Bool in
                let scores = scores.values[row * 5..<row * 5 + 5]
                return scores.filter { $0 > scores[scores.startIndex + expert] }.count < 2
            }
            let edited = try session(Program { Zero().on(experts, layer: 1, head: expert).at(.all) }).run(input)
            let values = try #require(edited.logits).values
            for row in 0..<logits.rows {
                let range = row * logits.columns..<(row + 1) * logits.columns
                // Layer 1 is the last one: nothing carries the change to other rows.
                let isSame = zip(values[range], logits.values[range]).allSatisfy { abs($0 - $1) < 1e-4 }
                #expect(isSame == !isChosen[row], "expert \(expert), row \(row)")
            }
        }
    }

    /// A router whose scores of two experts are raised sends every row to them.
    @Test func routerDecides() throws {
        let program = Program {
            Add([0, 100, 0, 100, 0]).on(.routerOutput, layer: 1).at(.all)
            Collect("experts").on(.expertOutput, layer: 1).at(.all)
        }
        let given = try #require(try session(program).run(input).collected.first)
        #expect(given.columns == 5 * 16)
        for row in 0..<given.rows {
            let used = (0..<5).filter { expert in
                given.values[row * 80 + expert * 16..<row * 80 + expert * 16 + 16].contains { $0 != 0 }
            }
            #expect(used == [1, 3])
        }
    }
}
