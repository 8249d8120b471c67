/// A tensor as it lies in a file: name, storage type, shape, and its bytes, which stay where they are until asked for.
///
/// Rows are runs of the last dimension: a shape [n, k] has n rows of k elements, [k] has one, [] one of one element.
/// A value keeps its file mapped. It may be used from several threads at once.
///
/// ```swift
/// let embedding = try checkpoint.tensor("model.embed_tokens.weight")   // BF16 [49152, 576]
/// var row = [Float](repeating: 0, count: embedding.rowLength)
/// try row.withUnsafeMutableBufferPointer { try embedding.expand(rows: 7..<8, into: $0) }
/// ```
public struct StoredTensor: Sendable {
    /// The name in the file.
    public let name: String
    /// How the elements are stored.
    public let type: StorageType
    /// Dimensions, row-major: the last one is contiguous.
    public let shape: [Int]
    /// The product of the dimensions.
    public let elementCount: Int
    let bytes: ByteRegion

    /// A tensor over `bytes`, or nil when they do not fit the shape and type.
    init?(name: String, type: StorageType, shape: [Int], bytes: ByteRegion) {
        guard let count = Checkpoints.elementCount(of: shape), type.byteCount(elements: count) == bytes.count,
            (shape.last ?? 1) % type.blockElements == 0
        else { return nil }
        self.name = name
        self.type = type
        self.shape = shape
        self.elementCount = count
        self.bytes = bytes
    }

    /// A tensor in memory that holds a copy of `floats`.
    /// - Throws: `CheckpointError.invalidTensor` when their number is not the product of the dimensions.
    public init(_ name: String, shape: [Int], floats: [Float]) throws(CheckpointError) {
        let bytes = floats.withUnsafeBytes { ByteRegion(copying: $0) }
        guard let tensor = StoredTensor(name: name, type: .f32, shape: shape, bytes: bytes) else {
            throw .invalidTensor(name: name, problem: "shape \(shape) does not have \(floats.count) elements")
        }
        self = tensor
    }

    /// The length of a row: the last dimension, 1 for a scalar.
    public var rowLength: Int { shape.last ?? 1 }
    /// The number of rows: the product of all dimensions but the last.
    public var rowCount: Int { shape.dropLast().reduce(1, *) }
    /// Bytes of one row.
    public var rowByteCount: Int { rowLength / type.blockElements * type.blockByteCount }
    /// Bytes of the whole tensor.
    public var byteCount: Int { bytes.count }

    /// Calls `body` with the stored bytes. They may be unaligned and must not be used after it returns.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try bytes.withUnsafeBytes(body)
    }

    /// The same tensor under another name.
    public func renamed(_ name: String) -> StoredTensor {
        StoredTensor(name: name, type: type, shape: shape, elementCount: elementCount, bytes: bytes)
    }

    /// The same bytes under another shape.
    /// - Throws: `CheckpointError.invalidTensor` when the shape has another number of elements, or rows that are no
    ///   whole number of blocks.
    public func reshaped(_ shape: [Int]) throws(CheckpointError) -> StoredTensor {
        guard let tensor = StoredTensor(name: name, type: type, shape: shape, bytes: bytes) else {
            throw .invalidTensor(
                name: name,
                problem: "shape \(self.shape) of \(elementCount) \(type) elements can not become \(shape)")
        }
        return tensor
    }

    /// Rows `range` as a tensor of their own [range.count, rowLength], sharing the bytes.
    /// - Throws: `CheckpointError.outOfRange`.
    public func rows(_ range: Range<Int>) throws(CheckpointError) -> StoredTensor {
        try check(rows: range)
        guard let part = bytes.slice(range.lowerBound * rowByteCount..<range.upperBound * rowByteCount) else {
            throw rowError(range)
        }
        return StoredTensor(
            name: name, type: type, shape: [range.count, rowLength], elementCount: range.count * rowLength, bytes: part)
    }

    /// A copy in memory whose row `i` is row `order[i]` of this tensor, in the same storage type.
    ///
    /// GGUF files hold the query and key rows of Llama models permuted; this undoes it without expanding them.
    /// - Throws: `CheckpointError.outOfRange`.
    public func reorderingRows(_ order: [Int]) throws(CheckpointError) -> StoredTensor {
        for row in order where row < 0 || row >= rowCount { throw rowError(row..<row + 1) }
        let width = rowByteCount
        let copy = ByteRegion(count: order.count * width) { target in
            bytes.withUnsafeBytes { source in
                for (i, row) in order.enumerated() {
                    UnsafeMutableRawBufferPointer(rebasing: target[i * width..<(i + 1) * width])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[row * width..<(row + 1) * width]))
                }
            }
        }
        return StoredTensor(
            name: name, type: type, shape: order.count == rowCount ? shape : [order.count, rowLength],
            elementCount: order.count * rowLength, bytes: copy)
    }

    func check(rows range: Range<Int>) throws(CheckpointError) {
        if range.lowerBound < 0 || range.upperBound > rowCount { throw rowError(range) }
    }

    private func rowError(_ range: Range<Int>) -> CheckpointError {
        .outOfRange(
            tensor: name, what: "rows", given: "\(range.lowerBound)..<\(range.upperBound)", allowed: "0..<\(rowCount)")
    }

    private init(name: String, type: StorageType, shape: [Int], elementCount: Int, bytes: ByteRegion) {
        self.name = name
        self.type = type
        self.shape = shape
        self.elementCount = elementCount
        self.bytes = bytes
    }
}

extension StoredTensor: CustomStringConvertible {
    /// `model.norm.weight BF16 [576]`
    public var description: String { "\(name) \(type) \(shape)" }
}
