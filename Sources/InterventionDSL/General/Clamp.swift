import Graph

/// Clamping: h → min(max(h, minimum), maximum), element by element.
///
/// ```swift
/// Clamp(minimum: 0, maximum: 4).on(.mlpActivation, layer: 7).at(.all).subspace([310])
/// ```
public struct Clamp: Intervention {
    /// The least value; nil for no bound.
    public var minimum: Double?
    /// The largest value; nil for no bound.
    public var maximum: Double?

    public init(minimum: Double? = nil, maximum: Double? = nil) {
        self.minimum = minimum
        self.maximum = maximum
    }

    public func problems(at site: SiteShape) -> [String] {
        if minimum == nil, maximum == nil { return ["neither a minimum nor a maximum is given"] }
        if let minimum, let maximum, minimum > maximum {
            return ["its minimum \(minimum) is larger than its maximum \(maximum)"]
        }
        return [minimum, maximum].compactMap { $0 }.filter(\.isNaN).map { _ in "one of its bounds is not a number" }
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        var clamped = rows
        if let minimum { clamped = clamped.applying(.maximum, context.builder.scalar(minimum)) }
        if let maximum { clamped = clamped.applying(.minimum, context.builder.scalar(maximum)) }
        return clamped
    }
}
