import InterventionDSL
import JSON

/// What there is to know about an adapter without its model.
public struct AdapterSummary: Hashable, Sendable, Encodable {
    /// A declaration of its program.
    public struct Declaration: Hashable, Sendable, Encodable {
        public var name: String
        public var run: String
        /// The intervention's type.
        public var type: String
        /// As program files have them: settings of the type, place, positions.
        public var settings: JSONValue
    }

    /// A trained tensor.
    public struct Parameter: Hashable, Sendable, Encodable {
        public var name: String
        public var shape: [Int]
        /// The root of the sum of squares.
        public var norm: Double
        /// Whether its columns are orthonormal, to 1e-3.
        public var orthonormalColumns: Bool
    }

    public var name: String
    /// The model that it was trained on.
    public var base: String
    /// That model's family, and the first digits of what its fingerprint says of its tensors and of their numbers.
    public var architecture: String
    public var architectureDigest: String
    public var valuesDigest: String
    /// `chain`, `error` or `priority`.
    public var overlaps: String
    public var declarations: [Declaration]
    public var parameters: [Parameter]
    public var parameterCount: Int
    /// How it was trained.
    public var training: [String: RecordValue]

    /// The summary of an adapter.
    /// - Throws: what an intervention's own `encode` throws.
    public init(_ adapter: Adapter) throws {
        name = adapter.name
        base = adapter.base.name
        let fingerprint = adapter.base.fingerprint
        architecture = fingerprint.architecture
        architectureDigest = String(fingerprint.architectureDigest.prefix(12))
        valuesDigest = String(fingerprint.valuesDigest.prefix(12))
        overlaps = adapter.program.overlaps.rawValue
        declarations = try adapter.program.runs.flatMap { run in
            try run.declarations.map { declaration in
                Declaration(
                    name: declaration.name ?? "", run: run.name, type: Swift.type(of: declaration.intervention).kind,
                    settings: try declaration.settings)
            }
        }
        parameters = adapter.parameters.sorted { $0.key < $1.key }.map { name, values in
            Parameter(
                name: name, shape: [values.rows, values.columns],
                norm: values.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot(),
                orthonormalColumns: values.hasOrthonormalColumns)
        }
        parameterCount = adapter.parameterCount
        training = adapter.training
    }
}

extension Declaration {
    /// The declaration as a program file has it, without its name.
    var settings: JSONValue {
        get throws {
            let program = try JSONValue(parsing: Array(try Program(declarations: [alone]).json().utf8))
            guard case .array(let list) = program["declarations"], case .object(let members) = list.first else {
                return .null
            }
            return .object(members.filter { $0.key != "name" })
        }
    }

    /// The declaration outside of the averages that it is a member of.
    private var alone: Declaration {
        Declaration(
            intervention, on: place, at: positions, name: name, scale: scale, ties: ties, subspace: subspace,
            priority: priority, location: location)
    }
}

extension Adapter.ParameterValues {
    /// Whether RᵀR is the identity, to 1e-3.
    var hasOrthonormalColumns: Bool {
        guard columns > 0, rows >= columns, values.count == rows * columns else { return false }
        for left in 0..<columns {
            for right in left..<columns {
                var product = 0.0
                for row in 0..<rows {
                    product += Double(values[row * columns + left]) * Double(values[row * columns + right])
                }
                if abs(product - (left == right ? 1 : 0)) > 1e-3 { return false }
            }
        }
        return true
    }
}
