import InterventionDSL

/// The sequences of the source runs that a batch of the base run reads, each of them once.
///
/// Two sequences of a run are one if they are equal and read the same sequences of further runs. So a source that all
/// examples share is computed once for the batch. A run that reads the base run, or itself by way of others, has a sequence
/// for each example.
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
        let entangled = Self.entangled(order, readBy)
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
                if let place = known[key], !unshared(run), !entangled.contains(run) {
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
            // The base run, and runs of a circle that come later: one sequence for each example there too.
            for other in readBy(run) where maps[other] == nil { maps[other] = Array(keys.indices) }
            runs[run] = BatchBinder.RunBatch(
                RaggedBatch(keys.map(\.example), demand: .everyRow), reads: maps, numbers: numbers)
            reads[run] = places
        }
    }

    /// The runs that read, through others or not, the base run or themselves.
    private static func entangled(_ runs: [String], _ readBy: (String) -> [String]) -> Set<String> {
        Set(
            runs.filter { run in
                var reached: Set<String> = []
                var unvisited = [run]
                while let next = unvisited.popLast() {
                    for other in readBy(next) where reached.insert(other).inserted { unvisited.append(other) }
                }
                return reached.contains(run) || reached.contains(Program.baseName)
            })
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
