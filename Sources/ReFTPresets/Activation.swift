import Diagnostics
import Graph
import InterventionDSL

/// The function between the low-rank projection and the edit, under transformers' names.
public enum Activation: String, Hashable, Sendable, Encodable, CaseIterable {
    case linear, relu, gelu, tanh, sigmoid, silu
    /// The tanh approximation.
    case geluNew = "gelu_new"
    /// x · σ(1.702 x).
    case quickGelu = "quick_gelu"

    /// The function applied; nothing for `linear`.
    public func callAsFunction(_ value: Value) -> Value {
        function.map { value.applying($0) } ?? value
    }

    private var function: UnaryFunction? {
        switch self {
        case .linear: nil
        case .relu: .relu
        case .gelu: .gelu
        case .tanh: .tanh
        case .sigmoid: .sigmoid
        case .silu: .silu
        case .geluNew: .geluTanh
        case .quickGelu: .quickGelu
        }
    }
}

extension Activation: Decodable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let known = Activation(rawValue: name) else {
            let names = Activation.allCases.map(\.rawValue)
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "unknown activation '\(name)'; allowed: \(names.joined(separator: ", "))"
                    + suggestion(for: name, among: names))
        }
        self = known
    }
}
