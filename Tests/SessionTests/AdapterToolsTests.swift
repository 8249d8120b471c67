import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

@Suite struct AdapterToolsTests {
    private static let program = Program { LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last) }

    private func adapter(_ name: String, seed: UInt64, _ program: Program = program) throws -> Adapter {
        try Session(PeerFixtures.model("llama"), program: program, seed: seed)
            .adapter(named: name, training: ["steps": .number(3)])
    }

    @Test func theSummarySaysWhatIsInTheFolder() throws {
        let adapter = try adapter("a", seed: 1)
        let summary = try AdapterSummary(adapter)
        #expect(summary.name == "a" && summary.base == "llama" && summary.architecture == "llama")
        #expect(summary.valuesDigest == adapter.base.fingerprint.valuesDigest.prefix(12))
        #expect(summary.declarations.map(\.name) == ["loreft"] && summary.declarations[0].type == "LoReFT")
        #expect(summary.declarations[0].settings["positions"] == .string("l1"))
        #expect(summary.parameters.map(\.name) == ["loreft.1.bias", "loreft.1.rotation", "loreft.1.weight"])
        #expect(summary.parameters.map(\.orthonormalColumns) == [false, true, false])
        #expect(summary.parameters.map(\.shape) == [[1, 2], [32, 2], [2, 32]])
        #expect(abs(summary.parameters[1].norm - 2.0.squareRoot()) < 1e-5)
        #expect(summary.parameterCount == 2 * 2 * 32 + 2 && summary.training == ["steps": .number(3)])
    }

    @Test func anAdapterEqualsItself() throws {
        let one = try adapter("a", seed: 1)
        let difference = try AdapterDifference(one, one)
        #expect(difference.isEmpty)
        #expect(difference.parameters.allSatisfy { $0.largest == 0 && $0.relative == 0 })
        let angles = try #require(difference.parameters[1].principalAngles)
        #expect(angles.count == 2 && angles.allSatisfy { $0 < 0.1 })
    }

    @Test func structureAndNumbersAreCompared() throws {
        let one = try adapter("a", seed: 1)
        var other = try adapter(
            "b", seed: 1,
            Program {
                LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.first).scaled(0.5).named("loreft")
                Scale(by: 2).on(.logits).at(.all)
            })
        other.parameters["loreft.1.weight"]?.values[3] += 0.5
        other.parameters["loreft.1.bias"] = nil
        let difference = try AdapterDifference(one, other)
        #expect(!difference.isEmpty && difference.base == "the same model")
        #expect(difference.declarations.map(\.status) == [.differs, .onlyInSecond])
        #expect(difference.declarations[0].details == [#"positions: "l1", "f1""#, "scale: null, 0.5"])
        let bias = try #require(difference.parameters.first { $0.name == "loreft.1.bias" })
        #expect(bias.status == .onlyInFirst && bias.shapes == [[1, 2]] && bias.largest == nil)
        let weight = try #require(difference.parameters.first { $0.name == "loreft.1.weight" })
        #expect(weight.status == .differs && abs((weight.largest ?? 0) - 0.5) < 1e-6)
        let norm = try #require(one.parameters["loreft.1.weight"]).values.reduce(0) { $0 + Double($1 * $1) }
            .squareRoot()
        #expect(abs((weight.relative ?? 0) - 0.5 / norm) < 1e-5)
        let gpt2 = try Session(PeerFixtures.model("gpt2"), program: Self.program).adapter(named: "c")
        #expect(
            try AdapterDifference(one, gpt2).base == "the architecture is 'llama' in one and 'gpt2' in the other")
    }

    /// Spaces of which the angles are known.
    @Test func principalAnglesAreThoseOfTheSpaces() throws {
        func matrix(_ rows: Int, _ columns: [[Float]]) -> Adapter.ParameterValues {
            Adapter.ParameterValues(
                rows: rows, columns: columns.count,
                values: (0..<rows).flatMap { row in columns.map { $0[row] } })
        }
        let (cosine, sine) = (Float(cos(0.5)), Float(sin(0.5)))
        let plane = matrix(4, [[1, 0, 0, 0], [0, 1, 0, 0]])
        // The plane's own basis turned within it, then one direction lifted by half a radian.
        let lifted = matrix(4, [[0.6, 0.8, 0, 0], [-0.8 * cosine, 0.6 * cosine, sine, 0]])
        let angles = try #require(plane.principalAngles(to: lifted))
        #expect(abs(angles[0]) < 0.1 && abs(angles[1] - 0.5 * 180 / .pi) < 1e-3)
        let line = matrix(4, [[0, 0, 0, 1]])
        #expect(try #require(line.principalAngles(to: plane)).map { ($0 * 10).rounded() / 10 } == [90])
        #expect(plane.principalAngles(to: matrix(4, [[1, 1, 0, 0]])) == nil)
        #expect(plane.principalAngles(to: matrix(3, [[1, 0, 0]])) == nil)
    }
}
