/// A JSON document as a value; objects keep the order of their keys.
///
/// ```swift
/// let document = try JSONValue(parsing: Array(#"{"rank": 4, "layers": [15]}"#.utf8))
/// print(document["rank"]?.integer ?? 0)  // 4
/// ```
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits.
    case integer(Int)
    /// Any other number.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One key and its value.
    public struct Member: Hashable, Sendable {
        /// The key.
        public var key: String
        /// The value.
        public var value: JSONValue

        /// A key with its value.
        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The value of a key (the last one when it is given twice), nil for anything but an object that has it.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// The string, nil for anything else.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The truth value, nil for anything else.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The whole number, nil for anything else.
    public var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The elements, nil for anything else.
    public var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }
}

extension JSONValue {
    /// Reads a whole document.
    ///
    /// - Throws: ``JSONError`` at the first byte that breaks the grammar or one of the `rules`.
    public init(parsing bytes: [UInt8], rules: JSONScanner.Rules = .strict) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            var scanner = JSONScanner(UnsafeRawBufferPointer(buffer), rules: rules)
            let value = try scanner.value()
            try scanner.end()
            return value
        }
    }
}
