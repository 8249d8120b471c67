import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Session
import Testing

@testable import Analysis

@Suite struct InterferenceTests {
    private static let examples = [Example(tokens: [1, 5, 9, 3]), Example(tokens: [7, 2])]

    private static func model() throws -> Model {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/models/llama")
        return try Model(at: folder.path)
    }

    private func adapter(_ name: String, seed: UInt64, _ program: Program) throws -> Adapter {
        try Session(Self.model(), program: program, seed: seed).adapter(named: name)
    }

    /// The change of b's edit, from the states of three runs.
    @Test func itIsTheChangeOfTheSecondEdit() throws {
        let model = try Self.model()
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.all) }
        let (a, b) = (try adapter("a", seed: 1, program), try adapter("b", seed: 2, program))
        func states(_ adapters: [Adapter]) throws -> [Float] {
            try Session(model, adapters: adapters)
                .run(Self.examples, collecting: [SiteID(.blockOutput, layer: 1)]).collected[0].values
        }
        let (h, afterA, afterB, afterBoth) = (
            try states([]), try states([a]), try states([b]), try states([a, b])
        )
        let interference = try Interference(of: b, with: a, on: Self.examples, model: model)
        #expect(interference.first == "a" && interference.second == "b" && interference.sites.count == 1)
        let site = interference.sites[0]
        #expect(site.site == "block_output.1" && site.declaration == "b/loreft" && site.others == ["a/loreft"])
        #expect(site.rows.map(\.sequence) == [0, 0, 0, 0, 1, 1] && site.rows.map(\.row) == [0, 1, 2, 3, 0, 1])
        for (place, row) in site.rows.enumerated() {
            var (difference, size) = (0.0, 0.0)
            for column in place * 32..<(place + 1) * 32 {
                let alone = Double(afterB[column] - h[column])
                let after = Double(afterBoth[column] - afterA[column])
                difference += (after - alone) * (after - alone)
                size += alone * alone
            }
            let expected = (difference / size).squareRoot()
            #expect(abs((row.change ?? -1) - expected) < 1e-4 * max(expected, 1))
        }
        #expect(site.largest == site.rows.compactMap(\.change).max() && site.mean > 0)
        #expect(site.principalAngles?.count == 2)
    }

    /// b's edit in a space that is orthogonal to everything a writes and reads does not change.
    @Test func orthogonalSubspacesDoNotInterfere() throws {
        let program = Program { LobiReFT(rank: 2).on(.blockOutput, layers: .all).at(.last) }
        let (a, b) = (try adapter("a", seed: 1, program), try adapter("b", seed: 2, program))
        // What LobiReFT adds does not depend on the rows at all.
        let interference = try Interference(of: b, with: a, on: Self.examples, model: Self.model())
        #expect(interference.sites.count == 2 && interference.sites.allSatisfy { $0.largest < 1e-5 })
    }

    @Test func onlyCommonSitesCount() throws {
        let a = try adapter("a", seed: 1, Program { LoReFT(rank: 1).on(.blockInput, layer: 1).at(.all) })
        let b = try adapter(
            "b", seed: 1,
            Program {
                NodiReFT(rank: 1).on(.blockOutput, layer: 0).at(.first)
                NodiReFT(rank: 1).on(.mlpOutput, layer: 1).at(.all)
            })
        let interference = try Interference(of: b, with: a, on: Self.examples, model: Self.model())
        #expect(interference.sites.map(\.site) == ["block_output.0"])
        #expect(interference.sites[0].principalAngles == nil)
        let other = try adapter("c", seed: 1, Program { LoReFT(rank: 1).on(.mlpOutput, layer: 0).at(.all) })
        #expect {
            try Interference(of: other, with: a, on: Self.examples, model: Self.model())
        } throws: {
            "\($0)" == "'c' does not fit: this needs a site that 'a' edits too, or there is no interference"
        }
    }
}
