/// A byte-level JSON reader: whole values, or object members and array elements one at a time.
///
/// Large vocabularies are read member by member, so that no `String` is made for a token.
struct JSONScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let file: String
    private var position = 0
    private static let maximumDepth = 200

    init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) {
        self.bytes = bytes
        self.file = file
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
    }

    /// Reads a whole document.
    static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> JSONValue {
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, TokenizerError> in
            var scanner = JSONScanner(buffer, file: file)
            do throws(TokenizerError) {
                let value = try scanner.value()
                try scanner.end()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Requires that only white space is left.
    mutating func end() throws(TokenizerError) {
        skipSpace()
        if position < bytes.count { throw failure("text after the end of the document") }
    }

    /// Reads any value.
    mutating func value(depth: Int = 0) throws(TokenizerError) -> JSONValue {
        if depth > Self.maximumDepth { throw failure("more than \(Self.maximumDepth) levels of nesting") }
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [JSONValue.Member] = []
            var first = true
            var key: [UInt8] = []
            while try nextMember(&key, first: &first) {
                members.append(.init(String(decoding: key, as: UTF8.self), try value(depth: depth + 1)))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            var first = true
            while try nextElement(first: &first) { elements.append(try value(depth: depth + 1)) }
            return .array(elements)
        case UInt8(ascii: "\""):
            var text: [UInt8] = []
            try string(into: &text)
            return .string(String(decoding: text, as: UTF8.self))
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    /// Whether the next value is an object, an array or a string: its first byte (0 at the end).
    mutating func peek() -> UInt8 {
        skipSpace()
        return position < bytes.count ? bytes[position] : 0
    }

    /// Steps to the next member of an object and reads its key; false at the closing brace.
    mutating func nextMember(_ key: inout [UInt8], first: inout Bool) throws(TokenizerError) -> Bool {
        guard try nextItem(open: "{", close: "}", first: &first) else { return false }
        key.removeAll(keepingCapacity: true)
        try string(into: &key)
        skipSpace()
        try expect(UInt8(ascii: ":"))
        return true
    }

    /// Steps to the next element of an array; false at the closing bracket.
    mutating func nextElement(first: inout Bool) throws(TokenizerError) -> Bool {
        try nextItem(open: "[", close: "]", first: &first)
    }

    private mutating func nextItem(
        open: Unicode.Scalar, close: Unicode.Scalar, first: inout Bool
    ) throws(TokenizerError) -> Bool {
        skipSpace()
        if first {
            try expect(UInt8(ascii: open))
            skipSpace()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: close) {
            position += 1
            return false
        }
        if !first {
            try expect(UInt8(ascii: ","))
            skipSpace()
        }
        first = false
        return true
    }

    /// Reads a string and appends its UTF-8 to `text`; a lone surrogate becomes U+FFFD.
    mutating func string(into text: inout [UInt8]) throws(TokenizerError) {
        skipSpace()
        try expect(UInt8(ascii: "\""))
        while true {
            var end = position
            while end < bytes.count, bytes[end] != 0x22, bytes[end] != 0x5C, bytes[end] >= 0x20 { end += 1 }
            if end > position { text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<end])) }
            position = end
            guard position < bytes.count else { throw failure("the string is not closed") }
            if bytes[position] < 0x20 { throw failure("a control character inside a string") }
            position += 1
            if bytes[position - 1] == 0x22 { return }
            try escape(into: &text)
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(TokenizerError) {
        guard position < bytes.count else { throw failure("the string is not closed") }
        let code = bytes[position]
        position += 1
        switch code {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case 0x22, 0x5C, 0x2F: text.append(code)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if (0xD800..<0xDC00).contains(unit), position + 1 < bytes.count,
                bytes[position] == 0x5C, bytes[position + 1] == UInt8(ascii: "u")
            {
                let mark = position
                position += 2
                let low = try hexadecimal()
                if (0xDC00..<0xE000).contains(low) {
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    position = mark
                }
            }
            text.appendScalar((Unicode.Scalar(unit) ?? "\u{FFFD}").value)
        default: throw failure("unknown escape \\\(Unicode.Scalar(code))")
        }
    }

    private mutating func hexadecimal() throws(TokenizerError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw failure("\\u needs four hexadecimal digits")
            }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func number() throws(TokenizerError) -> JSONValue {
        let start = position
        var small = 0
        while position < bytes.count, position - start < 9, (0x30...0x39).contains(bytes[position]) {
            small = small * 10 + Int(bytes[position] - 0x30)
            position += 1
        }
        let isPlain = position < bytes.count && [0x2C, 0x5D, 0x7D, 0x20, 0x0A, 0x0D].contains(bytes[position])
        if position > start, isPlain { return .integer(small) }
        while position < bytes.count, "+-0123456789.eE".utf8.contains(bytes[position]) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let whole = Int(text), !text.hasPrefix("+") { return .integer(whole) }
        guard let value = Double(text), value.isFinite, !text.hasPrefix("+") else {
            position = start
            throw failure(start < bytes.count ? "expected a value" : "the document ends too early")
        }
        return .number(value)
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(TokenizerError) -> JSONValue {
        let count = text.utf8CodeUnitCount
        for i in 0..<count where position + i >= bytes.count || bytes[position + i] != text.utf8Start[i] {
            throw failure("expected \(text)")
        }
        position += count
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func expect(_ byte: UInt8) throws(TokenizerError) {
        guard position < bytes.count, bytes[position] == byte else {
            throw failure(
                position < bytes.count
                    ? "expected \(Unicode.Scalar(byte)) but found \(Unicode.Scalar(bytes[position]))"
                    : "the document ends too early")
        }
        position += 1
    }

    private func failure(_ reason: String) -> TokenizerError {
        let read = bytes[..<min(position, bytes.count)]
        let line = read.count { $0 == 0x0A } + 1
        let column = read.count - (read.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return .invalidJSON(file: file, line: line, column: column, reason: reason)
    }
}
