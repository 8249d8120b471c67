/// One step that turns token strings back into text. Steps work on a list of strings, as some look at their neighbours.
enum TokenDecoder: Sendable {
    case byteLevel
    /// `<0xXX>` tokens become bytes; a run that is not UTF-8 becomes one U+FFFD for each.
    case byteFallback
    case fuse
    case strip([UInt8], start: Int, stop: Int)
    case replace([UInt8], with: [UInt8])
    case metaspace(marker: [UInt8], prepends: Bool)
    case wordPiece(prefix: [UInt8], cleansUp: Bool)

    func apply(_ tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .byteLevel:
            [Array(String(decoding: tokens.flatMap { ByteAlphabet.bytes(of: $0[...]) ?? $0 }, as: UTF8.self).utf8)]
        case .byteFallback: Self.joinBytes(tokens)
        case .fuse: [tokens.flatMap { $0 }]
        case .strip(let content, let start, let stop): tokens.map { Self.strip($0, content, start, stop) }
        case .replace(let old, let new): tokens.map { Self.replace($0, old, new) }
        case .metaspace(let marker, let prepends):
            tokens.enumerated().map { index, token in
                Self.replace(token, marker, index == 0 && prepends ? [] : [0x20])
            }
        case .wordPiece(let prefix, let cleansUp):
            tokens.enumerated().map { index, token in
                var token = token
                if index > 0 {
                    token = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token
                }
                return cleansUp ? Self.cleanUp(token) : token
            }
        }
    }

    private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            if run.isEmpty { return }
            if let text = String(validating: run, as: UTF8.self) {
                result.append(Array(text.utf8))
            } else {
                for _ in run { result.append(Array("\u{FFFD}".utf8)) }
            }
            run.removeAll()
        }
        for token in tokens {
            if let byte = ByteAlphabet.fallbackByte(token) {
                run.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }

    private static func strip(_ token: [UInt8], _ content: [UInt8], _ start: Int, _ stop: Int) -> [UInt8] {
        var token = token[...]
        for _ in 0..<max(start, 0) where token.starts(with: content) { token = token.dropFirst(content.count) }
        for _ in 0..<max(stop, 0) where token.suffix(content.count).elementsEqual(content) {
            token = token.dropLast(content.count)
        }
        return Array(token)
    }

    static func replace(_ token: [UInt8], _ old: [UInt8], _ new: [UInt8]) -> [UInt8] {
        token.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return token }
            let found = occurrences(of: old, in: base, 0..<buffer.count)
            if found.isEmpty { return token }
            var result: [UInt8] = []
            var last = 0
            for range in found {
                result += token[last..<range.lowerBound]
                result += new
                last = range.upperBound
            }
            return result + token[last...]
        }
    }

    /// Removes the space before punctuation and in English contractions.
    private static func cleanUp(_ token: [UInt8]) -> [UInt8] {
        let rules = [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ]
        return rules.reduce(token) { replace($0, Array($1.0.utf8), Array($1.1.utf8)) }
    }
}

/// The alphabet in which byte-level models write bytes: printable Latin-1 stands for itself, the rest follows from U+0100 on.
enum ByteAlphabet {
    /// The scalar of each byte.
    static let scalars: [UInt32] = {
        var next: UInt32 = 0x100
        return (UInt32(0)..<256).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
            default:
                next += 1
                return next - 1
            }
        }
    }()

    /// The byte of each scalar below U+0144, −1 where there is none.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
        return bytes
    }()

    /// The bytes that a token stands for, nil when it has a scalar outside the alphabet.
    static func bytes(of token: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(token.count)
        var i = token.startIndex
        while i < token.endIndex {
            var value = Int(token[i])
            if value >= 0x80 {
                guard value & 0xE0 == 0xC0, i + 1 < token.endIndex else { return nil }
                value = (value & 0x1F) << 6 | Int(token[i + 1]) & 0x3F
                i += 1
            }
            guard value < bytes.count, bytes[value] >= 0 else { return nil }
            result.append(UInt8(bytes[value]))
            i += 1
        }
        return result
    }

    /// How a byte is written in the alphabet.
    static func token(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var token: [UInt8] = []
        for byte in bytes { token.appendScalar(scalars[Int(byte)]) }
        return token
    }

    /// The byte of a `<0xXX>` token, nil for any other token.
    static func fallbackByte(_ token: some Collection<UInt8>) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token.dropFirst(5).first == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: token.dropFirst(3).prefix(2), as: UTF8.self), radix: 16)
    }

    /// The `<0xXX>` token of a byte.
    static func fallbackToken(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
    }
}
