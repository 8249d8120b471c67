import CKernels

extension StoredTensor {
    /// All elements as f32 [elementCount], row-major. f64 and wide integers are rounded to the nearest f32.
    public func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            expandElements(from: 0, count: elementCount, into: buffer.baseAddress)
            count = elementCount
        }
    }

    /// Expands whole rows to f32: `buffer` receives [rows.count, rowLength].
    /// - Throws: `CheckpointError.outOfRange` for rows that do not exist or a buffer that is too small.
    public func expand(
        rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CheckpointError) {
        try check(rows: rows)
        guard buffer.count >= rows.count * rowLength else {
            throw .outOfRange(
                tensor: name, what: "room for \(rows.count) rows of \(rowLength) elements in a buffer of",
                given: "\(buffer.count)", allowed: "at least \(rows.count * rowLength)")
        }
        expandElements(from: rows.lowerBound * rowLength, count: rows.count * rowLength, into: buffer.baseAddress)
    }

    /// Expands whole rows to f32 at `destination`, which must have room for [rows.count, rowLength].
    /// - Throws: `CheckpointError.outOfRange` for rows that do not exist.
    public func expand(
        rows: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) throws(CheckpointError) {
        try check(rows: rows)
        expandElements(from: rows.lowerBound * rowLength, count: rows.count * rowLength, into: destination)
    }

    /// Single elements as f32, in the order of `indices` (row-major element numbers). Touches only their blocks.
    /// - Throws: `CheckpointError.outOfRange`.
    public func elements(at indices: [Int]) throws(CheckpointError) -> [Float] {
        let size = type.blockElements
        var block = [Float](repeating: 0, count: size)
        var expanded = -1
        var values: [Float] = []
        values.reserveCapacity(indices.count)
        for index in indices {
            guard index >= 0, index < elementCount else {
                throw .outOfRange(tensor: name, what: "element", given: "\(index)", allowed: "0..<\(elementCount)")
            }
            if index / size != expanded {
                expanded = index / size
                block.withUnsafeMutableBufferPointer {
                    expandElements(from: expanded * size, count: size, into: $0.baseAddress)
                }
            }
            values.append(block[index % size])
        }
        return values
    }

    /// All elements as whole numbers.
    /// - Throws: `CheckpointError.storageType` when the tensor is not stored as integers.
    public func integers() throws(CheckpointError) -> [Int64] {
        guard type.isInteger else { throw .storageType(tensor: name, found: type, wanted: "integers") }
        return withUnsafeBytes { bytes in
            switch type {
            case .i64: load(bytes, as: Int64.self)
            case .i32: load(bytes, as: Int32.self)
            case .i16: load(bytes, as: Int16.self)
            case .i8: load(bytes, as: Int8.self)
            case .bool: bytes.map { $0 == 0 ? 0 : 1 }
            default: load(bytes, as: UInt8.self)
            }
        }
    }

    private func load<T: BinaryInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, as _: T.Type
    ) -> [Int64] {
        (0..<elementCount).map {
            Int64(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
        }
    }

    /// Both ends lie on block boundaries and inside the tensor: callers have checked.
    private func expandElements(from start: Int, count: Int, into destination: UnsafeMutablePointer<Float>?) {
        guard count > 0, let destination else { return }
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let offset = start / type.blockElements * type.blockByteCount
            ck_dequantize(type.code, base + offset, Int64(count), destination)
        }
    }
}
