import Runtime
import Session

/// The order of the examples in each epoch: a function of the seed and the epoch alone, so that a resumed training goes
/// on with the very batches that it would have had.
struct EpochOrder {
    let settings: TrainingSettings
    let count: Int
    /// The token rows of each example, where batches are packed by them.
    var lengths: [Int] = []

    /// The batches of an epoch, grouped into optimiser steps.
    func steps(ofEpoch epoch: Int) -> [[[Int]]] {
        var order = Array(0..<count)
        if settings.shuffles {
            var numbers = Philox(seed: settings.seed, stream: Philox.stream(named: "order of epoch \(epoch)"))
            order.shuffle(using: &numbers)
        }
        return batches(order).chunks(of: settings.gradientAccumulation)
    }
}

extension EpochOrder {
    init(settings: TrainingSettings, _ examples: [Example]) {
        self.init(settings: settings, count: examples.count, lengths: examples.map(\.tokens.count))
    }

    /// Consecutive examples: so many, or as many as fit.
    private func batches(_ order: [Int]) -> [[Int]] {
        guard let budget = settings.batchTokens else { return order.chunks(of: settings.batchSize) }
        var batches: [[Int]] = []
        var rows = 0
        for example in order {
            if batches.isEmpty || rows + lengths[example] > budget {
                batches.append([])
                rows = 0
            }
            batches[batches.count - 1].append(example)
            rows += lengths[example]
        }
        return batches
    }
}

extension TrainingSettings {
    /// A batch than which none is larger: the longest examples.
    func largestBatch(of examples: [Example]) -> [Example] {
        let longest = examples.sorted { $0.tokens.count > $1.tokens.count }
        guard let batchTokens else { return Array(longest.prefix(batchSize)) }
        var rows = 0
        return Array(
            longest.prefix { example in
                rows += example.tokens.count
                return rows <= batchTokens || rows == example.tokens.count
            })
    }
}

extension Array {
    /// Consecutive parts of `size` elements, the last perhaps shorter.
    func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: Swift.max(size, 1)).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
