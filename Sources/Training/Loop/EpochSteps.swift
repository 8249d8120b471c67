/// How many steps the optimiser takes in each epoch. Where batches are packed by tokens that depends on the order of the
/// examples, so that epochs differ.
struct EpochSteps {
    /// The steps before each epoch and, last, of all epochs; empty where all epochs have as many.
    private let starts: [Int]
    private let perEpoch: Int
    /// The steps of all epochs.
    let total: Int

    init(_ order: EpochOrder) {
        let settings = order.settings
        perEpoch = order.steps(ofEpoch: 0).count
        guard settings.batchTokens != nil, settings.shuffles else {
            starts = []
            total = settings.epochs * perEpoch
            return
        }
        var starts = [0]
        for epoch in 0..<settings.epochs { starts.append(starts[epoch] + order.steps(ofEpoch: epoch).count) }
        total = starts[settings.epochs]
        self.starts = starts
    }

    /// The steps before an epoch, counted from 0.
    func start(ofEpoch epoch: Int) -> Int { starts.isEmpty ? epoch * perEpoch : starts[epoch] }

    /// The steps of an epoch.
    func count(ofEpoch epoch: Int) -> Int { starts.isEmpty ? perEpoch : starts[epoch + 1] - starts[epoch] }

    /// The epoch that a step belongs to, both counted from 0; the number of epochs after the last step.
    func epoch(ofStep step: Int) -> Int {
        guard !starts.isEmpty else { return step / max(perEpoch, 1) }
        return (starts.firstIndex { $0 > step } ?? starts.count) - 1
    }
}
