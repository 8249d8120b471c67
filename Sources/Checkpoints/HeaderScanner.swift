import JSON

/// A strict JSON scanner over the header of a weight file, whose errors name what was being read and the byte in the
/// file. Values are handed over while scanning, without a tree in between.
struct HeaderScanner {
    private var scanner: JSONScanner
    private let file: String
    private let fileOffset: Int
    private static let rules = JSONScanner.Rules(refusesRepeatedKeys: true, repairsText: false, maximumDepth: 32)

    /// A scanner over `bytes`, which start at byte `fileOffset` of `file` and outlive the scanner.
    init(_ bytes: UnsafeRawBufferPointer, file: String, fileOffset: Int) {
        scanner = JSONScanner(bytes, rules: Self.rules)
        self.file = file
        self.fileOffset = fileOffset
    }

    /// The offset in the file of the next byte.
    var offset: Int { fileOffset + scanner.offset }

    func failure(_ problem: String, at offset: Int? = nil) -> CheckpointError {
        .damaged(file: file, offset: offset ?? self.offset, problem: problem)
    }

    /// Reads `{…}`, calling `member` after each key. It must read the value.
    mutating func object(
        _ what: String, member: (inout HeaderScanner, _ key: String, _ keyOffset: Int) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        var seen: Set<String> = []
        var first = true
        while let key = try read(what, { (scanner) throws(JSONError) in try scanner.nextKey(first: &first) }) {
            let keyOffset = fileOffset + scanner.keyOffset
            guard seen.insert(key).inserted else {
                throw failure("\(what) has the key '\(key)' twice", at: keyOffset)
            }
            try member(&self, key, keyOffset)
        }
    }

    /// Reads `[…]`, calling `element` at the start of each element. It must read the value.
    mutating func array(
        _ what: String, element: (inout HeaderScanner) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        var first = true
        while try read(what, { (scanner) throws(JSONError) in try scanner.nextElement(first: &first) }) {
            try element(&self)
        }
    }

    /// Reads a whole number from 0 to `Int.max`.
    mutating func count(_ what: String) throws(CheckpointError) -> Int {
        try read(what) { (scanner) throws(JSONError) in try scanner.count() }
    }

    /// Reads a string.
    mutating func string(_ what: String) throws(CheckpointError) -> String {
        try read(what) { (scanner) throws(JSONError) in try scanner.string() }
    }

    /// Reads and drops any value.
    mutating func skipValue(_ what: String) throws(CheckpointError) {
        try read(what) { (scanner) throws(JSONError) in try scanner.skipValue() }
    }

    /// Requires that nothing but white space is left.
    mutating func end(_ what: String) throws(CheckpointError) {
        try read(what) { (scanner) throws(JSONError) in try scanner.end() }
    }

    private mutating func read<Result>(
        _ what: String, _ piece: (inout JSONScanner) throws(JSONError) -> Result
    ) throws(CheckpointError) -> Result {
        do {
            return try piece(&scanner)
        } catch {
            let what = error.isKey ? "a key of \(what)" : what
            throw failure(error.problem.message(what), at: fileOffset + error.offset)
        }
    }
}

extension JSONError.Problem {
    /// The problem as a sentence about what was being read.
    fileprivate func message(_ what: String) -> String {
        switch self {
        case .expected(let wanted, let found): "'\(wanted)' of \(what) is expected here, not \(Self.name(found))"
        case .expectedSeparator(let close, let found):
            "'\(close)' of \(what) is expected here, not \(Self.name(found))"
        case .expectedString(let found): "\(what) (a string) is expected here, not \(Self.name(found))"
        case .expectedValue(let found): "\(what) is expected here, not \(Self.name(found))"
        case .unknownWord(let word): "\(what) is expected here, not '\(word)'"
        case .trailingText(let found): "\(what) is followed by \(Self.name(found))"
        case .unclosedString: "\(what) does not end"
        case .controlCharacter: "\(what) contains a control character"
        case .invalidUTF8: "\(what) is not valid UTF-8"
        case .unfinishedEscape: "an escape does not end"
        case .unknownEscape: "an escape is unknown"
        case .hexadecimalDigits: "an escape does not have four hexadecimal digits"
        case .loneSurrogate: "an escape is half a surrogate pair"
        case .repeatedKey(let key, _, _): "\(what) has the key '\(key)' twice"
        case .tooDeep(let limit): "\(what) is nested more than \(limit) deep"
        case .negativeCount: "\(what) is negative"
        case .leadingZero: "\(what) starts with a zero"
        case .fraction: "\(what) is not a whole number"
        case .tooLarge: "\(what) does not fit 64 bits"
        }
    }

    private static func name(_ found: UInt8?) -> String {
        guard let found else { return "the end of the JSON text" }
        return found > 0x20 && found < 0x7F ? "'\(Unicode.Scalar(found))'" : "byte \(found)"
    }
}
