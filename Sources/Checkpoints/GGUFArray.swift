/// An array in GGUF metadata, kept encoded in the mapped file until it is asked for.
///
/// A vocabulary of 150,000 strings thus costs nothing at opening but the walk over its lengths.
public struct GGUFArray: Sendable {
    /// The type of the elements.
    public let elementKind: GGUFValue.Kind
    /// The number of elements.
    public let count: Int
    let payload: ByteRegion
    private let name: String
    private let file: String
    private let fileOffset: Int

    init(
        elementKind: GGUFValue.Kind, count: Int, payload: ByteRegion, name: String, file: String, fileOffset: Int
    ) {
        self.elementKind = elementKind
        self.count = count
        self.payload = payload
        self.name = name
        self.file = file
        self.fileOffset = fileOffset
    }

    /// An array of strings in memory.
    public init(strings: [String]) {
        var encoder = GGUFEncoder()
        for string in strings { encoder.append(string) }
        self.init(.string, strings.count, encoder)
    }

    /// An array of int32 in memory.
    public init(int32s values: [Int32]) {
        var encoder = GGUFEncoder()
        for value in values { encoder.append(value) }
        self.init(.int32, values.count, encoder)
    }

    /// An array of float32 in memory.
    public init(float32s values: [Float]) {
        var encoder = GGUFEncoder()
        for value in values { encoder.append(value) }
        self.init(.float32, values.count, encoder)
    }

    /// An array of arrays in memory.
    public init(arrays: [GGUFArray]) {
        var encoder = GGUFEncoder()
        for array in arrays { encoder.append(array) }
        self.init(.array, arrays.count, encoder)
    }

    private init(_ kind: GGUFValue.Kind, _ count: Int, _ encoder: GGUFEncoder) {
        let payload = encoder.bytes.withUnsafeBytes { ByteRegion(copying: $0) }
        self.init(elementKind: kind, count: count, payload: payload, name: "array", file: "(memory)", fileOffset: 0)
    }

    /// The elements as strings.
    /// - Throws: `CheckpointError.metadataType` when they are none, `.damaged` when one is not valid UTF-8.
    public func strings() throws(CheckpointError) -> [String] {
        var values: [String] = []
        values.reserveCapacity(count)
        var position = 0
        var damaged: Int?
        try forEachString { _, utf8 in
            if let text = String(validating: utf8, as: UTF8.self) {
                values.append(text)
            } else if damaged == nil {
                damaged = position
            }
            position += 8 + utf8.count
        }
        if let damaged {
            throw .damaged(file: file, offset: fileOffset + damaged, problem: "\(name) is not valid UTF-8")
        }
        return values
    }

    /// Calls `body` with the number and the bytes of each string, without making strings or checking UTF-8. The bytes
    /// must not be used after it returns.
    /// - Throws: `CheckpointError.metadataType` when the elements are no strings.
    public func forEachString(
        _ body: (_ index: Int, _ utf8: UnsafeRawBufferPointer) -> Void
    ) throws(CheckpointError) {
        guard elementKind == .string else { throw typeError("strings") }
        payload.withUnsafeBytes { bytes in
            var position = 0
            for index in 0..<count {
                // The walk at opening has checked the lengths.
                let length = Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                body(index, UnsafeRawBufferPointer(rebasing: bytes[position + 8..<position + 8 + length]))
                position += 8 + length
            }
        }
    }

    /// The elements as whole numbers.
    /// - Throws: `CheckpointError.metadataType` when they are none or one exceeds `Int.max`.
    public func integers() throws(CheckpointError) -> [Int] { try elements("whole numbers") { $0.integer } }

    /// The elements as real numbers, rounded to f32.
    /// - Throws: `CheckpointError.metadataType` when they are no numbers.
    public func floats() throws(CheckpointError) -> [Float] { try elements("numbers") { $0.number.map { Float($0) } } }

    /// The elements as truth values.
    /// - Throws: `CheckpointError.metadataType` when they are none.
    public func booleans() throws(CheckpointError) -> [Bool] { try elements("truth values") { $0.boolean } }

    /// The elements as arrays.
    /// - Throws: `CheckpointError.metadataType` when they are none.
    public func arrays() throws(CheckpointError) -> [GGUFArray] { try elements("arrays") { $0.array } }

    private func elements<T>(_ wanted: String, _ convert: (GGUFValue) -> T?) throws(CheckpointError) -> [T] {
        var cursor = cursor
        var values: [T] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            guard let value = convert(try cursor.value(elementKind, name)) else { throw typeError(wanted) }
            values.append(value)
        }
        return values
    }

    private var cursor: GGUFCursor { GGUFCursor(payload, file: file, fileOffset: fileOffset) }

    private func typeError(_ wanted: String) -> CheckpointError {
        .metadataType(what: name, file: file, found: "an array of \(elementKind)", wanted: "an array of \(wanted)")
    }
}
