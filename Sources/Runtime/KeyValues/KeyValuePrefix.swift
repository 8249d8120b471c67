/// The keys and values of the first rows of one sequence, kept to be read by later batches.
///
/// ```swift
/// let prefix = KeyValuePrefix(of: 0, in: store, rows: 12, slots: plan.keyValueSlots)
/// try executor.run(batch, keyValues: KeyValueStore(reading: [(prefix, rows: 12), nil], plan.keyValueSlots))
/// ```
public final class KeyValuePrefix {
    /// The widths of what is kept, by slot.
    public let slots: [KeyValueSlot]
    /// How many rows there are.
    public let rows: Int
    let piece: KeyValuePiece

    /// Copies the first rows of a sequence.
    /// - Parameter slots: Those that are kept, which the store must have too.
    /// - Returns: nil where the store has not so many rows or lacks a slot.
    public init?(of sequence: Int, in store: KeyValueStore, rows: Int, slots: [KeyValueSlot]) {
        guard sequence < store.sequenceCount, rows <= store.lengths[sequence] else { return nil }
        let places = slots.map { slot in store.slots.firstIndex(of: slot) }
        self.slots = slots
        self.rows = rows
        let widths = slots.flatMap { [$0.keyWidth, $0.valueWidth] }
        piece = KeyValuePiece(capacity: rows, rowWidth: widths.reduce(0, +))
        var column = 0
        for (slot, place) in zip(slots, places) {
            guard let place else { return nil }
            let source = store.keyColumn(place)
            copy(sequence, store, from: source, to: column, slot.keyWidth)
            copy(sequence, store, from: source + slot.keyWidth, to: column + slot.keyWidth, slot.valueWidth)
            column += slot.keyWidth + slot.valueWidth
        }
    }

    /// Copies rows that ``floats`` of another one gave.
    /// - Returns: nil where there are not as many floats as rows of these slots have.
    public init?(_ floats: UnsafeBufferPointer<Float>, rows: Int, slots: [KeyValueSlot]) {
        let width = slots.reduce(0) { $0 + $1.keyWidth + $1.valueWidth }
        guard rows >= 0, floats.count == rows * width else { return nil }
        self.slots = slots
        self.rows = rows
        piece = KeyValuePiece(capacity: rows, rowWidth: width)
        if let source = floats.baseAddress { piece.matrix(after: 0).update(from: source, count: floats.count) }
    }

    /// All keys and values, matrix after matrix; valid as long as this is.
    public var floats: UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: piece.matrix(after: 0), count: bytes / MemoryLayout<Float>.size)
    }

    /// The bytes that the rows take.
    public var bytes: Int { piece.bytes }

    private func copy(_ sequence: Int, _ store: KeyValueStore, from source: Int, to column: Int, _ width: Int) {
        var target = piece.matrix(after: column)
        var left = rows
        for run in store.runs(of: sequence) where left > 0 {
            let count = min(run.rows, left)
            target.update(from: run.piece.matrix(after: source), count: count * width)
            target += count * width
            left -= count
        }
    }
}

extension KeyValueStore {
    /// A store that attention reads the given rows from and that live rows are not added to.
    /// - Parameters:
    ///   - prefixes: What is stored of each sequence of a batch, and how many of its first rows are read; nil for none.
    ///   - slots: The slots that are read, which each prefix must have.
    /// - Throws: ``RuntimeError/keyValues(problem:)`` for a prefix that lacks rows or a slot, or is laid out unlike others.
    public convenience init(
        reading prefixes: [(prefix: KeyValuePrefix, rows: Int)?], _ slots: [KeyValueSlot]
    ) throws(RuntimeError) {
        self.init(slots, sequences: prefixes.count)
        let kept = prefixes.lazy.compactMap { $0?.prefix.slots }.first ?? slots
        fixedColumns = []
        for slot in slots {
            guard let place = kept.firstIndex(of: slot) else {
                throw .keyValues(problem: "the kept rows have no slot \(slot.slot)")
            }
            fixedColumns?.append(kept[..<place].reduce(0) { $0 + $1.keyWidth + $1.valueWidth })
        }
        for (sequence, entry) in prefixes.enumerated() {
            guard let (prefix, rows) = entry, rows > 0 else { continue }
            guard prefix.slots == kept, rows <= prefix.rows else {
                throw .keyValues(problem: "the rows kept of sequence \(sequence) do not serve the batch")
            }
            add(Run(piece: prefix.piece, rows: rows), to: sequence)
        }
    }
}
