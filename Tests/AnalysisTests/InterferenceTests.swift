import Checkpoints
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

    private static func model(_ name: String = "llama") throws -> Model {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/models/\(name)")
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
            "\($0)" == "'c' after 'a': they edit no site in common, and so can not interfere"
        }
    }

    @Test func adaptersOfOtherModelsAreRefused() throws {
        let program = Program { LoReFT(rank: 1).on(.blockOutput, layer: 0).at(.all) }
        let (a, b) = (try adapter("a", seed: 1, program), try adapter("b", seed: 2, program))
        func refusal(_ adapter: Adapter, _ model: Model) throws -> String {
            let error = #expect(throws: SessionError.self) { try Session(model, adapters: [adapter]) }
            return try #require(error).description
        }
        let other = try Self.model("gpt2")
        let wanted = try refusal(a, other)
        #expect(wanted.hasPrefix("a was trained on another model than gpt2: "))
        #expect { try Interference(of: b, with: a, on: Self.examples, model: other) } throws: { "\($0)" == wanted }
        // Other numbers in the same tensors.
        let model = try Self.model()
        let text = String(decoding: try JSONEncoder().encode(b.base.fingerprint), as: UTF8.self)
        let digest = b.base.fingerprint.valuesDigest
        var moved = b
        moved.base.fingerprint = try JSONDecoder().decode(
            ModelFingerprint.self, from: Data(text.replacing(digest, with: String(digest.reversed())).utf8))
        let second = try refusal(moved, model)
        #expect { try Interference(of: moved, with: a, on: Self.examples, model: model) } throws: {
            "\($0)" == second
        }
        var warnings: [String] = []
        let allowed = try Interference(
            of: moved, with: a, on: Self.examples, model: model, base: .allowOtherWeights,
            warn: { warnings.append($0) })
        #expect(warnings == ["b was trained on other weights than those of llama"])
        #expect(try allowed == Interference(of: b, with: a, on: Self.examples, model: model))
    }

    /// Weights in files are read as in any session.
    @Test func weightsInFilesActAsThoseInMemory() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            UUID().uuidString, isDirectory: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (width, latents) = (32, 4)
        func numbers(_ count: Int, _ step: Float) -> [Float] { (0..<count).map { sin(Float($0) * step) } }
        func rows(_ numbers: [Float], of columns: Int) -> [[Float]] {
            stride(from: 0, to: numbers.count, by: columns).map { Array(numbers[$0..<$0 + columns]) }
        }
        let (encoder, decoder) = (numbers(latents * width, 0.7), numbers(width * latents, 1.3))
        let (encoderBias, decoderBias) = ([Float](repeating: 0.5, count: latents), numbers(width, 0.2))
        try SafetensorsWriter.write(
            [
                NamedTensor("autoencoder.encoder.0.weight", shape: [latents, width], floats: encoder),
                NamedTensor("autoencoder.encoder.0.bias", shape: [latents], floats: encoderBias),
                NamedTensor("autoencoder.decoder.0.weight", shape: [width, latents], floats: decoder),
                NamedTensor("autoencoder.decoder.0.bias", shape: [width], floats: decoderBias),
            ], to: folder.appendingPathComponent("sae.safetensors"))
        let inMemory = AutoencoderWeights(
            encoder: .numbers(rows(encoder, of: width)), encoderBias: .numbers(encoderBias),
            decoder: .numbers(rows(decoder, of: latents)), decoderBias: .numbers(decoderBias))
        let inFile = AutoencoderWeights(file: "sae.safetensors", width: width, latents: latents)
        let model = try Self.model()
        let reader = TensorReader(folder: folder)
        let a = try adapter("a", seed: 1, Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.all) })
        func editing(_ weights: AutoencoderWeights) throws -> Adapter {
            let program = Program { Autoencoder(weights, .scale(0.5)).on(.blockOutput, layer: 0).at(.all) }
            return try Session(model, program: program, constantsIn: reader).adapter(named: "b")
        }
        let expected = try Interference(of: editing(inMemory), with: a, on: Self.examples, model: model)
        let found = try Interference(
            of: editing(inFile), with: a, on: Self.examples, model: model, constantsIn: reader)
        let (changes, wanted) = (found.sites[0].rows.map(\.change), expected.sites[0].rows.map(\.change))
        #expect(found.sites.count == 1 && changes.count == 6 && found.sites[0].mean > 1e-3)
        for (one, other) in zip(changes, wanted) {
            #expect(abs((one ?? -1) - (other ?? -1)) < 1e-5 * max(1, other ?? 0))
        }
        #expect(throws: ProgramErrors.self) {
            try Interference(of: editing(inFile), with: a, on: Self.examples, model: model)
        }
    }

    /// `f7` alone takes all four rows of a short prompt, beside `l7` only the first two.
    @Test func sidesOfAUnionShareShortPrompts() throws {
        let a = try adapter("a", seed: 1, Program { LoReFT(rank: 1).on(.blockOutput, layers: .all).at(.all) })
        let b = try adapter(
            "b", seed: 2,
            Program {
                NodiReFT(rank: 1).on(.blockOutput, layer: 0).at(.first(7)).named("front")
                NodiReFT(rank: 1).on(.blockOutput, layer: 1).at(.first(7) + .last(7)).named("ends")
            })
        let interference = try Interference(of: b, with: a, on: Self.examples, model: Self.model())
        #expect(interference.sites.map(\.positions) == ["f7", "f7", "l7"])
        #expect(interference.sites.map(\.declaration) == ["front", "ends", "ends"])
        let rows = interference.sites.map { $0.rows.map { [$0.sequence, $0.row] } }
        #expect(rows[0] == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1]])
        #expect(rows[1] == [[0, 0], [0, 1], [1, 0]])
        #expect(rows[2] == [[0, 2], [0, 3], [1, 1]])
        #expect(interference.sites.allSatisfy { $0.rows.allSatisfy { $0.change != nil } })
    }

    /// At attention scores there is a row for each key of a query.
    @Test func pairsAreNamedByQueryAndKey() throws {
        let scores = Program { Scale(by: 2).on(.attentionScores, layer: 0).at(.last(2)) }
        let shifted = Program { AddSource(from: .constant([1, 0, 1, 0])).on(.attentionScores, layer: 0).at(.all) }
        let (a, b) = (try adapter("a", seed: 1, shifted), try adapter("b", seed: 2, scores))
        let rows = try Interference(of: b, with: a, on: Self.examples, model: Self.model()).sites[0].rows
        #expect(
            rows.map { [$0.sequence, $0.row, $0.key ?? -1] }
                == (2..<4).flatMap { query in (0..<4).map { [0, query, $0] } }
                + (0..<2).flatMap { query in (0..<2).map { [1, query, $0] } })
    }

    /// The tensors of each adapter lie in its own folder.
    @Test func aReaderLooksInSeveralFolders() throws {
        let folders = try (0..<2).map { place in
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try SafetensorsWriter.write(
                [NamedTensor("row", shape: [2], floats: [Float(place), 1])],
                to: folder.appendingPathComponent("\(place).safetensors"))
            return folder
        }
        defer { for folder in folders { try? FileManager.default.removeItem(at: folder) } }
        let reader = TensorReader(folder: folders[0], further: [folders[1]])
        for place in 0..<2 {
            let reference = TensorReference(file: "\(place).safetensors", name: "row", shape: [2])
            #expect(try reader.read(reference) == [Float(place), 1])
        }
    }
}
