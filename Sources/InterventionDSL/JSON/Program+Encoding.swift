import Foundation
import Graph
import JSON

extension Program {
    /// The program as a file, indented, ending with a newline. Source lines are not part of it.
    ///
    /// - Throws: What an intervention's own `encode` throws, and `EncodingError` for numbers that are not finite.
    public func json() throws -> String { try jsonValue().text }

    func jsonValue() throws -> JSONValue {
        var members = [
            JSONValue.Member("format", .string(Self.format)), JSONValue.Member("version", .integer(Self.version)),
        ]
        if overlaps != .chain { members.append(JSONValue.Member("overlaps", .string(overlaps.rawValue))) }
        if runs.count == 1 {
            members.append(JSONValue.Member("declarations", try Declaration.json(declarations[...])))
        } else {
            let runs: [JSONValue] = try runs.map { run in
                var members = [JSONValue.Member("name", .string(run.name))]
                if !run.declarations.isEmpty {
                    members.append(.init("declarations", try Declaration.json(run.declarations[...])))
                }
                return .object(members)
            }
            members.append(JSONValue.Member("runs", .array(runs)))
        }
        if !trainable.isEmpty {
            members.append(JSONValue.Member("trainable", .array(trainable.map { .string($0.pattern) })))
        }
        return .object(members)
    }
}

extension Program: Codable {
    /// Reads a program with the registry that the decoder was given, or ``InterventionRegistry/general``.
    public init(from decoder: any Decoder) throws {
        let registry = decoder.userInfo.first { $0.key.rawValue == InterventionRegistry.userInfoKey }?.value
        try self.init(
            JSONValue(from: decoder), path: decoder.codingPath.map(\.stringValue).joined(separator: "."),
            registry as? InterventionRegistry ?? .general)
    }

    public func encode(to encoder: any Encoder) throws { try jsonValue().encode(to: encoder) }
}

extension JSONDecoder {
    /// A decoder of values that hold programs, with the types that these may name.
    public convenience init(interventions registry: InterventionRegistry) {
        self.init()
        if let key = CodingUserInfoKey(rawValue: InterventionRegistry.userInfoKey) { userInfo[key] = registry }
    }
}

extension Declaration {
    func json() throws -> JSONValue {
        var members: [JSONValue.Member] = []
        if let name { members.append(.init("name", .string(name))) }
        let encoded = try JSONValue(encoding: intervention)
        guard case .object(let fields) = encoded else {
            throw EncodingError.invalidValue(
                intervention, .init(codingPath: [], debugDescription: "an intervention must be encoded as an object"))
        }
        let kind = type(of: intervention).kind
        let own = fields.filter { $0.key != "source" }
        members.append(.init("intervention", .object([.init("type", .string(kind))] + own)))
        if let source = encoded["source"] { members.append(.init("source", source)) }
        members.append(.init("site", place.json))
        members.append(.init("positions", .string(positions.description)))
        switch ties {
        case []: break
        case [.positions]: members.append(.init("tied", .bool(true)))
        default: members.append(.init("tied", .array(ties.map(\.rawValue).sorted().map(JSONValue.string))))
        }
        if let shares { members.append(.init("shares", .string(shares))) }
        guard scale.isFinite else {
            throw EncodingError.invalidValue(
                scale, .init(codingPath: [], debugDescription: "a scale must be a finite number"))
        }
        if scale != 1 { members.append(.init("scale", .number(scale))) }
        if let subspace { members.append(.init("subspace", subspace.json)) }
        if priority != 0 { members.append(.init("priority", .integer(priority))) }
        return .object(members)
    }
}

extension Place {
    var json: JSONValue {
        switch self {
        case .module(let path): return .object([.init("module", .string(path))])
        case .matching(let selector): return .object([.init("select", .string(selector))])
        case .model(let component): return .object([.init("component", .string(component.rawValue))])
        case .layers(let component, let layers, let heads):
            var members = [JSONValue.Member("component", .string(component.rawValue))]
            let text = layers.description
            let list = text.contains("-") ? nil : layers.list
            members.append(.init("layers", list.map { .array($0.map(JSONValue.integer)) } ?? .string(text)))
            if let heads { members.append(.init("heads", .array(heads.map(JSONValue.integer)))) }
            return .object(members)
        }
    }
}

extension SourceReference {
    var json: JSONValue {
        if let constant { return .object([.init("constant", constant.json)]) }
        var members = [JSONValue.Member("run", .string(run ?? ""))]
        if let place { members.append(.init("site", place.json)) }
        if let positions { members.append(.init("positions", .string(positions.description))) }
        return .object(members)
    }
}

extension Subspace {
    var json: JSONValue {
        func list(_ coordinates: [Int]) -> JSONValue { .array(coordinates.map(JSONValue.integer)) }
        switch self {
        case .fixed(let coordinates): return list(coordinates)
        case .perExample(let parts):
            return .object(parts.sorted { $0.key < $1.key }.map { .init($0.key, list($0.value)) })
        }
    }
}
