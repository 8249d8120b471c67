import Graph
import InterventionDSL
import Testing

/// What an intervention may read while it builds its edit.
@Suite struct EditContextTests {
    /// h → what is read, to see it.
    struct Reading: Intervention {
        enum Subject: String, Codable { case moduleInput, otherSite, unedited, weight, source }
        var subject: Subject
        var source: SourceReference?

        var sources: [SourceReference] { source.map { [$0] } ?? [] }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            switch subject {
            case .moduleInput: try context.moduleInput()
            case .otherSite: try context.rows(of: .attentionOutput, layer: 0)
            case .unedited: context.uneditedRows
            case .weight: rows.times(try context.weight("layers.0.out.weight"))
            case .source: try context.source()
            }
        }
    }

    /// The edited rows of block_output(1), and values of the model as they are before the edits of their own sites.
    private func read(
        _ program: Program, _ sites: [SiteID], selections: [String: [Int32]] = ["select.0": [3, 6]]
    ) throws -> (edited: Matrix64, others: [Matrix64]) {
        let graph = try ToyModel().graph
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        let wanted = try #require(spliced.graph.site(SiteID(.blockOutput, layer: 1))?.value)
        let others = try sites.map { spliced.unedited(try #require(graph.site($0)).value) }
        let bindings = ToyBindings().bindings(spliced.graph, selections: selections)
        let values = try Interpreter(spliced.graph).evaluate([wanted] + others, bindings: bindings)
        return (values[0], Array(values.dropFirst()))
    }

    private func program(_ reading: Reading) -> Program {
        Program {
            Scale(by: 2).on(.blockOutput, layer: 0).at(.all)
            Scale(by: 3).on(.attentionOutput, layer: 0).at(.all)
            Scale(by: 5).on(.blockOutput, layer: 1).at(.all)
            reading.on(.blockOutput, layer: 1).at(.last)
            Scale(by: 7).on(.blockInput, layer: 1).at(.all).named("later")
        }
    }

    /// Edits declared before are seen, the later one is not.
    @Test(
        arguments: [
            (.moduleInput, SiteID(.blockInput, layer: 1), 2), (.otherSite, SiteID(.attentionOutput, layer: 0), 3),
            (.unedited, SiteID(.blockOutput, layer: 1), 1),
        ] as [(Reading.Subject, SiteID, Double)])
    func readsSeeEditsDeclaredBefore(subject: Reading.Subject, site: SiteID, factor: Double) throws {
        let own = SiteID(.blockOutput, layer: 1)
        let (edited, others) = try read(program(Reading(subject: subject)), [site, own])
        for row in 0..<7 {
            let expected =
                [3, 6].contains(row) ? others[0].row(row).map { factor * $0 } : others[1].row(row).map { 5 * $0 }
            #expect(edited.row(row) == expected, "row \(row)")
        }
    }

    @Test func frozenWeightsAreReadByName() throws {
        let (edited, others) = try read(program(Reading(subject: .weight)), [SiteID(.blockOutput, layer: 1)])
        let weight = ToyBindings.numbers("layers.0.out.weight", 64)
        let expected = (0..<8).map { column in
            (0..<8).reduce(0.0) { $0 + 5 * others[0][3, $1] * weight[8 * $1 + column] }
        }
        let worst = zip(edited.row(3), expected).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 1e-12)
    }

    /// Other positions of the same run come through a selection of their own that counts with the edited rows.
    @Test func sourcesOfTheSameRunReadOtherPositions() throws {
        let source = SourceReference(
            run: "base", place: .layers(.blockOutput, [0], heads: nil), positions: .first)
        let (edited, others) = try read(
            program(Reading(subject: .source, source: source)), [SiteID(.blockOutput, layer: 0)],
            selections: ["select.0": [3, 6], "select.1": [0, 4]])
        #expect(edited.row(3) == others[0].row(0).map { 2 * $0 })
        #expect(edited.row(6) == others[0].row(4).map { 2 * $0 })
    }

    /// Every application draws from a stream of its own, and adding a declaration changes none of them.
    @Test func randomStreamsBelongToTheirApplication() throws {
        let graph = try ToyModel().graph
        func streams(_ program: Program) throws -> Set<UInt32> {
            let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
            return Set(
                spliced.graph.nodes.compactMap { node in
                    if case .random(let attributes) = node.operation { attributes.stream } else { nil }
                })
        }
        let noise = Noise(level: 1).on(.blockOutput, layers: .all).at(.all)
        let alone = try streams(Program { noise })
        let beside = try streams(
            Program {
                Noise(level: 1).on(.embedding).at(.all).named("other")
                noise
            })
        #expect(alone.count == 3)
        #expect(beside.count == 4)
        #expect(beside.isSuperset(of: alone))
    }
}
