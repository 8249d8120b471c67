/// The keys and values of the rows that sequences have been run on so far, so that later rows need not run them again.
///
/// Each sequence grows by the live rows of every run it takes part in. Sequences can be copied, dropped and reordered
/// (for beam search: a copy shares the rows it has in common), and shortened. f32.
///
/// ```swift
/// let store = KeyValueStore(plan.keyValueSlots, sequences: 2)
/// try prefill.run(prompts, keyValues: store)
/// try decode.run(next, keyValues: store)
/// ```
public final class KeyValueStore {
    /// The widths of what is stored, by slot.
    public let slots: [KeyValueSlot]
    private var sequences: [StoredSequence]
    /// The widths of keys and values of all slots, in the order in which a piece holds them.
    private let widths: [Int]
    private let rowWidth: Int
    private let keyColumns: [Int]
    /// Of a store that live rows are not added to, the floats of a row that come before the keys of each slot.
    var fixedColumns: [Int]?

    /// Consecutive rows of one sequence in one piece.
    struct Run {
        var piece: KeyValuePiece
        var rows: Int
    }

    private struct StoredSequence {
        var runs: [Run] = []
        var length = 0
    }

    /// An empty store for as many sequences as a batch has.
    public init(_ slots: [KeyValueSlot], sequences: Int) {
        self.slots = slots
        self.sequences = Array(repeating: StoredSequence(), count: max(0, sequences))
        widths = slots.flatMap { [$0.keyWidth, $0.valueWidth] }
        rowWidth = widths.reduce(0, +)
        var columns = 0
        keyColumns = slots.map { slot in
            defer { columns += slot.keyWidth + slot.valueWidth }
            return columns
        }
    }

    /// The number of sequences.
    public var sequenceCount: Int { sequences.count }

    /// How many rows of each sequence are stored.
    public var lengths: [Int] { sequences.map(\.length) }

    /// How many rows of a sequence are stored; 0 for one that does not exist.
    public func length(of sequence: Int) -> Int {
        sequences.indices.contains(sequence) ? sequences[sequence].length : 0
    }

    /// The bytes that the rows take; pieces that sequences share count once.
    public var bytes: Int {
        var seen = Set<ObjectIdentifier>()
        return sequences.flatMap(\.runs).reduce(0) {
            seen.insert(ObjectIdentifier($1.piece)).inserted ? $0 + $1.piece.bytes : $0
        }
    }

    /// Makes sequence i of the store what `order[i]` was: drops those not named, copies those named twice.
    /// - Throws: ``RuntimeError/keyValues(problem:)`` for a sequence that does not exist; nothing is changed then.
    public func reorder(_ order: [Int]) throws(RuntimeError) {
        for index in order where !sequences.indices.contains(index) {
            throw .keyValues(problem: "there is no sequence \(index) among its \(sequences.count)")
        }
        sequences = order.map { sequences[$0] }
    }

    /// Drops sequences; those after them move up.
    /// - Throws: ``RuntimeError/keyValues(problem:)`` for a sequence that does not exist.
    public func remove(_ indices: Set<Int>) throws(RuntimeError) {
        for index in indices.sorted() where !sequences.indices.contains(index) {
            throw .keyValues(problem: "there is no sequence \(index) among its \(sequences.count)")
        }
        sequences = sequences.indices.filter { !indices.contains($0) }.map { sequences[$0] }
    }

    /// Forgets the rows of a sequence from `length` on; does nothing where it has no more than that.
    /// - Throws: ``RuntimeError/keyValues(problem:)`` for a sequence that does not exist or a negative length.
    public func truncate(_ sequence: Int, to length: Int) throws(RuntimeError) {
        guard sequences.indices.contains(sequence), length >= 0 else {
            throw .keyValues(
                problem: "sequence \(sequence) of its \(sequences.count) can not be shortened to \(length) rows")
        }
        var stored = sequences[sequence]
        while stored.length > length, let last = stored.runs.last {
            let surplus = stored.length - length
            if last.rows <= surplus {
                stored.runs.removeLast()
                stored.length -= last.rows
            } else {
                stored.runs[stored.runs.count - 1].rows -= surplus
                stored.length = length
            }
        }
        sequences[sequence] = stored
    }

    /// Forgets all rows of all sequences.
    public func removeAllRows() {
        sequences = Array(repeating: StoredSequence(), count: sequences.count)
    }
}

// MARK: - What the executor asks for

extension KeyValueStore {
    func runs(of sequence: Int) -> [Run] { sequences[sequence].runs }

    /// Appends rows that are stored already.
    func add(_ run: Run, to sequence: Int) {
        sequences[sequence].runs.append(run)
        sequences[sequence].length += run.rows
    }

    /// How many floats of a piece's row come before the keys of slot number `place`.
    func keyColumn(_ place: Int) -> Int { fixedColumns?[place] ?? keyColumns[place] }

    /// Makes room for `rows` more rows of a sequence in one piece that no other sequence reads beyond its own rows.
    /// - Returns: the piece and the first free row in it.
    func reserve(_ rows: Int, for sequence: Int) -> (piece: KeyValuePiece, row: Int) {
        if rows > 0 { makeRoom(rows, for: sequence) }
        let count = sequences[sequence].runs.count
        guard count > 0 else { return (KeyValuePiece(capacity: 0, rowWidth: rowWidth), 0) }
        let last = sequences[sequence].runs[count - 1]
        return (last.piece, last.rows)
    }

    /// Counts the rows that were written to the reserved room.
    func commit(_ rows: Int, for sequence: Int) {
        guard rows > 0, !sequences[sequence].runs.isEmpty else { return }
        sequences[sequence].runs[sequences[sequence].runs.count - 1].rows += rows
        sequences[sequence].length += rows
    }

    private func makeRoom(_ rows: Int, for sequence: Int) {
        let length = sequences[sequence].length
        if var last = sequences[sequence].runs.popLast() {
            let isUnique = isKnownUniquelyReferenced(&last.piece)
            if isUnique, last.rows + rows <= last.piece.capacity {
                sequences[sequence].runs.append(last)
                return
            }
            // A short shared end is copied, so that beams that fork at every step do not leave a trail of tiny pieces.
            if last.rows < Self.largestCopiedEnd {
                let copy = KeyValuePiece(capacity: capacity(last.rows + rows, length), rowWidth: rowWidth)
                copy.copyRows(last.rows, from: last.piece, widths: widths)
                sequences[sequence].runs.append(Run(piece: copy, rows: last.rows))
                return
            }
            sequences[sequence].runs.append(last)
        }
        sequences[sequence].runs.append(
            Run(piece: KeyValuePiece(capacity: capacity(rows, length), rowWidth: rowWidth), rows: 0))
    }

    private static let largestCopiedEnd = 64

    /// Room for the rows and about as many as there are already, so that growing costs little in time and memory.
    private func capacity(_ rows: Int, _ length: Int) -> Int { rows + min(max(length, 32), 512) }
}
