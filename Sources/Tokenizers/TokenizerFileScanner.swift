import JSON

/// A JSON scanner over a tokenizer file whose errors name the file, the line and the column.
struct TokenizerFileScanner {
    private var scanner: JSONScanner
    private let file: String

    /// A scanner over `bytes`, which outlive it.
    init(_ bytes: UnsafeRawBufferPointer, file: String) {
        // The reference reader keeps the last of two equal keys and repairs text.
        scanner = JSONScanner(bytes, rules: .lenient)
        self.file = file
    }

    /// Reads a whole document.
    static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { (buffer) throws(TokenizerError) in
            var scanner = TokenizerFileScanner(UnsafeRawBufferPointer(buffer), file: file)
            let value = try scanner.value()
            try scanner.end()
            return value
        }
    }

    mutating func peek() -> UInt8? { scanner.peek() }

    mutating func end() throws(TokenizerError) {
        try read { (scanner) throws(JSONError) in try scanner.end() }
    }

    mutating func value() throws(TokenizerError) -> JSONValue {
        try read { (scanner) throws(JSONError) in try scanner.value() }
    }

    mutating func nextMember(_ key: inout [UInt8], first: inout Bool) throws(TokenizerError) -> Bool {
        try read { (scanner) throws(JSONError) in try scanner.nextMember(&key, first: &first) }
    }

    mutating func nextElement(first: inout Bool) throws(TokenizerError) -> Bool {
        try read { (scanner) throws(JSONError) in try scanner.nextElement(first: &first) }
    }

    mutating func string(into text: inout [UInt8]) throws(TokenizerError) {
        try read { (scanner) throws(JSONError) in try scanner.string(into: &text) }
    }

    private mutating func read<Result>(
        _ piece: (inout JSONScanner) throws(JSONError) -> Result
    ) throws(TokenizerError) -> Result {
        do {
            return try piece(&scanner)
        } catch {
            throw .invalidJSON(file: file, line: error.line, column: error.column, reason: error.reason)
        }
    }
}

extension JSONValue {
    /// A short form for error messages.
    var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let value): "a list of \(value.count)"
        case .object(let value): "an object with \(value.map(\.key).joined(separator: ", "))"
        }
    }
}
