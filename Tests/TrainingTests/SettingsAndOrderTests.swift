import Models
import Session
import Testing

@testable import Training

@Suite struct SettingsAndOrderTests {
    @Test func allProblemsOfSettingsAreSaid() {
        var settings = TrainingSettings()
        settings.epochs = .max
        settings.batchSize = 0
        settings.gradientAccumulation = -1
        settings.learningRate = .nan
        settings.warmup = 1e30
        settings.weightDecay = -1
        settings.clip = 0
        #expect(
            settings.problems() == [
                "--epochs must be at least 1 and at most 2147483647, not 9223372036854775807",
                "--batch-size must be at least 1 and at most 2147483647, not 0",
                "--gradient-accumulation must be at least 1 and at most 2147483647, not -1",
                "--learning-rate must be 0 or more, not nan",
                "--warmup must be 0 or more and at most 2147483647, not 1e+30",
                "--weight-decay must be 0 or more, not -1.0", "--clip must be above 0, not 0.0",
            ])
        #expect(TrainingSettings().problems() == [])
    }

    @Test func warmupIsAShareOrANumberOfSteps() {
        var settings = TrainingSettings()
        (settings.epochs, settings.batchSize, settings.gradientAccumulation) = (2, 3, 2)
        #expect(settings.stepCount(examples: 13) == 6)
        settings.warmup = 0.4
        #expect(settings.learningRates(examples: 13).warmupSteps == 3)
        settings.warmup = 5
        #expect(settings.learningRates(examples: 13).warmupSteps == 5)
    }

    @Test func everyEpochHoldsEveryExampleOnce() {
        var settings = TrainingSettings()
        (settings.batchSize, settings.gradientAccumulation) = (3, 2)
        let order = EpochOrder(settings: settings, count: 13)
        let first = order.steps(ofEpoch: 0)
        #expect(first.map { $0.map(\.count) } == [[3, 3], [3, 3], [1]])
        #expect(first.joined().joined().sorted() == Array(0..<13))
        #expect(first == order.steps(ofEpoch: 0))
        #expect(first != order.steps(ofEpoch: 1))
        settings.seed = 43
        #expect(first != EpochOrder(settings: settings, count: 13).steps(ofEpoch: 0))
        settings.shuffles = false
        #expect(EpochOrder(settings: settings, count: 4).steps(ofEpoch: 5) == [[[0, 1, 2], [3]]])
    }
}
