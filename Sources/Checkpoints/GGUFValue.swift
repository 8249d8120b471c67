/// A metadata value of a GGUF file.
public enum GGUFValue: Sendable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)

    /// The type of a value, with its number in the format.
    public enum Kind: UInt32, Sendable, CustomStringConvertible {
        case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

        /// The name in the words of the format: `uint32`, `string`, `array`.
        public var description: String {
            switch self {
            case .uint8: "uint8"
            case .int8: "int8"
            case .uint16: "uint16"
            case .int16: "int16"
            case .uint32: "uint32"
            case .int32: "int32"
            case .float32: "float32"
            case .bool: "bool"
            case .string: "string"
            case .array: "array"
            case .uint64: "uint64"
            case .int64: "int64"
            case .float64: "float64"
            }
        }

        /// Bytes of one value; nil for strings and arrays, whose length varies.
        var byteCount: Int? {
            switch self {
            case .uint8, .int8, .bool: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            case .string, .array: nil
            }
        }
    }

    /// The type of the value.
    public var kind: Kind {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .float32: .float32
        case .bool: .bool
        case .string: .string
        case .array: .array
        case .uint64: .uint64
        case .int64: .int64
        case .float64: .float64
        }
    }

    /// The value as a whole number, where it is one and fits.
    public var integer: Int? {
        switch self {
        case .uint8(let value): Int(value)
        case .int8(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint32(let value): Int(value)
        case .int32(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        case .int64(let value): Int(value)
        default: nil
        }
    }

    /// The value as a real number, where it is a number.
    public var number: Double? {
        switch self {
        case .float32(let value): Double(value)
        case .float64(let value): value
        default: integer.map(Double.init)
        }
    }

    /// The value where it is a string.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The value where it is a truth value.
    public var boolean: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value where it is an array.
    public var array: GGUFArray? {
        if case .array(let value) = self { value } else { nil }
    }
}

extension GGUFValue: CustomStringConvertible {
    /// The value itself; `array of 49152 string` for an array.
    public var description: String {
        switch self {
        case .string(let value): value
        case .bool(let value): "\(value)"
        case .float32(let value): "\(value)"
        case .float64(let value): "\(value)"
        case .array(let value): "array of \(value.count) \(value.elementKind)"
        case .uint64(let value): "\(value)"
        default: integer.map(String.init) ?? ""
        }
    }
}
