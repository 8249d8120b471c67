import CKernels

/// A matrix of f32 in someone else's memory: `rows` × `columns`, rows `stride` floats apart.
///
/// It is valid as long as its owner says, for an executor's outputs until the next run.
public struct MatrixView {
    /// The first element.
    public let pointer: UnsafePointer<Float>
    public let rows: Int
    public let columns: Int
    /// Floats from one row to the next, at least `columns`.
    public let stride: Int

    public init(pointer: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int) {
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// The number of elements.
    public var count: Int { rows * columns }

    /// One element. The place must exist.
    public subscript(row: Int, column: Int) -> Float { pointer[row * stride + column] }

    /// One row. It must exist.
    public func row(_ row: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: pointer + row * stride, count: columns)
    }

    /// The rows from one on.
    public func rows(from first: Int) -> MatrixView {
        let first = min(max(first, 0), rows)
        return MatrixView(pointer: pointer + first * stride, rows: rows - first, columns: columns, stride: stride)
    }

    /// A copy, row after row without gaps.
    public func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
            if let target = buffer.baseAddress, count > 0 {
                ck_copy(Int64(rows), Int64(columns), pointer, Int64(stride), target, Int64(columns))
            }
            initialised = count
        }
    }
}
