import CKernels

/// A tensor to be written: name, storage type, shape, and where its elements come from.
///
/// ```swift
/// let tensors = [
///     try NamedTensor("weight", shape: [4, 576], floats: weight),
///     try NamedTensor("offsets", shape: [3], integers: [0, 5, 9]),
///     try NamedTensor("logits", shape: [rows, vocabulary], as: .f16) { range, buffer in … },
/// ]
/// ```
public struct NamedTensor: Sendable {
    /// Writes the elements in `range` (row-major numbers) to the buffer, which has exactly that many.
    public typealias Fill = @Sendable (_ range: Range<Int>, _ buffer: UnsafeMutableBufferPointer<Float>) -> Void

    enum Source: Sendable {
        case floats([Float])
        case integers([Int64])
        case filled(Fill)
        case stored(ByteRegion)
    }

    /// The name in the file.
    public let name: String
    /// How the elements are stored in the file.
    public let type: StorageType
    /// Dimensions, row-major.
    public let shape: [Int]
    /// The product of the dimensions.
    public let elementCount: Int
    /// Bytes in the file.
    public let byteCount: Int
    let source: Source

    /// A tensor of real numbers, stored as f32, f16, bf16 or f64 (rounded to nearest, ties to even).
    /// - Throws: `CheckpointError.invalidTensor` when the number of elements is not the product of the dimensions.
    public init(
        _ name: String, shape: [Int], floats: [Float], as type: StorageType = .f32
    ) throws(CheckpointError) {
        try self.init(
            name, type, shape, .floats(floats), given: floats.count, allowed: [.f32, .f16, .bf16, .f64])
    }

    /// A tensor of whole numbers, stored as i64 or i32.
    /// - Throws: `CheckpointError.invalidTensor` when the number of elements is not the product of the dimensions, or
    ///   one does not fit the type.
    public init(
        _ name: String, shape: [Int], integers: [Int64], as type: StorageType = .i64
    ) throws(CheckpointError) {
        try self.init(name, type, shape, .integers(integers), given: integers.count, allowed: [.i64, .i32])
        if type == .i32, let large = integers.first(where: { Int32(exactly: $0) == nil }) {
            throw .invalidTensor(name: name, problem: "\(large) does not fit I32")
        }
    }

    /// A tensor whose elements `fill` supplies piece by piece while it is written: for what should not be in memory whole.
    /// - Throws: `CheckpointError.invalidTensor` for a shape whose size does not fit 64 bits.
    public init(
        _ name: String, shape: [Int], as type: StorageType = .f32, filledBy fill: @escaping Fill
    ) throws(CheckpointError) {
        try self.init(
            name, type, shape, .filled(fill), given: nil, allowed: [.f32, .f16, .bf16, .f64])
    }

    /// A tensor of a file, copied byte for byte, quantised blocks included.
    public init(_ stored: StoredTensor) {
        name = stored.name
        type = stored.type
        shape = stored.shape
        elementCount = stored.elementCount
        byteCount = stored.byteCount
        source = .stored(stored.bytes)
    }

    /// A tensor whose encoded bytes are given: any storage type.
    /// - Throws: `CheckpointError.invalidTensor` when shape and type take another number of bytes.
    public init(_ name: String, shape: [Int], bytes: [UInt8], as type: StorageType) throws(CheckpointError) {
        let region = bytes.withUnsafeBytes { ByteRegion(copying: $0) }
        guard let stored = StoredTensor(name: name, type: type, shape: shape, bytes: region) else {
            throw .invalidTensor(name: name, problem: "\(type) \(shape) does not take \(bytes.count) bytes")
        }
        self.init(stored)
    }

    private init(
        _ name: String, _ type: StorageType, _ shape: [Int], _ source: Source, given: Int?, allowed: [StorageType]
    ) throws(CheckpointError) {
        guard allowed.contains(type) else {
            throw .invalidTensor(
                name: name,
                problem: "its elements can be stored as \(allowed.map(\.rawValue).joined(separator: ", ")), not \(type)"
            )
        }
        guard let count = Checkpoints.elementCount(of: shape), let bytes = type.byteCount(elements: count) else {
            throw .invalidTensor(name: name, problem: "the size of shape \(shape) does not fit 64 bits")
        }
        if let given, given != count {
            throw .invalidTensor(name: name, problem: "shape \(shape) has \(count) elements, \(given) were given")
        }
        self.name = name
        self.type = type
        self.shape = shape
        self.elementCount = count
        self.byteCount = bytes
        self.source = source
    }
}

extension NamedTensor {
    /// Elements that are encoded at a time.
    private static var chunk: Int { 1 << 16 }
    /// Takes encoded bytes.
    typealias Emit = (UnsafeRawBufferPointer) throws(CheckpointError) -> Void

    /// Writes the encoded elements.
    func writePayload(to file: AtomicFile) throws(CheckpointError) {
        try forEachEncodedPart { (bytes) throws(CheckpointError) in try file.write(bytes) }
    }

    /// Gives the encoded elements in order, part by part.
    func forEachEncodedPart(_ emit: Emit) throws(CheckpointError) {
        switch source {
        case .stored(let bytes):
            try bytes.withUnsafeBytes { (bytes) throws(CheckpointError) in try emit(bytes) }
        case .integers(let values):
            try forEachChunk { (range) throws(CheckpointError) in
                if type == .i64 {
                    try give(values[range].map(\.littleEndian), to: emit)
                } else {
                    try give(values[range].map { Int32(truncatingIfNeeded: $0).littleEndian }, to: emit)
                }
            }
        case .floats(let values):
            try forEachChunk { (range) throws(CheckpointError) in try encode(Array(values[range]), to: emit) }
        case .filled(let fill):
            try forEachChunk { (range) throws(CheckpointError) in
                let values = [Float](unsafeUninitializedCapacity: range.count) { buffer, count in
                    let exact = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
                    exact.initialize(repeating: 0)
                    fill(range, exact)
                    count = range.count
                }
                try encode(values, to: emit)
            }
        }
    }

    private func forEachChunk(
        _ body: (Range<Int>) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        var start = 0
        while start < elementCount {
            let end = min(start + Self.chunk, elementCount)
            try body(start..<end)
            start = end
        }
    }

    private func encode(_ values: [Float], to emit: Emit) throws(CheckpointError) {
        switch type {
        case .f16, .bf16:
            let halves = [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
                let round = type == .f16 ? ck_round_to_f16 : ck_round_to_bf16
                round(values, Int64(values.count), buffer.baseAddress)
                count = values.count
            }
            try give(halves, to: emit)
        case .f64: try give(values.map(Double.init), to: emit)
        default: try give(values, to: emit)
        }
    }

    private func give<T: BitwiseCopyable>(_ values: [T], to emit: Emit) throws(CheckpointError) {
        try values.withUnsafeBufferPointer { (values) throws(CheckpointError) in
            try emit(UnsafeRawBufferPointer(values))
        }
    }
}
