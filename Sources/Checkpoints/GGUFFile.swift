import Foundation

/// A GGUF file (version 2 or 3, little-endian), memory-mapped. Opening checks header, metadata and tensor table against
/// the file's size and reads no weights.
///
/// GGUF lists dimensions fastest first; `StoredTensor.shape` here is row-major, [rows, columns], as everywhere else.
/// Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md.
///
/// ```swift
/// let file = try GGUFFile(at: URL(filePath: "smollm2-135m-instruct.Q4_1.gguf"))
/// try file.string("general.architecture")          // "llama"
/// try file.strings("tokenizer.ggml.tokens").count  // 49152
/// try file.tensor("blk.0.attn_q.weight")           // Q4_1 [576, 576]
/// ```
public struct GGUFFile: Sendable {
    static let magic = Array("GGUF".utf8)
    private static let defaultAlignment = 32
    private static let maximumDimensions = 4

    /// The path as it was given.
    public let path: String
    /// The version of the format: 2 or 3.
    public let version: Int
    /// All metadata by key.
    public let metadata: [String: GGUFValue]
    /// The keys of the metadata in the order of the file.
    public let keys: [String]
    /// The multiple on which tensors start, in bytes.
    public let alignment: Int
    private let table: TensorTable

    /// Opens the file at `url`.
    /// - Throws: `CheckpointError.missing`, `.unreadable`, `.damaged`; `.unsupported` for version 1, big-endian files and
    ///   tensor types that are not read.
    public init(at url: URL) throws(CheckpointError) {
        let file = try MappedFile(at: url)
        try self.init(file.whole, path: file.path)
    }

    /// Reads a file whose bytes are at hand; `path` is for messages.
    init(_ whole: ByteRegion, path: String) throws(CheckpointError) {
        self.path = path
        var cursor = GGUFCursor(whole, file: path)
        version = try Self.version(&cursor)
        // The smallest tensor entry: a name of no bytes, no dimensions, a type and an offset.
        let tensorCount = try cursor.count("the number of tensors", ofAtLeast: 8 + 4 + 4 + 8)
        let valueCount = try cursor.count("the number of metadata values", ofAtLeast: 8 + 4 + 1)
        (keys, metadata) = try Self.metadata(valueCount, &cursor)
        alignment = try Self.alignment(metadata, file: path)
        let entries = try Self.entries(tensorCount, &cursor)
        table = TensorTable(try Self.tensors(entries, after: cursor, alignment: alignment))
    }

    /// All tensors, in the order of the file.
    public var tensors: [StoredTensor] { table.tensors }

    /// The tensor of that name, or nil.
    public subscript(_ name: String) -> StoredTensor? { table[name] }

    /// The tensor of that name.
    /// - Throws: `CheckpointError.noTensor` with the nearest name.
    public func tensor(_ name: String) throws(CheckpointError) -> StoredTensor { try table.tensor(name, of: path) }

    // MARK: Reading

    private struct Entry {
        var name: String
        var type: StorageType
        var shape: [Int]
        var byteCount: Int
        var dataOffset: Int
        /// Where in the file the entry stands.
        var offset: Int
    }

    private static func version(_ cursor: inout GGUFCursor) throws(CheckpointError) -> Int {
        for byte in magic where try cursor.read(UInt8.self, "the magic") != byte {
            throw cursor.failure("it does not start with 'GGUF'", at: 0)
        }
        let version = try cursor.read(UInt32.self, "the version")
        switch version {
        case 2, 3: return Int(version)
        case _ where version.byteSwapped <= 0xffff && version > 0xffff:
            throw .unsupported(
                file: cursor.file, offset: 4, given: "big-endian GGUF version \(version.byteSwapped)",
                allowed: "little-endian versions 2, 3")
        default:
            throw .unsupported(
                file: cursor.file, offset: 4, given: "GGUF version \(version)", allowed: "little-endian versions 2, 3")
        }
    }

    private static func metadata(
        _ count: Int, _ cursor: inout GGUFCursor
    ) throws(CheckpointError) -> ([String], [String: GGUFValue]) {
        var keys: [String] = []
        var values: [String: GGUFValue] = [:]
        for _ in 0..<count {
            let start = cursor.offset
            let key = try cursor.string("a metadata key")
            guard values[key] == nil else { throw cursor.failure("metadata '\(key)' appears twice", at: start) }
            let kind = try cursor.kind("metadata '\(key)'")
            values[key] = try cursor.value(kind, "metadata '\(key)'")
            keys.append(key)
        }
        return (keys, values)
    }

    private static func alignment(_ metadata: [String: GGUFValue], file: String) throws(CheckpointError) -> Int {
        guard let value = metadata["general.alignment"] else { return defaultAlignment }
        guard case .uint32(let given) = value else {
            throw .metadataType(
                what: "metadata 'general.alignment'", file: file, found: "\(value.kind)", wanted: "uint32")
        }
        guard given > 0, given & (given - 1) == 0 else {
            throw .metadataType(
                what: "metadata 'general.alignment'", file: file, found: "\(given)", wanted: "a power of two")
        }
        return Int(given)
    }

