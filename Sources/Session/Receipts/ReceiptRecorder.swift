import Graph
import InterventionDSL
import Runtime

/// Collects what the edits of a program do, while a generation or a training goes on.
///
/// ```swift
/// let recorder = ReceiptRecorder()
/// let answers = try session.generate(prompts, receipt: recorder)
/// print(recorder.receipt)
/// ```
/// Given to another generation or training it begins anew.
public final class ReceiptRecorder {
    private var stage = Receipt.Stage.run
    private var hooks: [Hook] = []
    private var tallies: [EditTally] = []

    public init() {}

    /// What was collected so far.
    public var receipt: Receipt {
        Receipt(stage: stage, edits: zip(hooks, tallies).map { hook, tally in tally.edit(hook, stage) })
    }

    /// Forgets what was collected.
    func begin(_ stage: Receipt.Stage, _ hookGraph: HookGraph) {
        self.stage = stage
        hooks = hookGraph.hooks
        tallies = hooks.map { _ in EditTally() }
    }

    /// Takes what the last run of a graph measured.
    /// - Parameters:
    ///   - inputs: What it was given.
    ///   - runs: The batches of all runs.
    ///   - step: The decode step or epoch.
    ///   - sequences: The number under which each sequence of the base run is counted; nil for its place.
    func record(
        _ compiled: CompiledGraph, _ inputs: InputBatch, _ runs: [String: RaggedBatch], step: Int = 0,
        sequences: [Int]? = nil
    ) throws(RuntimeError) {
        var places: [String: RowPlaces] = [:]
        for (run, batch) in runs {
            places[run] = RowPlaces(batch, encoder: runs[RunInputs(run: run).encoder.run])
        }
        // An encoder has a sequence for each of the base run's.
        func followsBase(_ run: String) -> Bool {
            run == Program.baseName
                || run == RunInputs().encoder.run && runs[run]?.examples.count == sequences?.count
        }
        for edit in compiled.values.measured {
            let hook = hooks[edit.hook]
            guard let places = places[hook.site.run] else { continue }
            let changes = try edit.change.map { value throws(RuntimeError) in try compiled.executor.output(of: value) }
            let sizes = try edit.size.map { value throws(RuntimeError) in try compiled.executor.output(of: value) }
            let indices = hook.selection.flatMap { inputs.indices($0.name) }.map { $0.map(Int.init) }
            let count = indices?.count ?? changes?.rows ?? places.count(of: hook.shape.rowSpace)
            for row in 0..<count {
                var place = places.place(of: indices?[row] ?? row, hook.shape.rowSpace)
                if followsBase(hook.site.run), let sequences, sequences.indices.contains(place.sequence) {
                    place.sequence = sequences[place.sequence]
                }
                tallies[edit.hook].add(
                    place, step: step, change: changes.map { Double($0[row, 0]) },
                    size: sizes.map { Double($0[row, 0]) }, keepsRows: stage != .training)
            }
            tallies[edit.hook].endBatch()
        }
    }
}

/// Where the rows of a batch are within its sequences.
private struct RowPlaces {
    struct Place {
        var sequence: Int
        /// Counted from the start of the sequence; nil where a site has one row for each sequence.
        var row: Int?
    }

    private let batch: RaggedBatch
    private var sequences: [Int] = []
    /// How many pairs with a key each row has, of its own run and of the run that it attends to.
    private var keys: [RowSpace: [Int]] = [:]

    /// - Parameter encoder: The run that this one attends to, sequence by sequence.
    init(_ batch: RaggedBatch, encoder: RaggedBatch?) {
        self.batch = batch
        for (sequence, end) in batch.offsets.dropFirst().enumerated() {
            while sequences.count < Int(end) { sequences.append(sequence) }
        }
        let lasts = batch.offsets.dropFirst().map { $0 > 0 ? Int(batch.positions[Int($0) - 1]) + 1 : 0 }
        keys[.pairs] = lasts
        guard let encoder else { return }
        keys[.crossPairs] = encoder.examples.map(\.tokens.count)
    }

