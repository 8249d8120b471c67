/// A strict JSON reader over raw bytes whose errors carry the byte offset in the file.
///
/// It exists for headers of weight files: duplicate keys and numbers beyond 64 bits, which general readers let through,
/// are errors here, and values are handed over while scanning, without a tree in between.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private let file: String
    private let fileOffset: Int
    private var position = 0

    /// A scanner over `bytes`, which start at byte `fileOffset` of `file` and outlive the scanner.
    init(_ bytes: UnsafeRawBufferPointer, file: String, fileOffset: Int) {
        self.bytes = bytes
        self.file = file
        self.fileOffset = fileOffset
    }

    /// The offset in the file of the next byte.
    var offset: Int { fileOffset + position }

    func failure(_ problem: String, at offset: Int? = nil) -> CheckpointError {
        .damaged(file: file, offset: offset ?? self.offset, problem: problem)
    }

    /// Reads `{…}`, calling `member` after each key. It must read the value.
    mutating func object(
        _ what: String, member: (inout JSONScanner, _ key: String, _ keyOffset: Int) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try expect("{", of: what)
        var seen: Set<String> = []
        if consume("}") { return }
        repeat {
            skipSpace()
            let keyOffset = offset
            let key = try string("a key of \(what)")
            guard seen.insert(key).inserted else {
                throw failure("\(what) has the key '\(key)' twice", at: keyOffset)
            }
            try expect(":", of: what)
            try member(&self, key, keyOffset)
        } while consume(",")
        try expect("}", of: what)
    }

    /// Reads `[…]`, calling `element` at the start of each element. It must read the value.
    mutating func array(
        _ what: String, element: (inout JSONScanner) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try expect("[", of: what)
        if consume("]") { return }
        repeat { try element(&self) } while consume(",")
        try expect("]", of: what)
    }

    /// Reads a whole number from 0 to `Int.max`.
    mutating func count(_ what: String) throws(CheckpointError) -> Int {
        skipSpace()
        let start = offset
        if peek == UInt8(ascii: "-") { throw failure("\(what) is negative") }
        var value = 0
        var digits = 0
        while let byte = peek, byte >= 48, byte <= 57 {
            let (tens, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = tens.addingReportingOverflow(Int(byte - 48))
            if first || second { throw failure("\(what) does not fit 64 bits", at: start) }
            if digits == 1, value == 0 { throw failure("\(what) starts with a zero", at: start) }
            value = sum
            digits += 1
            position += 1
        }
        if digits == 0 { throw failure("\(what) is expected here, not \(found)") }
        if let byte = peek, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(byte) {
            throw failure("\(what) is not a whole number", at: start)
        }
        return value
    }

    /// Reads a string.
    mutating func string(_ what: String) throws(CheckpointError) -> String {
        skipSpace()
        let start = offset
        guard peek == UInt8(ascii: "\"") else { throw failure("\(what) (a string) is expected here, not \(found)") }
        position += 1
        var text: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\"") {
            if byte < 0x20 { throw failure("\(what) contains a control character") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                try escape(into: &text)
            } else {
                text.append(byte)
            }
        }
        guard peek != nil else { throw failure("\(what) does not end", at: start) }
        position += 1
        guard let value = String(validating: text, as: UTF8.self) else {
            throw failure("\(what) is not valid UTF-8", at: start)
        }
        return value
    }

    /// Reads and drops any value.
    mutating func skipValue(_ what: String, depth: Int = 0) throws(CheckpointError) {
        if depth > 32 { throw failure("\(what) is nested more than 32 deep") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"):
            try object(what) { (scanner, _, _) throws(CheckpointError) in
                try scanner.skipValue(what, depth: depth + 1)
            }
        case UInt8(ascii: "["):
            try array(what) { (scanner) throws(CheckpointError) in try scanner.skipValue(what, depth: depth + 1) }
        case UInt8(ascii: "\""):
            _ = try string(what)
        default:
            try skipLiteral(what)
        }
    }

    /// Requires that nothing but white space is left.
    mutating func end(_ what: String) throws(CheckpointError) {
        skipSpace()
        if peek != nil { throw failure("\(what) is followed by \(found)") }
    }

    // MARK: Pieces

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var found: String {
        guard let byte = peek else { return "the end of the JSON text" }
        return byte > 0x20 && byte < 0x7f ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func consume(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, of what: String) throws(CheckpointError) {
        if !consume(character) { throw failure("'\(character)' of \(what) is expected here, not \(found)") }
    }

    private mutating func skipLiteral(_ what: String) throws(CheckpointError) {
        let start = position
        while let byte = peek, byte > 0x20, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"),
            byte != UInt8(ascii: "]")
        {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if !["true", "false", "null"].contains(text), Double(text) == nil {
            throw failure("\(what) is expected here, not \(text.isEmpty ? found : "'\(text)'")", at: fileOffset + start)
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(CheckpointError) {
        let start = offset - 1
        guard let byte = peek else { throw failure("an escape does not end", at: start) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal(start)
            if code & 0xfc00 == 0xd800, peek == UInt8(ascii: "\\"), position + 1 < bytes.count,
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hexadecimal(start)
                guard low & 0xfc00 == 0xdc00 else { throw failure("an escape is half a surrogate pair", at: start) }
                code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff))
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw failure("an escape is half a surrogate pair", at: start)
            }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw failure("an escape is unknown", at: start)
        }
    }

    private mutating func hexadecimal(_ start: Int) throws(CheckpointError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw failure("an escape does not have four hexadecimal digits", at: start)
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