    private static func entries(_ count: Int, _ cursor: inout GGUFCursor) throws(CheckpointError) -> [Entry] {
        var entries: [Entry] = []
        var names: Set<String> = []
        for _ in 0..<count {
            let entry = try entry(&cursor)
            guard names.insert(entry.name).inserted else {
                throw cursor.failure("tensor '\(entry.name)' appears twice", at: entry.offset)
            }
            entries.append(entry)
        }
        return entries
    }

    private static func entry(_ cursor: inout GGUFCursor) throws(CheckpointError) -> Entry {
        let start = cursor.offset
        let name = try cursor.string("a tensor name")
        let dimensions = try cursor.read(UInt32.self, "the number of dimensions of '\(name)'")
        guard dimensions <= maximumDimensions else {
            throw cursor.failure(
                "tensor '\(name)' has \(dimensions) dimensions; at most \(maximumDimensions) are allowed", at: start)
        }
        var shape: [Int] = []
        for _ in 0..<dimensions {
            let given = try cursor.read(UInt64.self, "a dimension of '\(name)'")
            guard let dimension = Int(exactly: given) else {
                throw cursor.failure("dimension \(given) of tensor '\(name)' does not fit 63 bits", at: start)
            }
            shape.insert(dimension, at: 0)
        }
        let typeOffset = cursor.offset
        let number = try cursor.read(UInt32.self, "the type of '\(name)'")
        guard let type = storageTypes[number] else {
            throw .unsupported(
                file: cursor.file, offset: typeOffset, given: "tensor type \(typeName(number)) of '\(name)'",
                allowed: storageTypes.sorted { $0.key < $1.key }.map(\.value.rawValue).joined(separator: ", "))
        }
        guard (shape.last ?? 1) % type.blockElements == 0 else {
            throw cursor.failure(
                "rows of tensor '\(name)' have \(shape.last ?? 1) elements, no multiple of the \(type.blockElements) "
                    + "of a \(type) block", at: start)
        }
        guard let bytes = elementCount(of: shape).flatMap({ type.byteCount(elements: $0) }) else {
            throw cursor.failure("the size of tensor '\(name)', \(type) \(shape), does not fit 64 bits", at: start)
        }
        let given = try cursor.read(UInt64.self, "the offset of '\(name)'")
        guard let dataOffset = Int(exactly: given) else {
            throw cursor.failure("offset \(given) of tensor '\(name)' does not fit 63 bits", at: start)
        }
        return Entry(name: name, type: type, shape: shape, byteCount: bytes, dataOffset: dataOffset, offset: start)
    }

    private static func tensors(
        _ entries: [Entry], after header: GGUFCursor, alignment: Int
    ) throws(CheckpointError) -> [StoredTensor] {
        let whole = header.region
        let dataStart = (header.position + alignment - 1) / alignment * alignment
        let dataCount = max(0, whole.count - dataStart)
        func failure(_ entry: Entry, _ problem: String) -> CheckpointError {
            header.failure("tensor '\(entry.name)' \(problem)", at: entry.offset)
        }
        var tensors: [StoredTensor] = []
        for entry in entries {
            guard entry.dataOffset % alignment == 0 else {
                throw failure(entry, "starts at data offset \(entry.dataOffset), no multiple of \(alignment)")
            }
            guard entry.dataOffset <= dataCount, entry.byteCount <= dataCount - entry.dataOffset else {
                throw failure(
                    entry, "takes \(entry.byteCount) bytes at data offset \(entry.dataOffset) of \(dataCount)")
            }
            // A file without data may end before the padding that would precede them.
            let start = min(dataStart + entry.dataOffset, whole.count)
            guard let bytes = whole.slice(start..<start + entry.byteCount),
                let tensor = StoredTensor(name: entry.name, type: entry.type, shape: entry.shape, bytes: bytes)
            else { throw failure(entry, "does not fit its bytes") }
            tensors.append(tensor)
        }
        var end = 0
        for entry in entries.sorted(by: { ($0.dataOffset, $0.byteCount) < ($1.dataOffset, $1.byteCount) }) {
            guard entry.dataOffset >= end else {
                throw failure(entry, "starts at data offset \(entry.dataOffset), inside a tensor that ends at \(end)")
            }
            end = entry.dataOffset + entry.byteCount
        }
        return tensors
    }

    // MARK: Tensor types

    /// Storage types by their GGUF number.
    private static let storageTypes: [UInt32: StorageType] = {
        let types = StorageType.allCases.filter { $0.code < 100 }
        return Dictionary(types.map { (UInt32($0.code), $0) }, uniquingKeysWith: { first, _ in first })
    }()

    private static func typeName(_ number: UInt32) -> String {
        let unread: [UInt32: String] = [
            9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
            22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ]
        return unread[number].map { "\($0) (\(number))" } ?? "\(number)"
    }
}
