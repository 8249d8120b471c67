/// A reading position in a GGUF file. Every read is checked against the end; errors carry the byte.
struct GGUFCursor {
    let region: ByteRegion
    let file: String
    /// Where the region starts in the file.
    let fileOffset: Int
    private(set) var position = 0

    /// Arrays may hold arrays this many levels deep.
    private static let maximumDepth = 4

    init(_ region: ByteRegion, file: String, fileOffset: Int = 0) {
        self.region = region
        self.file = file
        self.fileOffset = fileOffset
    }

    /// The offset in the file of the next byte.
    var offset: Int { fileOffset + position }
    var remaining: Int { region.count - position }

    func failure(_ problem: String, at offset: Int? = nil) -> CheckpointError {
        .damaged(file: file, offset: offset ?? self.offset, problem: problem)
    }

    /// Reads a little-endian value.
    mutating func read<T: BitwiseCopyable>(_: T.Type, _ what: @autoclosure () -> String) throws(CheckpointError) -> T {
        let start = try advance(by: MemoryLayout<T>.size, what())
        return region.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: T.self) }
    }

    /// Reads a 64-bit number of things that take at least `size` bytes each, and so can not exceed what is left.
    mutating func count(_ what: @autoclosure () -> String, ofAtLeast size: Int) throws(CheckpointError) -> Int {
        let start = offset
        let given = try read(UInt64.self, what())
        guard given <= UInt64(remaining / max(size, 1)) else {
            throw failure("\(what()) is \(given), more than the \(remaining) bytes that follow can hold", at: start)
        }
        return Int(given)
    }

    /// Reads a length and that many bytes of UTF-8.
    mutating func string(_ what: @autoclosure () -> String) throws(CheckpointError) -> String {
        let start = offset
        let range = try stringRange(what())
        let text = region.withUnsafeBytes { String(validating: $0[range], as: UTF8.self) }
        guard let text else { throw failure("\(what()) is not valid UTF-8", at: start) }
        return text
    }

    /// Reads a length and passes over that many bytes, whose range in the region it returns.
    mutating func stringRange(_ what: @autoclosure () -> String) throws(CheckpointError) -> Range<Int> {
        let length = try count("the length of \(what())", ofAtLeast: 1)
        let start = try advance(by: length, what())
        return start..<start + length
    }

    /// Reads the number of a value's type.
    mutating func kind(_ what: @autoclosure () -> String) throws(CheckpointError) -> GGUFValue.Kind {
        let start = offset
        let number = try read(UInt32.self, "the type of \(what())")
        guard let kind = GGUFValue.Kind(rawValue: number) else {
            throw failure("the type of \(what()) is \(number); types are 0 to 12", at: start)
        }
        return kind
    }

    /// Reads a value of the given type.
    mutating func value(_ kind: GGUFValue.Kind, _ what: String) throws(CheckpointError) -> GGUFValue {
        switch kind {
        case .uint8: .uint8(try read(UInt8.self, what))
        case .int8: .int8(try read(Int8.self, what))
        case .uint16: .uint16(try read(UInt16.self, what))
        case .int16: .int16(try read(Int16.self, what))
        case .uint32: .uint32(try read(UInt32.self, what))
        case .int32: .int32(try read(Int32.self, what))
        case .float32: .float32(try read(Float.self, what))
        case .bool: .bool(try boolean(what))
        case .string: .string(try string(what))
        case .array: .array(try array(what))
        case .uint64: .uint64(try read(UInt64.self, what))
        case .int64: .int64(try read(Int64.self, what))
        case .float64: .float64(try read(Double.self, what))
        }
    }

    /// Reads an array: passes over its elements, checking that they lie inside the file, and keeps them encoded.
    mutating func array(_ what: String, depth: Int = 1) throws(CheckpointError) -> GGUFArray {
        let kind = try kind("the elements of \(what)")
        let smallest = kind.byteCount ?? (kind == .string ? 8 : 12)
        let count = try count("the length of \(what)", ofAtLeast: smallest)
        let start = position
        if let size = kind.byteCount {
            _ = try advance(by: count * size, what)
            if kind == .bool { try checkBooleans(start..<position, what) }
        } else if kind == .string {
            try skipStrings(count, what)
        } else {
            guard depth < Self.maximumDepth else {
                throw failure("\(what) nests arrays more than \(Self.maximumDepth) deep")
            }
            for _ in 0..<count { _ = try array(what, depth: depth + 1) }
        }
        guard let payload = region.slice(start..<position) else { throw failure("\(what) leaves the file") }
        return GGUFArray(
            elementKind: kind, count: count, payload: payload, name: what, file: file, fileOffset: fileOffset + start)
    }

    /// Passes over strings. A vocabulary has hundreds of thousands, so the walk is a plain loop over the bytes.
    private mutating func skipStrings(_ count: Int, _ what: String) throws(CheckpointError) {
        let (walked, end) = region.withUnsafeBytes { bytes in
            var end = position
            for number in 0..<count {
                guard bytes.count - end >= 8 else { return (number, end) }
                let length = bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self)
                guard length <= UInt64(bytes.count - end - 8) else { return (number, end) }
                end += 8 + Int(length)
            }
            return (count, end)
        }
        position = end
        // The string at which the walk stopped has an error, which reading it throws.
        if walked < count { _ = try stringRange(what) }
    }

    private mutating func boolean(_ what: String) throws(CheckpointError) -> Bool {
        let start = position
        _ = try advance(by: 1, what)
        try checkBooleans(start..<position, what)
        return region.withUnsafeBytes { $0[start] == 1 }
    }

    private func checkBooleans(_ range: Range<Int>, _ what: String) throws(CheckpointError) {
        let wrong = region.withUnsafeBytes { $0[range].firstIndex { $0 > 1 } }
        if let wrong { throw failure("\(what) has a truth value that is neither 0 nor 1", at: fileOffset + wrong) }
    }

    private mutating func advance(by count: Int, _ what: @autoclosure () -> String) throws(CheckpointError) -> Int {
        guard count <= remaining else {
            throw failure("\(what()) takes \(count) bytes, \(remaining) are left in the file")
        }
        let start = position
        position += count
        return start
    }
}
