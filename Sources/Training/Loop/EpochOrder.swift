import Runtime

/// The order of the examples in each epoch: a function of the seed and the epoch alone, so that a resumed training goes
/// on with the very batches that it would have had.
struct EpochOrder {
    let settings: TrainingSettings
    let count: Int

    /// The batches of an epoch, grouped into optimiser steps.
    func steps(ofEpoch epoch: Int) -> [[[Int]]] {
        var order = Array(0..<count)
        if settings.shuffles {
            var numbers = Philox(seed: settings.seed, stream: Philox.stream(named: "order of epoch \(epoch)"))
            order.shuffle(using: &numbers)
        }
        let batches = order.chunks(of: settings.batchSize)
        return batches.chunks(of: settings.gradientAccumulation)
    }
}

extension Array {
    /// Consecutive parts of `size` elements, the last perhaps shorter.
    func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: Swift.max(size, 1)).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
