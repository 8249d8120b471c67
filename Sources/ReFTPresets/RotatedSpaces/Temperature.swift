import Graph
import InterventionDSL

/// The temperature T of a soft mask σ(m / T): a number [1, 1] that is stored with the adapter.
///
/// ```swift
/// BoundlessRotatedSpace(from: "source", temperature: .annealed(from: 50, to: 0.1))
/// ```
/// In a program file: `0.01`, `{ "from": 50, "to": 0.1 }`, `{ "from": 50, "to": 0.1, "shape": "exponential" }`, or
/// `{ "trained": 50 }`.
public enum Temperature: Hashable, Sendable {
    /// Stays as it is.
    case fixed(Double)
    /// Goes from one value to another over the steps of a training; what it reached is stored, and used afterwards.
    case annealed(from: Double, to: Double, shape: ScalarSchedule.Shape = .linear)
    /// Starts here and is trained like any parameter.
    case trained(Double)

    /// The parameter that holds it.
    var parameter: ParameterSpecification {
        let (start, schedule): (Double, ScalarSchedule?) =
            switch self {
            case .fixed(let value): (value, .constant(value))
            case .annealed(let start, let end, let shape): (start, ScalarSchedule(from: start, to: end, shape))
            case .trained(let value): (value, nil)
            }
        return ParameterSpecification(
            "temperature", 1, 1, initialiser: .constant(start), decays: false, schedule: schedule)
    }

    /// What is wrong with it, in sentences.
    var problems: [String] {
        let values: [Double] =
            switch self {
            case .fixed(let value), .trained(let value): [value]
            case .annealed(let start, let end, _): [start, end]
            }
        return values.filter { !($0.isFinite && $0 > 0) }.map { "temperature \($0) is given; a temperature is above 0" }
    }
}

extension Temperature: Codable {
    private enum CodingKeys: String, CodingKey { case from, to, shape, trained }

    public init(from decoder: any Decoder) throws {
        if let value = try? decoder.singleValueContainer().decode(Double.self) {
            self = .fixed(value)
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let value = try container.decodeIfPresent(Double.self, forKey: .trained) {
            self = .trained(value)
            return
        }
        self = .annealed(
            from: try container.decode(Double.self, forKey: .from), to: try container.decode(Double.self, forKey: .to),
            shape: try container.decodeIfPresent(ScalarSchedule.Shape.self, forKey: .shape) ?? .linear)
    }

    public func encode(to encoder: any Encoder) throws {
        if case .fixed(let value) = self {
            var container = encoder.singleValueContainer()
            try container.encode(value)
            return
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .fixed: break
        case .trained(let value): try container.encode(value, forKey: .trained)
        case .annealed(let start, let end, let shape):
            try container.encode(start, forKey: .from)
            try container.encode(end, forKey: .to)
            if shape != .linear { try container.encode(shape, forKey: .shape) }
        }
    }
}
