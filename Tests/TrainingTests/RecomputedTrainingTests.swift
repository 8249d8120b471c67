import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Session
import Testing

@testable import Training

/// Training that computes values again: the same bits, less memory, and what it costs is said before.
@Suite struct RecomputedTrainingTests {
    private static let program = Program {
        LoReFT(rank: 2, dropout: 0.2).on(.blockOutput, layers: .all).at(.last(1))
        DiReFT(rank: 2).on(.mlpOutput, layer: 0).at(.all)
    }

    private static func settings(_ recomputation: Recomputation) -> TrainingSettings {
        var settings = TrainingSettings(epochs: 2, batchSize: 4)
        settings.recomputation = recomputation
        return settings
    }

    private static func session() throws -> Session {
        try Session(TinyModel.named("smollm2-like"), program: program, seed: 7)
    }

    @Test func lossCurvesParametersAndReceiptsHaveTheSameBits() throws {
        func train(_ recomputation: Recomputation) throws -> ([Double], [[Float]], Receipt) {
            let session = try Self.session()
            let recorder = ReceiptRecorder()
            var losses: [Double] = []
            _ = try Trainer(session, examples: TinyModel.examples, settings: Self.settings(recomputation))
                .run(receipt: recorder) {
                    losses.append($0.loss)
                    return true
                }
            #expect(session.recomputed == .none)
            let values = try session.parameters.names.map { try session.parameters.values(of: $0) }
            return (losses, values, recorder.receipt)
        }
        let wanted = try train(.none)
        for recomputation in [Recomputation.attention, .everyBlock, .blocks(1), .fitting(bytes: 1)] {
            let given = try train(recomputation)
            #expect(given.0 == wanted.0 && given.1 == wanted.1, "\(recomputation)")
            #expect(given.2 == wanted.2, "\(recomputation)")
        }
    }

    @Test func whatItCostsIsKnownBefore() throws {
        func report(_ recomputation: Recomputation) throws -> RecomputationReport {
            try Trainer(Self.session(), examples: TinyModel.examples, settings: Self.settings(recomputation)).memory()
        }
        let none = try report(.none)
        #expect(none.recomputed == 0 && none.bytes == none.bytesWithout && none.extraMultiplications == 0)
        let attention = try report(.attention)
        // Of so few layers the most lives at once elsewhere.
        #expect(attention.bytes <= none.bytes && attention.extraMultiplications == 0)
        let all = try report(.everyBlock)
        #expect(all.recomputed == all.blocks && all.blocks > 0)
        #expect(all.bytes < attention.bytes && all.bytesWithout == none.bytes)
        #expect(all.extraMultiplications > 0 && all.extraShare < 0.5)
        #expect(all.multiplications == none.multiplications)
        #expect(try report(.fitting(bytes: none.bytes)) == none)
        #expect(try report(.fitting(bytes: attention.bytes)).recomputed == 0)
        #expect(try report(.fitting(bytes: 1)) == all)
        #expect(try report(.fitting(bytes: all.bytes)).bytes <= all.bytes)
    }

    @Test func resumingMayRecomputeOtherwise() throws {
        try withTemporaryFolder { folder in
            let first = try Trainer(
                Self.session(), examples: TinyModel.examples, settings: Self.settings(.everyBlock))
            _ = try first.run { $0.step < 2 }
            try first.saveCheckpoint(to: folder)
            let second = try Trainer(Self.session(), examples: TinyModel.examples, settings: Self.settings(.none))
            try second.resume(from: folder)
            #expect(second.stepCount == 2)
        }
    }
}
