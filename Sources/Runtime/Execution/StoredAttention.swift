import CKernels

/// The stored keys and values of a run as the attention kernel takes them, and where live rows are appended. An executor has
/// one and keeps it for its memory.
final class StoredAttention {
    /// During a run.
    private var store: KeyValueStore?
    /// Stored rows before the run and the segments' bounds, per sequence.
    private(set) var firstPositions: [Int64] = []
    private(set) var segmentOffsets: [Int64] = []
    private var segments: [ck_attention_segment] = []
    private var pieces: [KeyValuePiece] = []
    private var targets: [(piece: KeyValuePiece, row: Int, rows: Int, first: Int)] = []

    /// Makes room for the live rows of each sequence, which begin at the offsets.
    func begin(
        _ store: KeyValueStore, slots: [KeyValueSlot], offsets: UnsafeBufferPointer<Int32>
    ) throws(RuntimeError) {
        guard store.slots == slots else {
            throw .keyValues(problem: "it has \(Self.text(store.slots)), the plan wants \(Self.text(slots))")
        }
        guard store.sequenceCount == offsets.count - 1 else {
            throw .keyValues(
                problem: "it has \(store.sequenceCount) sequences, the batch has \(max(0, offsets.count - 1))")
        }
        end()
        self.store = store
        segmentOffsets.append(0)
        for sequence in 0..<store.sequenceCount {
            firstPositions.append(Int64(store.length(of: sequence)))
            let first = Int(offsets[sequence])
            let rows = Int(offsets[sequence + 1]) - first
            if store.fixedColumns == nil {
                let target = store.reserve(rows, for: sequence)
                targets.append((target.piece, target.row, rows, first))
            }
            var position: Int64 = 0
            let runs = store.runs(of: sequence)
            for index in 0..<runs.count where runs[index].rows > 0 {
                let run = runs[index]
                pieces.append(run.piece)
                segments.append(
                    ck_attention_segment(
                        keys: nil, values: nil, length: Int64(run.rows), key_stride: 0, value_stride: 0,
                        first_position: position))
                position += Int64(run.rows)
            }
            segmentOffsets.append(Int64(segments.count))
        }
    }

    /// Points the description at the stored rows of slot number `place` for the time of `body`.
    func withSegments<Result>(
        _ place: Int, _ description: inout ck_attention, _ body: (inout ck_attention) -> Result
    ) -> Result {
        guard let store else { return body(&description) }
        let slot = store.slots[place]
        let keyColumn = store.keyColumn(place)
        for index in segments.indices {
            segments[index].keys = UnsafePointer(pieces[index].matrix(after: keyColumn))
            segments[index].values = UnsafePointer(pieces[index].matrix(after: keyColumn + slot.keyWidth))
            segments[index].key_stride = Int64(slot.keyWidth)
            segments[index].value_stride = Int64(slot.valueWidth)
        }
        return segments.withUnsafeBufferPointer { segments in
            segmentOffsets.withUnsafeBufferPointer { segmentOffsets in
                firstPositions.withUnsafeBufferPointer { firstPositions in
                    description.segments = segments.baseAddress
                    description.segment_offsets = segmentOffsets.baseAddress
                    description.first_positions = firstPositions.baseAddress
                    return body(&description)
                }
            }
        }
    }

    /// Keeps the live rows of slot number `place`: keys, values or both. They count as stored after ``commit()``.
    func append(_ place: Int, keys: Operand? = nil, values: Operand? = nil) {
        guard let store else { return }
        let slot = store.slots[place]
        let keyColumn = store.keyColumn(place)
        for index in 0..<targets.count where targets[index].rows > 0 {
            let target = targets[index]
            if let keys {
                copy(
                    keys, target.first, target.rows,
                    to: target.piece.matrix(after: keyColumn) + target.row * slot.keyWidth, slot.keyWidth)
            }
            if let values {
                copy(
                    values, target.first, target.rows,
                    to: target.piece.matrix(after: keyColumn + slot.keyWidth) + target.row * slot.valueWidth,
                    slot.valueWidth)
            }
        }
    }

    /// Counts the live rows as stored.
    func commit() {
        for sequence in targets.indices { store?.commit(targets[sequence].rows, for: sequence) }
        end()
    }

    /// Lets go of the store and its pieces, of which the store may then see that it alone has them.
    private func end() {
        store = nil
        firstPositions.removeAll(keepingCapacity: true)
        segmentOffsets.removeAll(keepingCapacity: true)
        segments.removeAll(keepingCapacity: true)
        pieces.removeAll(keepingCapacity: true)
        targets.removeAll(keepingCapacity: true)
    }

    private func copy(_ source: Operand, _ first: Int, _ rows: Int, to: UnsafeMutablePointer<Float>, _ width: Int) {
        ck_copy(
            Int64(rows), Int64(width), source.floats + first * source.stride, source.stride64, to, Int64(width))
    }

    private static func text(_ slots: [KeyValueSlot]) -> String {
        let shown = slots.prefix(3).map { "slot \($0.slot) of \($0.keyWidth) + \($0.valueWidth) columns" }
        let rest = slots.count > 3 ? ", … (\(slots.count))" : ""
        return slots.isEmpty ? "no slots" : shown.joined(separator: ", ") + rest
    }
}
