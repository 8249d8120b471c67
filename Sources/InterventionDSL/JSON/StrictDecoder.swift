import Diagnostics
import JSON

/// Decodes from a ``JSONValue`` and remembers which keys were asked for, so that the others can be refused.
struct StrictDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    let record: Record
    /// The JSON path of the value.
    let path: String

    /// The keys that were asked for at each path.
    final class Record {
        var keys: [String: Set<String>] = [:]
    }

    /// Decodes a type and refuses what it did not ask for.
    static func decode<Result: Decodable>(
        _ type: Result.Type, from value: JSONValue, path: String
    ) throws(InterventionError) -> Result {
        let record = Record()
        do {
            let result = try Result(from: StrictDecoder(value: value, codingPath: [], record: record, path: path))
            // A type without members asks for no object.
            if record.keys[path] == nil { record.keys[path] = [] }
            try refuseUnknown(in: value, path: path, record)
            return result
        } catch let error as InterventionError {
            if case .file = error { throw error }
            throw .file(path: path, message: "\(error)")
        } catch let error as DecodingError {
            throw .file(path: path, message: message(of: error))
        } catch {
            throw .file(path: path, message: "\(error)")
        }
    }

    private static func refuseUnknown(
        in value: JSONValue, path: String, _ record: Record
    ) throws(InterventionError) {
        switch value {
        case .object(let members):
            guard let asked = record.keys[path] else { return }
            for member in members {
                guard asked.contains(member.key) else {
                    throw .unknownKey(member.key, at: path, allowed: asked.sorted())
                }
                try refuseUnknown(in: member.value, path: path + "." + member.key, record)
            }
        case .array(let list):
            for (place, element) in list.enumerated() {
                try refuseUnknown(in: element, path: "\(path)[\(place)]", record)
            }
        default: break
        }
    }

    private static func message(of error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context.debugDescription
        @unknown default: "\(error)"
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw mismatch("an object") }
        if record.keys[path] == nil { record.keys[path] = [] }
        return KeyedDecodingContainer(StrictObject(decoder: self, members: members))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let list) = value else { throw mismatch("a list") }
        return StrictList(decoder: self, list: list)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    /// What is said of a key that is needed and not there.
    static func missing(_ key: String) -> String { "the key '\(key)' is missing" }

    func mismatch(_ wanted: String) -> InterventionError {
        .file(path: path, message: "\(value.phrase) is given where \(wanted) is needed")
    }

    func nested(_ value: JSONValue, _ key: any CodingKey, _ path: String) -> StrictDecoder {
        StrictDecoder(value: value, codingPath: codingPath + [key], record: record, path: path)
    }
}

extension InterventionError {
    /// A key of a JSON object that means nothing.
    static func unknownKey(_ key: String, at path: String, allowed: [String]) -> InterventionError {
        .file(
            path: path,
            message: "unknown key '\(key)'; allowed: \(allowed.isEmpty ? "none" : allowed.joined(separator: ", "))"
                + suggestion(for: key, among: allowed))
    }
}

// MARK: - Single values

extension StrictDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard case .bool(let flag) = value else { throw mismatch("true or false") }
        return flag
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .string(let string) = value else { throw mismatch("a string") }
        return string
    }

    func decode(_ type: Double.Type) throws -> Double {
        switch value {
        case .integer(let number): return Double(number)
        case .number(let number): return number
        default: throw mismatch("a number")
        }
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }

    func decode<Other: Decodable>(_ type: Other.Type) throws -> Other {
        do {
            return try Other(from: self)
        } catch let error as InterventionError {
            if case .file = error { throw error }
            throw InterventionError.file(path: path, message: "\(error)")
        } catch let error as DecodingError {
            throw InterventionError.file(path: path, message: Self.message(of: error))
        }
    }

    private func integer<Number: FixedWidthInteger>() throws -> Number {
        switch value {
        case .integer(let number):
            if let result = Number(exactly: number) { return result }
        case .number(let number):
            if let result = Number(exactly: number) { return result }
        default: break
        }
        throw mismatch("a whole number")
    }
}

// MARK: - Objects and lists

private struct StrictObject<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: StrictDecoder
    let members: [JSONValue.Member]

    var codingPath: [any CodingKey] { decoder.codingPath }

    /// Whoever asks for all keys takes them all.
    var allKeys: [Key] {
        decoder.record.keys[decoder.path, default: []].formUnion(members.map(\.key))
        return members.compactMap { Key(stringValue: $0.key) }
    }

    func contains(_ key: Key) -> Bool { member(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try value(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try value(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try value(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try value(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try value(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try value(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try value(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try value(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try value(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try value(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try value(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try value(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try value(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try value(key).decode(type) }
    func decode<Other: Decodable>(_ type: Other.Type, forKey key: Key) throws -> Other { try value(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try value(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try value(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try value(key) }

    private func member(_ key: Key) -> JSONValue? {
        decoder.record.keys[decoder.path, default: []].insert(key.stringValue)
        return members.first { $0.key == key.stringValue }?.value
    }

    private func value(_ key: Key) throws -> StrictDecoder {
        guard let value = member(key) else {
            throw InterventionError.file(path: decoder.path, message: StrictDecoder.missing(key.stringValue))
        }
        return decoder.nested(value, key, decoder.path + "." + key.stringValue)
    }
}

private struct StrictList: UnkeyedDecodingContainer {
    let decoder: StrictDecoder
    let list: [JSONValue]
    var currentIndex = 0

    private struct Index: CodingKey {
        let intValue: Int?
        var stringValue: String { "\(intValue ?? 0)" }
        init(intValue: Int) { self.intValue = intValue }
        init?(stringValue: String) { nil }
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { list.count }
    var isAtEnd: Bool { currentIndex >= list.count }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, list[currentIndex] == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Element: Decodable>(_ type: Element.Type) throws -> Element { try next().decode(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }

    private mutating func next() throws -> StrictDecoder {
        guard !isAtEnd else {
            throw InterventionError.file(path: decoder.path, message: "the list has only \(list.count) elements")
        }
        defer { currentIndex += 1 }
        return decoder.nested(
            list[currentIndex], Index(intValue: currentIndex), "\(decoder.path)[\(currentIndex)]")
    }
}
