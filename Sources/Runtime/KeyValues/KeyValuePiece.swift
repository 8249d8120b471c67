/// Memory for the keys and values of consecutive rows of one sequence, for all slots: per slot a matrix of keys and one
/// of values. Full pieces are shared between sequences that have the same beginning.
final class KeyValuePiece {
    let capacity: Int
    private let memory: UnsafeMutablePointer<Float>
    /// Floats that one row takes over all slots.
    private let rowWidth: Int

    init(capacity: Int, rowWidth: Int) {
        self.capacity = capacity
        self.rowWidth = rowWidth
        memory = .allocate(capacity: max(1, capacity * rowWidth))
    }

    deinit { memory.deallocate() }

    var bytes: Int { capacity * rowWidth * MemoryLayout<Float>.size }

    /// Where a matrix begins that `column` floats of each row come before.
    func matrix(after column: Int) -> UnsafeMutablePointer<Float> { memory + capacity * column }

    /// Copies the first rows of another piece's matrices, whose widths are given in their order.
    func copyRows(_ rows: Int, from other: KeyValuePiece, widths: [Int]) {
        var column = 0
        for width in widths {
            matrix(after: column).update(from: other.matrix(after: column), count: rows * width)
            column += width
        }
    }
}
