/// The header of a safetensors file, checked against the format's rules: an 8-byte length, that many bytes of JSON, and
/// a payload that the tensors fill without overlap or hole.
struct SafetensorsHeader {
    /// A tensor as the header declares it; `begin..<end` counts from the start of the payload.
    struct Entry {
        var name: String
        var type: StorageType
        var shape: [Int]
        var begin: Int
        var end: Int
        /// Where in the file the entry stands.
        var offset: Int
    }

    /// The longest header that the format allows, in bytes.
    static let maximumLength = 100_000_000
    private static let types: [StorageType] = [.f64, .f32, .f16, .bf16, .i64, .i32, .i16, .i8, .u8, .bool]

    private(set) var metadata: [String: String] = [:]
    /// In the order of their payload.
    private(set) var entries: [Entry] = []
    /// Where the payload starts in the file.
    let payloadStart: Int
    private let file: String

    /// Reads the header from all bytes of `file`, of which only the header's are touched.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(CheckpointError) {
        self.file = file
        guard bytes.count >= 8 else {
            throw .damaged(
                file: file, offset: 0, problem: "the header's length takes 8 bytes, the file has \(bytes.count)")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.maximumLength) else {
            throw .damaged(
                file: file, offset: 0,
                problem: "a header of \(length) bytes is announced; at most \(Self.maximumLength) are allowed")
        }
        guard Int(length) <= bytes.count - 8 else {
            throw .damaged(
                file: file, offset: 0,
                problem: "a header of \(length) bytes is announced, the file has \(bytes.count - 8) after byte 8")
        }
        payloadStart = 8 + Int(length)
        guard length > 0, bytes[8] == UInt8(ascii: "{") else {
            throw .damaged(file: file, offset: 8, problem: "the header does not start with '{'")
        }
        try readEntries(UnsafeRawBufferPointer(rebasing: bytes[8..<payloadStart]))
        try checkCover(payload: bytes.count - payloadStart)
    }

    private mutating func readEntries(_ json: UnsafeRawBufferPointer) throws(CheckpointError) {
        var metadata: [String: String] = [:]
        var entries: [Entry] = []
        var scanner = HeaderScanner(json, file: file, fileOffset: 8)
        try scanner.object("the header") { (scanner, key, offset) throws(CheckpointError) in
            if key == "__metadata__" {
                try scanner.object("the metadata") { (scanner, key, _) throws(CheckpointError) in
                    metadata[key] = try scanner.string("metadata '\(key)'")
                }
            } else {
                entries.append(try entry(named: key, at: offset, &scanner))
            }
        }
        try scanner.end("the header")
        self.metadata = metadata
        self.entries = entries
    }

    private func entry(
        named name: String, at offset: Int, _ scanner: inout HeaderScanner
    ) throws(CheckpointError) -> Entry {
        var type: StorageType?
        var shape: [Int]?
        var range: [Int]?
        try scanner.object("tensor '\(name)'") { (scanner, key, _) throws(CheckpointError) in
            switch key {
            case "dtype":
                let place = scanner.offset
                let given = try scanner.string("the dtype of '\(name)'")
                type = Self.types.first { $0.rawValue == given }
                if type == nil {
                    let allowed = Self.types.map(\.rawValue).joined(separator: ", ")
                    throw .unsupported(
                        file: file, offset: place, given: "dtype '\(given)' of '\(name)'", allowed: allowed)
                }
            case "shape": shape = try numbers("a dimension of '\(name)'", &scanner)
            case "data_offsets": range = try numbers("a data offset of '\(name)'", &scanner)
            // The reference reader passes over fields that it does not know.
            default: try scanner.skipValue("field '\(key)' of '\(name)'")
            }
        }
        guard let type else { throw scanner.failure("tensor '\(name)' has no dtype", at: offset) }
        guard let shape else { throw scanner.failure("tensor '\(name)' has no shape", at: offset) }
        guard let range else { throw scanner.failure("tensor '\(name)' has no data_offsets", at: offset) }
        guard range.count == 2 else {
            throw scanner.failure("tensor '\(name)' has \(range.count) data offsets, not 2", at: offset)
        }
        guard let needed = elementCount(of: shape).flatMap({ type.byteCount(elements: $0) }) else {
            throw scanner.failure("the size of tensor '\(name)', \(type) \(shape), does not fit 64 bits", at: offset)
        }
        guard range[0] <= range[1], range[1] - range[0] == needed else {
            throw scanner.failure(
                "tensor '\(name)', \(type) \(shape), takes \(needed) bytes, its data offsets are \(range)", at: offset)
        }
        return Entry(name: name, type: type, shape: shape, begin: range[0], end: range[1], offset: offset)
    }

    private func numbers(_ what: String, _ scanner: inout HeaderScanner) throws(CheckpointError) -> [Int] {
        var values: [Int] = []
        try scanner.array("the numbers") { (scanner) throws(CheckpointError) in
            values.append(try scanner.count(what))
        }
        return values
    }

    private mutating func checkCover(payload: Int) throws(CheckpointError) {
        entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        var covered = 0
        for entry in entries {
            if entry.begin != covered {
                let relation =
                    entry.begin < covered
                    ? "overlaps the tensor before it, which ends" : "leaves a hole after the tensors that end"
                throw .damaged(
                    file: file, offset: entry.offset,
                    problem: "tensor '\(entry.name)' at data offset \(entry.begin) \(relation) at \(covered)")
            }
            if entry.end > payload {
                throw .damaged(
                    file: file, offset: entry.offset,
                    problem: "tensor '\(entry.name)' ends at data offset \(entry.end), the data at \(payload)")
            }
            covered = entry.end
        }
        if covered != payload {
            throw .damaged(
                file: file, offset: payloadStart + covered,
                problem: "\(payload - covered) bytes at the end belong to no tensor")
        }
    }
}