    func count(of space: RowSpace) -> Int {
        switch space {
        case .sequences: batch.examples.count
        case .demanded: batch.demanded.count
        case .tokens: batch.rowCount
        case .pairs, .crossPairs:
            zip(batch.examples, keys[space] ?? []).reduce(0) { $0 + $1.0.tokens.count * $1.1 }
        }
    }

    /// Of a pair the place of its query.
    func place(of index: Int, _ space: RowSpace) -> Place {
        switch space {
        case .sequences: return Place(sequence: index, row: nil)
        case .demanded: return place(ofRow: batch.demanded.indices.contains(index) ? Int(batch.demanded[index]) : -1)
        case .tokens: return place(ofRow: index)
        case .pairs, .crossPairs:
            var rest = index
            for (sequence, width) in zip(batch.examples.indices, keys[space] ?? []) where width > 0 {
                let first = Int(batch.offsets[sequence])
                let rows = Int(batch.offsets[sequence + 1]) - first
                if rest < rows * width { return place(ofRow: first + rest / width) }
                rest -= rows * width
            }
            return place(ofRow: -1)
        }
    }

    private func place(ofRow row: Int) -> Place {
        guard sequences.indices.contains(row) else { return Place(sequence: 0, row: nil) }
        return Place(sequence: sequences[row], row: Int(batch.positions[row]))
    }
}

/// What one edit has done so far.
private struct EditTally {
    private var rows = 0
    private var sequences = 0
    private var rowsOfSequences: [Int: Set<Int>] = [:]
    /// The sequences of the batch at hand that had a row.
    private var seen: Set<Int> = []
    private var steps: [Int: ChangeTally] = [:]

    mutating func add(_ place: RowPlaces.Place, step: Int, change: Double?, size: Double?, keepsRows: Bool) {
        rows += 1
        if keepsRows {
            rowsOfSequences[place.sequence, default: []].formUnion(place.row.map { [$0] } ?? [])
        } else {
            seen.insert(place.sequence)
        }
        steps[step, default: ChangeTally()].add(change, size)
    }

    mutating func endBatch() {
        sequences += seen.count
        seen = []
    }

    func edit(_ hook: Hook, _ stage: Receipt.Stage) -> Receipt.Edit {
        let steps = steps.sorted { $0.key < $1.key }
        var whole = ChangeTally()
        for (_, step) in steps { whole.add(step) }
        return Receipt.Edit(
            declaration: hook.name, location: "\(hook.location)", intervention: type(of: hook.intervention).kind,
            run: hook.site.run, component: "\(hook.site.component)", layer: hook.site.layer, head: hook.shape.head,
            positions: "\(hook.positions)", rows: rows, sequences: sequences + rowsOfSequences.count,
            sequenceRows: rowsOfSequences.sorted { $0.key < $1.key }.filter { !$1.isEmpty }.map {
                Receipt.SequenceRows(sequence: $0, rows: $1.sorted())
            }, change: whole.change,
            steps: stage == .run
                ? [] : steps.map { Receipt.Step(step: $0.key, rows: $0.value.rows, change: $0.value.change) })
    }
}

/// Sums over rows.
private struct ChangeTally {
    private(set) var rows = 0
    private var count = 0
    private var sum = 0.0
    private var largest = 0.0
    private var relativeCount = 0
    private var relativeSum = 0.0
    private var relativeLargest = 0.0

    mutating func add(_ change: Double?, _ size: Double?) {
        rows += 1
        guard let change, change.isFinite else { return }
        count += 1
        sum += change
        largest = max(largest, change)
        guard let size, size.isFinite, size > 0 else { return }
        relativeCount += 1
        relativeSum += change / size
        relativeLargest = max(relativeLargest, change / size)
    }

    mutating func add(_ other: ChangeTally) {
        rows += other.rows
        count += other.count
        sum += other.sum
        largest = max(largest, other.largest)
        relativeCount += other.relativeCount
        relativeSum += other.relativeSum
        relativeLargest = max(relativeLargest, other.relativeLargest)
    }

    var change: Receipt.Change? {
        guard count > 0 else { return nil }
        return Receipt.Change(
            mean: sum / Double(count), largest: largest, relativeMean: relativeSum / Double(max(relativeCount, 1)),
            relativeLargest: relativeLargest)
    }
}
