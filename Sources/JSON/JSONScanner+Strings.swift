extension JSONScanner {
    /// Reads a string.
    public mutating func string() throws(JSONError) -> String {
        _ = peek()
        let start = position
        var bytes: [UInt8] = []
        try string(into: &bytes)
        return try text(bytes, from: start)
    }

    /// Reads a string and appends its bytes, unescaped, to `text`. Whether they are UTF-8 is left to the caller.
    public mutating func string(into text: inout [UInt8]) throws(JSONError) {
        guard peek() == 0x22 else { throw failure(.expectedString(found: next)) }
        let start = position
        position += 1
        while true {
            var end = position
            while end < bytes.count, bytes[end] != 0x22, bytes[end] != 0x5C, bytes[end] >= 0x20 { end += 1 }
            if end > position { text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<end])) }
            position = end
            guard let byte = next else { throw failure(.unclosedString, at: start) }
            if byte < 0x20 { throw failure(.controlCharacter) }
            position += 1
            if byte == 0x22 { return }
            try escape(into: &text)
        }
    }

    func text(_ bytes: [UInt8], from start: Int) throws(JSONError) -> String {
        if rules.repairsText { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure(.invalidUTF8, at: start) }
        return text
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        let start = position - 1
        guard let code = next else { throw failure(.unfinishedEscape, at: start) }
        position += 1
        switch code {
        case 0x22, 0x5C, 0x2F: text.append(code)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try surrogatePair(try hexadecimal(start), start)
            if Unicode.Scalar(unit) == nil, !rules.repairsText { throw failure(.loneSurrogate, at: start) }
            text.append(contentsOf: String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
        default: throw failure(.unknownEscape(code), at: start)
        }
    }

    /// Joins a high half with the low half that follows it; anything else stays as it is.
    private mutating func surrogatePair(_ high: UInt32, _ start: Int) throws(JSONError) -> UInt32 {
        guard high & 0xFC00 == 0xD800, next == 0x5C, position + 1 < bytes.count,
            bytes[position + 1] == UInt8(ascii: "u")
        else { return high }
        let mark = position
        position += 2
        let low = try hexadecimal(start)
        if low & 0xFC00 == 0xDC00 { return 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF)) }
        position = mark
        return high
    }

    private mutating func hexadecimal(_ start: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure(.hexadecimalDigits, at: start)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
