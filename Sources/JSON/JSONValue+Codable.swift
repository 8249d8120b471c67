extension JSONValue: Codable {
    /// Reads whatever stands there; members of objects come sorted, for decoders do not keep their order.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(Int.self) {
            self = .integer(number)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let string = try? container.decode(String.self) {
            self = .string(string)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .array(list)
        } else {
            let object = try container.decode([String: JSONValue].self)
            self = .object(object.sorted { $0.key < $1.key }.map { Member($0.key, $0.value) })
        }
    }

    /// Writes the value; the order of an object's members is the encoder's affair.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let flag): try container.encode(flag)
        case .integer(let number): try container.encode(number)
        case .number(let number): try container.encode(number)
        case .string(let string): try container.encode(string)
        case .array(let list): try container.encode(list)
        case .object(let members):
            try container.encode(Dictionary(members.map { ($0.key, $0.value) }) { $1 })
        }
    }
}
