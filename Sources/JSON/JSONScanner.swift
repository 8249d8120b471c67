/// A byte-level JSON reader: whole values, or object members and array elements one at a time.
///
/// Large files are read member by member, so that nothing but what the caller wants becomes a value or a `String`.
///
/// ```swift
/// var first = true
/// while let key = try scanner.nextKey(first: &first) { print(key, try scanner.value()) }
/// try scanner.end()
/// ```
public struct JSONScanner {
    /// What a caller lets through.
    public struct Rules: Sendable {
        /// Whether ``JSONScanner/value(depth:)`` and ``JSONScanner/skipValue(depth:)`` refuse a key that an object has
        /// twice. Who reads members one at a time compares keys on their own.
        public var refusesRepeatedKeys: Bool
        /// Whether half a surrogate pair and bytes that are not UTF-8 become U+FFFD instead of an error.
        public var repairsText: Bool
        /// How many lists and objects may lie in each other.
        public var maximumDepth: Int

        /// Rules of the caller's choice.
        public init(refusesRepeatedKeys: Bool, repairsText: Bool, maximumDepth: Int) {
            self.refusesRepeatedKeys = refusesRepeatedKeys
            self.repairsText = repairsText
            self.maximumDepth = maximumDepth
        }

        /// Nothing is repaired, no key stands twice, 200 levels.
        public static let strict = Rules(refusesRepeatedKeys: true, repairsText: false, maximumDepth: 200)
        /// As Python's reader: text is repaired, repeated keys are kept, 200 levels.
        public static let lenient = Rules(refusesRepeatedKeys: false, repairsText: true, maximumDepth: 200)
    }

    // Typed: slices of raw bytes are appended to arrays more slowly.
    let bytes: UnsafeBufferPointer<UInt8>
    let rules: Rules
    var position = 0
    private var readsKey = false
    /// The byte at which the latest key starts.
    public private(set) var keyOffset = 0

    /// A scanner over `bytes`, which outlive it. A byte order mark is passed over.
    public init(_ bytes: UnsafeRawBufferPointer, rules: Rules = .strict) {
        self.bytes = bytes.assumingMemoryBound(to: UInt8.self)
        self.rules = rules
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
    }

    /// The next byte's place, counted from 0.
    public var offset: Int { position }

    /// The first byte of the next value, which tells its kind; nil at the end.
    public mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Requires that only white space is left.
    public mutating func end() throws(JSONError) {
        if let found = peek() { throw failure(.trailingText(found: found)) }
    }

    // MARK: Lists and objects

    /// Steps to the next member of an object and reads its key as UTF-8; false at the closing brace.
    ///
    /// - Parameter first: True at the start of an object, which the call changes.
    public mutating func nextMember(_ key: inout [UInt8], first: inout Bool) throws(JSONError) -> Bool {
        guard try nextItem(open: "{", close: "}", first: &first) else { return false }
        key.removeAll(keepingCapacity: true)
        keyOffset = position
        readsKey = true
        try string(into: &key)
        readsKey = false
        guard peek() == UInt8(ascii: ":") else { throw failure(.expected(":", found: next)) }
        position += 1
        return true
    }

    /// Steps to the next member of an object and reads its key; nil at the closing brace.
    public mutating func nextKey(first: inout Bool) throws(JSONError) -> String? {
        var key: [UInt8] = []
        guard try nextMember(&key, first: &first) else { return nil }
        readsKey = true
        defer { readsKey = false }
        return try text(key, from: keyOffset)
    }

    /// Steps to the next element of an array; false at the closing bracket.
    public mutating func nextElement(first: inout Bool) throws(JSONError) -> Bool {
        try nextItem(open: "[", close: "]", first: &first)
    }

    private mutating func nextItem(
        open: Unicode.Scalar, close: Unicode.Scalar, first: inout Bool
    ) throws(JSONError) -> Bool {
        if first {
            guard peek() == UInt8(ascii: open) else { throw failure(.expected(open, found: next)) }
            position += 1
        }
        if peek() == UInt8(ascii: close) {
            position += 1
            return false
        }
        if !first {
            guard next == UInt8(ascii: ",") else { throw failure(.expectedSeparator(close: close, found: next)) }
            position += 1
            _ = peek()
        }
        first = false
        return true
    }

    // MARK: Values

    /// Reads any value. `depth` is the number of lists and objects around it that count for the limit.
    public mutating func value(depth: Int = 0) throws(JSONError) -> JSONValue {
        if depth > rules.maximumDepth { throw failure(.tooDeep(limit: rules.maximumDepth)) }
        var first = true
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [JSONValue.Member] = []
            var seen: [String: Int] = [:]
            while let key = try nextKey(first: &first) {
                try refuseRepeated(key, &seen)
                members.append(.init(key, try value(depth: depth + 1)))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            while try nextElement(first: &first) { elements.append(try value(depth: depth + 1)) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        default: return try word()
        }
    }

    /// Reads any value and drops it.
    public mutating func skipValue(depth: Int = 0) throws(JSONError) {
        if depth > rules.maximumDepth { throw failure(.tooDeep(limit: rules.maximumDepth)) }
        var first = true
        switch peek() {
        case UInt8(ascii: "{"):
            var seen: [String: Int] = [:]
            while let key = try nextKey(first: &first) {
                try refuseRepeated(key, &seen)
                try skipValue(depth: depth + 1)
            }
        case UInt8(ascii: "["):
            while try nextElement(first: &first) { try skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        default: _ = try word()
        }
    }

    /// Refuses a key that is among those seen, which are kept with their offsets.
    private func refuseRepeated(_ key: String, _ seen: inout [String: Int]) throws(JSONError) {
        guard rules.refusesRepeatedKeys, let first = seen.updateValue(keyOffset, forKey: key) else { return }
        let place = place(of: first)
        throw failure(.repeatedKey(key, firstLine: place.line, firstColumn: place.column), at: keyOffset)
    }

    // MARK: Pieces

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func failure(_ problem: JSONError.Problem, at offset: Int? = nil) -> JSONError {
        let offset = min(offset ?? position, bytes.count)
        let place = place(of: offset)
        return JSONError(problem: problem, offset: offset, line: place.line, column: place.column, isKey: readsKey)
    }

    /// Counted from 1, the column in bytes.
    private func place(of offset: Int) -> (line: Int, column: Int) {
        let read = bytes[..<offset]
        return (read.count { $0 == 0x0A } + 1, offset - (read.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1)
    }
}
