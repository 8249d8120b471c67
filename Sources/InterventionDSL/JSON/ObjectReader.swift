import Diagnostics
import JSON

/// The members of one JSON object, read with errors that name its path; unknown keys are refused at once.
struct ObjectReader {
    let members: [JSONValue.Member]
    let path: String

    /// `allowed` nil leaves unknown keys to whoever reads the rest.
    /// - Parameter wanted: What is needed where the value is no object.
    init(
        _ value: JSONValue, path: String, allowed: [String]?, wanted: String = "an object"
    ) throws(InterventionError) {
        guard case .object(let members) = value else {
            throw .file(path: path, message: "\(value.phrase) is given where \(wanted) is needed")
        }
        if let allowed, let unknown = members.first(where: { !allowed.contains($0.key) }) {
            throw .unknownKey(unknown.key, at: path, allowed: allowed)
        }
        self.members = members
        self.path = path
    }

    subscript(key: String) -> JSONValue? { members.first { $0.key == key }?.value }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func failure(_ key: String?, _ message: String) -> InterventionError {
        .file(path: key.map(path(of:)) ?? path, message: message)
    }

    func member(_ key: String) throws(InterventionError) -> (value: JSONValue, path: String) {
        guard let value = self[key] else { throw failure(nil, StrictDecoder.missing(key)) }
        return (value, path(of: key))
    }

    func decode<Result: Decodable>(_ type: Result.Type, _ key: String) throws(InterventionError) -> Result {
        let (value, path) = try member(key)
        return try StrictDecoder.decode(type, from: value, path: path)
    }

    func string(_ key: String) throws(InterventionError) -> String { try decode(String.self, key) }
    func integer(_ key: String) throws(InterventionError) -> Int { try decode(Int.self, key) }
    func number(_ key: String) throws(InterventionError) -> Double { try decode(Double.self, key) }

    func list(_ key: String) throws(InterventionError) -> [(JSONValue, String)] {
        let (value, path) = try member(key)
        guard case .array(let list) = value else {
            throw .file(path: path, message: "\(value.phrase) is given where a list is needed")
        }
        return list.enumerated().map { ($1, "\(path)[\($0)]") }
    }

    /// The text form, or `{ "at": [3, -1] }`.
    func positions(_ key: String) throws(InterventionError) -> Positions {
        let (value, path) = try member(key)
        if case .string = value { return try StrictDecoder.decode(Positions.self, from: value, path: path) }
        let object = try ObjectReader(
            value, path: path, allowed: ["at"], wanted: "a text such as \"f7+l7\" or {\"at\": [positions]}")
        return .at(try object.decode([Int].self, "at"))
    }

    /// A list of coordinates, or an object of them by the names of parts.
    func subspace() throws(InterventionError) -> Subspace? {
        guard let value = self["subspace"] else { return nil }
        if case .object(let members) = value {
            let object = try ObjectReader(value, path: path(of: "subspace"), allowed: nil)
            var parts: [String: [Int]] = [:]
            for member in members { parts[member.key] = try object.decode([Int].self, member.key) }
            return .perExample(parts)
        }
        guard case .array = value else {
            throw failure("subspace", "\(value.phrase) is given where a list, or an object of lists by name, is needed")
        }
        return .fixed(try decode([Int].self, "subspace"))
    }

    /// `false`, `true` for positions, or a list of axes.
    func ties() throws(InterventionError) -> Set<TieAxis> {
        switch self["tied"] {
        case nil, .bool(false): return []
        case .bool(true): return [.positions]
        case let value? where value.array == nil:
            throw failure("tied", "\(value.phrase) is given where true, false or a list of axes is needed")
        default:
            let names = TieAxis.allCases.map(\.rawValue)
            var ties: Set<TieAxis> = []
            for (place, name) in try decode([String].self, "tied").enumerated() {
                guard let axis = TieAxis(rawValue: name) else {
                    throw failure(
                        "tied[\(place)]",
                        "unknown axis '\(name)'; allowed: \(names.joined(separator: ", "))"
                            + suggestion(for: name, among: names))
                }
                ties.insert(axis)
            }
            return ties
        }
    }
}
