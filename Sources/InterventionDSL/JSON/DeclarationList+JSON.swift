import Diagnostics
import JSON

// A list of declarations in a program file. An average stands among them as
// `{ "average": [ { "weight": 0.5, "declarations": […] }, … ] }`, and may hold averages in turn.

extension Declaration {
    /// The declarations under the key `declarations`, those within averages in their place.
    static func list(_ object: ObjectReader, _ registry: InterventionRegistry) throws(InterventionError)
        -> [Declaration]
    {
        var declarations: [Declaration] = []
        var groups = 0
        for (value, path) in try object.list("declarations") {
            guard value["average"] != nil else {
                declarations.append(try Declaration(value, path: path, registry))
                continue
            }
            let average = try ObjectReader(value, path: path, allowed: ["average"])
            if average["average"] == .array([]) {
                throw average.failure("average", "an average needs at least one member, with a weight and declarations")
            }
            var members = 0
            for (member, path) in try average.list("average") {
                let reader = try ObjectReader(member, path: path, allowed: ["weight", "declarations"])
                let branch = ParallelBranch(group: groups, branch: members, weight: try reader.number("weight"))
                let inner = try list(reader, registry)
                if !inner.isEmpty { members += 1 }
                for var declaration in inner {
                    declaration.branches.insert(branch, at: 0)
                    declarations.append(declaration)
                }
            }
            if members > 0 { groups += 1 }
        }
        return declarations
    }

    /// The list that ``list(_:_:)`` reads.
    static func json(_ declarations: ArraySlice<Declaration>, depth: Int = 0) throws -> JSONValue {
        var rest = declarations
        var elements: [JSONValue] = []
        while let first = rest.first {
            guard first.branches.count > depth else {
                elements.append(try first.json())
                rest = rest.dropFirst()
                continue
            }
            let group = rest.prefix {
                $0.branches.count > depth && $0.branches[depth].group == first.branches[depth].group
            }
            rest = rest.dropFirst(group.count)
            elements.append(.object([.init("average", .array(try members(group, depth)))]))
        }
        return .array(elements)
    }

    private static func members(_ group: ArraySlice<Declaration>, _ depth: Int) throws -> [JSONValue] {
        var rest = group
        var members: [JSONValue] = []
        while let branch = rest.first?.branches[depth] {
            let member = rest.prefix { $0.branches[depth].branch == branch.branch }
            rest = rest.dropFirst(member.count)
            guard branch.weight.isFinite else {
                throw EncodingError.invalidValue(
                    branch.weight, .init(codingPath: [], debugDescription: "a weight must be a finite number"))
            }
            members.append(
                .object([
                    .init("weight", .number(branch.weight)), .init("declarations", try json(member, depth: depth + 1)),
                ]))
        }
        return members
    }
}

extension ObjectReader {
    /// The policy for overlaps; nil where the key is absent.
    func overlaps() throws(InterventionError) -> OverlapPolicy? {
        guard self["overlaps"] != nil else { return nil }
        let given = try string("overlaps")
        guard let policy = OverlapPolicy(rawValue: given) else {
            let names = OverlapPolicy.allCases.map(\.rawValue)
            throw failure(
                "overlaps",
                "unknown policy '\(given)'; allowed: \(names.joined(separator: ", "))"
                    + suggestion(for: given, among: names))
        }
        return policy
    }
}
