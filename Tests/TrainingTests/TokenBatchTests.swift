import Foundation
import InterventionDSL
import ReFTPresets
import Session
import Testing

@testable import Training

/// Batches that are filled up to a number of token rows.
@Suite struct TokenBatchTests {
    /// Sequences of 3 to 12 tokens with one to four labels.
    private static let examples: [Example] = (0..<14).map { (number: Int) -> Example in
        let length = 3 + (number * 5) % 10
        let tokens = (0..<length).map { Int32(3 + (number * 7 + $0 * 3) % 40) }
        let labels = 1 + number % min(4, length - 1)
        let target = tokens.indices.map { $0 < length - labels ? Example.ignoredLabel : tokens[$0] }
        return Example(tokens: tokens, target: .tokens(target))
    }

    private static func settings(_ change: (inout TrainingSettings) -> Void) -> TrainingSettings {
        var settings = TrainingSettings(epochs: 3, batchSize: 4)
        settings.reusesActivations = false
        change(&settings)
        return settings
    }

    @Test func batchesAreFilledInTheOrderOfTheEpoch() {
        let lengths = Self.examples.map(\.tokens.count)
        let byNumber = EpochOrder(settings: Self.settings { $0.batchSize = 1 }, Self.examples)
        let byTokens = EpochOrder(settings: Self.settings { $0.batchTokens = 20 }, Self.examples)
        var counts: Set<Int> = []
        for epoch in 0..<3 {
            let order = byNumber.steps(ofEpoch: epoch).joined().map { $0[0] }
            let batches = byTokens.steps(ofEpoch: epoch).map { $0[0] }
            #expect(Array(batches.joined()) == order)
            for (place, batch) in batches.enumerated() {
                #expect(batch.reduce(0) { $0 + lengths[$1] } <= 20)
                guard place + 1 < batches.count else { continue }
                #expect(batch.reduce(lengths[batches[place + 1][0]]) { $0 + lengths[$1] } > 20)
            }
            counts.insert(batches.count)
        }
        let steps = EpochSteps(byTokens)
        #expect(steps.total == (0..<3).reduce(0) { $0 + byTokens.steps(ofEpoch: $1).count })
        #expect(
            (0..<steps.total).map(steps.epoch(ofStep:))
                == (0..<3).flatMap { epoch in
                    Array(repeating: epoch, count: steps.count(ofEpoch: epoch))
                })
        #expect(steps.epoch(ofStep: steps.total) == 3)
    }

    @Test func alongExampleIsABatchOfItsOwn() {
        let order = EpochOrder(
            settings: Self.settings { ($0.batchTokens, $0.shuffles) = (6, false) }, count: 5, lengths: [3, 3, 9, 2, 7])
        #expect(order.steps(ofEpoch: 0) == [[[0, 1]], [[2]], [[3]], [[4]]])
        var accumulated = order.settings
        accumulated.gradientAccumulation = 3
        let groups = EpochOrder(settings: accumulated, count: 5, lengths: [3, 3, 9, 2, 7]).steps(ofEpoch: 0)
        #expect(groups == [[[0, 1], [2], [3]], [[4]]])
    }

    /// With fixed parameters the mean of an epoch's gradients does not depend on the batches.
    @Test func theMeanGradientOfAnEpochIsThatOfBatchesOfExamples() throws {
        func mean(_ change: (inout TrainingSettings) -> Void) throws -> (gradient: [Float], steps: Int) {
            let session = try Session(
                TinyModel.named("llama"), program: TinyModel.loreft(positions: .first(1) + .last(1)), seed: 7)
            var settings = Self.settings(change)
            (settings.epochs, settings.learningRate) = (1, 0)
            var (sum, count): ([Float], Int) = ([], 0)
            _ = try Trainer(session, examples: Self.examples, settings: settings).run { _ in
                let gradient = try session.parameters.names.flatMap { try session.parameters.gradient(of: $0).floats() }
                sum = sum.isEmpty ? gradient : zip(sum, gradient).map(+)
                count += 1
                return true
            }
            return (sum.map { $0 / Float(count) }, count)
        }
        let whole = try mean { $0.batchSize = 100 }
        #expect(whole.steps == 1)
        let scale = whole.gradient.map(abs).max() ?? 0
        #expect(scale > 0)
        let byTokens: [(inout TrainingSettings) -> Void] = [
            { $0.batchTokens = 20 },
            { ($0.batchTokens, $0.gradientAccumulation) = (12, 2) },
            { ($0.batchSize, $0.labelWeighting) = (3, .epoch) },
        ]
        for change in byTokens {
            let parts = try mean(change)
            #expect(parts.steps > 2)
            for (one, other) in zip(parts.gradient, whole.gradient) { #expect(abs(one - other) <= 1e-4 * scale) }
        }
        // Steps that are means of their own labels give other labels other weights.
        let own = try mean { ($0.batchTokens, $0.labelWeighting) = (20, .step) }
        #expect(zip(own.gradient, whole.gradient).contains { abs($0 - $1) > 1e-3 * scale })
    }

    @Test func resumingGivesTheSameBits() throws {
        try withTemporaryFolder { folder in
            let program = Program { LoReFT(rank: 2, dropout: 0.2).on(.blockOutput, layer: 1).at(.last(1)) }
            let settings = Self.settings { ($0.batchTokens, $0.gradientAccumulation) = (15, 2) }
            func session() throws -> Session { try Session(TinyModel.named("llama"), program: program, seed: 7) }
            func values(_ session: Session) throws -> [[Float]] {
                try session.parameters.names.map { try session.parameters.values(of: $0) }
            }
            let whole = try session()
            var epochs: [Int] = []
            let trainer = try Trainer(whole, examples: Self.examples, settings: settings)
            let summary = try trainer.run {
                epochs.append($0.epoch)
                return true
            }
            #expect(summary.steps == trainer.plannedSteps && summary.isComplete)
            #expect(epochs == epochs.sorted() && Set(epochs) == [1, 2, 3])
            #expect(settings.stepCount(for: Self.examples) == trainer.plannedSteps)
            let stop = try #require(epochs.firstIndex(of: 2)) + 2
            let first = try Trainer(session(), examples: Self.examples, settings: settings)
            _ = try first.run { $0.step < stop }
            try first.saveCheckpoint(to: folder)
            let second = try session()
            let resumed = try Trainer(second, examples: Self.examples, settings: settings)
            try resumed.resume(from: folder)
            var rest: [Int] = []
            _ = try resumed.run {
                rest.append($0.epoch)
                return true
            }
            #expect(rest == Array(epochs[stop...]))
            #expect(try values(second) == values(whole))
        }
    }

    @Test func impossibleBudgetsAreSaid() {
        let settings = Self.settings { ($0.batchTokens, $0.epochs) = (0, 200_000) }
        #expect(
            settings.problems() == [
                "--batch-tokens must be at least 1 and at most 2147483647, not 0",
                "--epochs must be at most 100000 with --batch-tokens, not 200000",
            ])
    }
}
