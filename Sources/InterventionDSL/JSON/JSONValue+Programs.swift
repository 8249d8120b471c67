import Foundation
import JSON

extension JSONValue {
    /// Reads a document. Throws ``InterventionError/file(path:message:)`` where it is no JSON or has a key twice.
    init(data: Data) throws(InterventionError) {
        do throws(JSONError) {
            self = try JSONValue(parsing: Array(data))
        } catch {
            throw .file(path: "", message: error.complaint)
        }
    }

    /// What anything encodable looks like in JSON, members of objects sorted.
    init(encoding value: some Encodable) throws {
        // A fragment is wrapped, for decoders that want an object or a list.
        self = try JSONDecoder().decode([JSONValue].self, from: JSONEncoder().encode([value])).first ?? .null
    }

    /// How messages name it: `the string "four"`, `the number 4`. Long strings are cut.
    package var phrase: String {
        switch self {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .integer, .number: "the number \(line)"
        case .string(let string): "the string \(Self.quoted(string.count > 60 ? "\(string.prefix(60))…" : string))"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
