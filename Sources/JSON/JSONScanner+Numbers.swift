extension JSONScanner {
    /// Reads a whole number from 0 to `Int.max`, exactly.
    public mutating func count() throws(JSONError) -> Int {
        guard peek() != UInt8(ascii: "-") else { throw failure(.negativeCount) }
        let start = position
        var value = 0
        while let byte = next, (0x30...0x39).contains(byte) {
            let (tens, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = tens.addingReportingOverflow(Int(byte - 0x30))
            if first || second { throw failure(.tooLarge, at: start) }
            if value == 0, position == start + 1 { throw failure(.leadingZero, at: start) }
            value = sum
            position += 1
        }
        if position == start { throw failure(.expectedValue(found: next)) }
        if let byte = next, ".eE".utf8.contains(byte) { throw failure(.fraction, at: start) }
        return value
    }

    /// Reads `true`, `false`, `null` or a number.
    mutating func word() throws(JSONError) -> JSONValue {
        let start = position
        var small = 0
        while let byte = next, (0x30...0x39).contains(byte), position - start < 9 {
            small = small * 10 + Int(byte - 0x30)
            position += 1
        }
        let hasLeadingZero = position > start + 1 && bytes[start] == 0x30
        if position > start, !hasLeadingZero, isAtDelimiter { return .integer(small) }
        while !isAtDelimiter { position += 1 }
        if position == start { throw failure(.expectedValue(found: next)) }
        let word = bytes[start..<position]
        let text = String(decoding: word.prefix(Self.longestNumber), as: UTF8.self)
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default: break
        }
        if Self.isNumber(word) {
            if let whole = Int(text) { return .integer(whole) }
            if let number = Double(text), number.isFinite { return .number(number) }
        }
        position = start
        throw failure(.unknownWord(text.count > 40 ? text.prefix(40) + "…" : text))
    }

    /// Longer numbers are refused: no writer writes them, and each would be copied to be converted.
    private static let longestNumber = 2000

    private var isAtDelimiter: Bool {
        guard let byte = next else { return true }
        return byte <= 0x20 || byte == 0x2C || byte == 0x5D || byte == 0x7D
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`, RFC 8259 section 6.
    private static func isNumber(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard word.count <= longestNumber else { return false }
        var rest = word
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let startsWithZero = rest.first == 0x30
        let whole = digits()
        if whole == 0 || (startsWithZero && whole > 1) { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            if digits() == 0 { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }
}
