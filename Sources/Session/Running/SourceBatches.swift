import InterventionDSL

/// The sequences of the source runs that a batch of the base run reads, each of them once.
///
/// Two sequences of a run are one if they are equal and read the same sequences of further runs. So a source that all
/// examples share is computed once for the batch.
struct SourceBatches {
    /// The source runs.
    private(set) var runs: [String: BatchBinder.RunBatch] = [:]
    /// By run, the sequence that each example of the base run reads.
    private(set) var reads: [String: [Int]] = [:]

    private struct Key: Hashable {
        var example: Example
        /// The sequences of further runs that it reads, by their place in those.
        var reads: [Int]
    }

    /// - Parameters:
    ///   - order: The source runs that are needed, each after those that it reads.
    ///   - readBy: The source runs that a run reads.
    ///   - unshared: Runs in which every example has a sequence of its own, equal or not.
    init(
        _ examples: [Example], order: [String], readBy: (String) -> [String],
        unshared: (String) -> Bool = { _ in false }
    ) {
        for run in order {
            let further = readBy(run).filter { reads[$0] != nil }
            var known: [Key: Int] = [:]
            var keys: [Key] = []
            var places: [Int] = []
            var numbers: [Int] = []
            for (index, example) in examples.enumerated() {
                // Whether all examples have the run was checked with the rest of the input.
                var source = example.sources[run] ?? Example(tokens: [])
                // An adapter of a bank acts in the source runs of its example too.
                source.adapterIndex = source.adapterIndex ?? example.adapterIndex
                let key = Key(
                    example: source,
                    reads: further.map { reads[$0]?[index] ?? 0 })
                if let place = known[key], !unshared(run) {
                    places.append(place)
                } else {
                    known[key] = keys.count
                    places.append(keys.count)
                    keys.append(key)
                    numbers.append(index)
                }
            }
            var maps: [String: [Int]] = [:]
            for (place, other) in further.enumerated() { maps[other] = keys.map { $0.reads[place] } }
            runs[run] = BatchBinder.RunBatch(
                RaggedBatch(keys.map(\.example), demand: .everyRow), reads: maps, numbers: numbers)
            reads[run] = places
        }
    }
}

extension Session {
    /// The batches of the source runs that examples read.
    /// - Parameter runs: The runs that are computed, the base run and those whose sites are asked for.
    func sourceBatches(of examples: [Example], for runs: Set<String> = []) -> SourceBatches {
        SourceBatches(
            examples, order: neededRuns(for: runs).filter { $0 != Program.baseName }, readBy: runs(readBy:),
            unshared: isEncoder)
    }

    /// All runs of a batch, the base run's as given.
    func runBatches(_ batch: RaggedBatch, for runs: Set<String> = []) -> [String: BatchBinder.RunBatch] {
        let sources = sourceBatches(of: batch.examples, for: runs)
        var all = sources.runs
        all[Program.baseName] = BatchBinder.RunBatch(batch, reads: sources.reads)
        return all
    }
}
