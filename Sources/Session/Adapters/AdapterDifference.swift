import InterventionDSL
import JSON

/// Where two adapters differ: in their program and in their numbers.
public struct AdapterDifference: Hashable, Sendable, Encodable {
    /// How two things of one name relate.
    public enum Status: String, Hashable, Sendable, Encodable {
        case equal, differs
        case onlyInFirst = "only in first"
        case onlyInSecond = "only in second"
    }

    /// A declaration of either.
    public struct Declaration: Hashable, Sendable, Encodable {
        public var name: String
        public var status: Status
        /// What differs, with both values: `intervention.rank: 4, 8`.
        public var details: [String]
    }

    /// A trained tensor of either.
    public struct Parameter: Hashable, Sendable, Encodable {
        public var name: String
        public var status: Status
        /// Of the first and of the second, where they have it.
        public var shapes: [[Int]]
        /// The largest difference between two numbers, where the shapes are equal.
        public var largest: Double?
        /// √Σ(a − b)² / √Σa², where the shapes are equal.
        public var relative: Double?
        /// The angles between the spaces of their columns in degrees, where both have orthonormal columns.
        public var principalAngles: [Double]?
    }

    public var first: String
    public var second: String
    /// What the fingerprints of the base models say.
    public var base: String
    public var declarations: [Declaration]
    public var parameters: [Parameter]

    /// Whether program, numbers and base are the same.
    public var isEmpty: Bool {
        base == "the same model" && declarations.allSatisfy { $0.status == .equal }
            && parameters.allSatisfy { $0.status == .equal }
    }

    /// The difference between two adapters.
    /// - Throws: what an intervention's own `encode` throws.
    public init(_ first: Adapter, _ second: Adapter) throws {
        (self.first, self.second) = (first.name, second.name)
        base =
            switch first.base.fingerprint.compare(with: second.base.fingerprint) {
            case .same: "the same model"
            case .otherStorage: "the same weights in other storage types"
            case .otherWeights: "other weights of the same architecture"
            case .otherArchitecture(let details): details
            }
        let (own, other) = (try AdapterSummary(first), try AdapterSummary(second))
        declarations = Self.paired(own.declarations, other.declarations, \.name).map { name, left, right in
            Declaration(
                name: name, status: Self.status(left, right),
                details: left.flatMap { left in
                    right.map { right in
                        (left.run == right.run ? [] : ["run: \(left.run), \(right.run)"])
                            + left.settings.differences(to: right.settings)
                    }
                } ?? [])
        }
        parameters = Self.paired(own.parameters, other.parameters, \.name).map { name, _, _ in
            Parameter(name, first.parameters[name], second.parameters[name])
        }
    }

    fileprivate static func status<Thing: Equatable>(_ left: Thing?, _ right: Thing?) -> Status {
        if right == nil { return .onlyInFirst }
        if left == nil { return .onlyInSecond }
        return left == right ? .equal : .differs
    }

    /// Things of the same name beside each other, in the order of the first, then of the second.
    private static func paired<Thing>(
        _ left: [Thing], _ right: [Thing], _ name: (Thing) -> String
    ) -> [(String, Thing?, Thing?)] {
        let names = left.map(name)
        return names.enumerated().map { place, own in (own, left[place], right.first { name($0) == own }) }
            + right.filter { !names.contains(name($0)) }.map { (name($0), nil, $0) }
    }
}

extension AdapterDifference.Parameter {
    fileprivate init(_ name: String, _ left: Adapter.ParameterValues?, _ right: Adapter.ParameterValues?) {
        self.name = name
        status = AdapterDifference.status(left, right)
        shapes = [left, right].compactMap { $0 }.map { [$0.rows, $0.columns] }
        guard let left, let right else { return }
        principalAngles = left.principalAngles(to: right)
        guard left.rows == right.rows, left.columns == right.columns else { return }
        let changes = zip(left.values, right.values).map { Double($0) - Double($1) }
        largest = changes.map(abs).max() ?? 0
        let size = left.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let change = changes.reduce(0) { $0 + $1 * $1 }.squareRoot()
        relative = size > 0 ? change / size : nil
    }
}

extension JSONValue {
    /// The places where two documents differ, with both values on one line.
    fileprivate func differences(to other: JSONValue, path: String = "") -> [String] {
        guard self != other else { return [] }
        guard case .object(let left) = self, case .object(let right) = other else {
            return ["\(path): \(line), \(other.line)"]
        }
        var names = left.map(\.key)
        for member in right where !names.contains(member.key) { names.append(member.key) }
        return names.flatMap { name in
            (self[name] ?? .null).differences(
                to: other[name] ?? .null, path: path.isEmpty ? name : "\(path).\(name)")
        }
    }
}
