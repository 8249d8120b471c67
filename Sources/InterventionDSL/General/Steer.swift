import Graph

/// Steering by a vector v: h → h + scale · v, if need be with the norm of h kept, or only where a condition holds.
///
///     h′ = h + scale · v                       added
///     h′ = (h + scale · v) · ‖h‖ / ‖h + scale · v‖      with `preservesNorm`
///     h + g · (h′ − h),   g = 1 where the condition holds, else 0
///
/// All, prompt or generated rows are a matter of positions.
///
/// ```swift
/// Steer(politeness, scale: 4, when: .projection(above: 2)).on(.blockOutput, layer: 12).at(.generated)
/// ```
public struct Steer: Intervention {
    /// v: numbers in memory or a tensor in a file.
    public var vector: ConstantRow
    public var scale: Double
    /// Whether each row keeps its length.
    public var preservesNorm: Bool
    /// Which rows are steered.
    public var condition: SteeringCondition

    /// The vector in memory.
    public init(
        _ vector: [Float], scale: Double = 1, preservesNorm: Bool = false, when condition: SteeringCondition = .always
    ) {
        self.init(.numbers(vector), scale: scale, preservesNorm: preservesNorm, when: condition)
    }

    /// The vector in memory or in a file.
    public init(
        _ vector: ConstantRow, scale: Double = 1, preservesNorm: Bool = false,
        when condition: SteeringCondition = .always
    ) {
        self.vector = vector
        self.scale = scale
        self.preservesNorm = preservesNorm
        self.condition = condition
    }

    public var constantRows: [ConstantRow] {
        if case .projection(let direction?, _, _) = condition { [vector, direction] } else { [vector] }
    }

    public func problems(at site: SiteShape) -> [String] {
        var problems: [String] = []
        if vector.width != site.width {
            problems.append("its vector has \(vector.width) numbers, the site is \(site.width) wide")
        }
        return problems + condition.problems(at: site)
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let vector = try context.constant(vector)
        var steered = rows + (scale == 1 ? vector : vector * scale)
        if preservesNorm {
            let (before, after) = (Self.squares(rows), Self.squares(steered))
            // A row of zeros has no direction: it stays one rather than becoming no number.
            let tiny = context.builder.scalar(1e-30)
            steered = steered * (before / after.applying(.maximum, tiny)).applying(.squareRoot)
        }
        guard let gate = try condition.gate(rows, along: vector, in: &context) else { return steered }
        return rows + (steered - rows) * gate
    }

    private static func squares(_ rows: Value) -> Value { rows.applying(.square).sum(.columns) }

    private enum CodingKeys: String, CodingKey { case vector, scale, preservesNorm, when }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(ConstantRow.self, forKey: .vector),
            scale: try container.decodeIfPresent(Double.self, forKey: .scale) ?? 1,
            preservesNorm: try container.decodeIfPresent(Bool.self, forKey: .preservesNorm) ?? false,
            when: try container.decodeIfPresent(SteeringCondition.self, forKey: .when) ?? .always)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(vector, forKey: .vector)
        try container.encode(scale, forKey: .scale)
        try container.encode(preservesNorm, forKey: .preservesNorm)
        if condition != .always { try container.encode(condition, forKey: .when) }
    }
}

/// Which rows are steered, besides what positions say.
public enum SteeringCondition: Hashable, Sendable {
    /// All of them.
    case always
    /// Rows whose projection h · u / ‖u‖ is above a threshold, or below it; u is the steering vector unless given.
    case projection(onto: ConstantRow? = nil, threshold: Double, isAbove: Bool)
    /// Rows whose token is one of these.
    case tokens([Int])

    /// Rows whose projection onto a direction, the steering vector unless given, is above a threshold.
    public static func projection(onto direction: ConstantRow? = nil, above threshold: Double) -> SteeringCondition {
        .projection(onto: direction, threshold: threshold, isAbove: true)
    }

    /// Rows whose projection onto a direction, the steering vector unless given, is below a threshold.
    public static func projection(onto direction: ConstantRow? = nil, below threshold: Double) -> SteeringCondition {
        .projection(onto: direction, threshold: threshold, isAbove: false)
    }

    func problems(at site: SiteShape) -> [String] {
        switch self {
        case .always: return []
        case .tokens(let tokens): return tokens.isEmpty ? ["its condition names no token"] : []
        case .projection(let direction, let threshold, _):
            var problems: [String] = []
            if let direction, direction.width != site.width {
                problems.append(
                    "the direction of its condition has \(direction.width) numbers, the site is \(site.width) wide")
            }
            if threshold.isNaN { problems.append("the threshold of its condition is not a number") }
            return problems
        }
    }

    /// 1 for each row that is steered, else 0, [rows, 1]; nil where all are.
    func gate(_ rows: Value, along vector: Value, in context: inout EditContext) throws -> Value? {
        switch self {
        case .always: return nil
        case .tokens(let tokens): return try context.indicator(ofTokens: tokens)
        case .projection(let given, let threshold, let isAbove):
            let direction = try given.map { try context.constant($0) } ?? vector
            let length = direction.applying(.square).sum(.all).applying(.squareRoot)
            let projection = rows.times(direction, transposed: true) / length
            let limit = context.builder.scalar(threshold)
            return isAbove ? projection.applying(.greater, limit) : limit.applying(.greater, projection)
        }
    }
}

extension SteeringCondition: Codable {
    private enum CodingKeys: String, CodingKey { case tokens, above, below, onto }

    /// Reads `{ "tokens": [13] }`, `{ "above": 2 }` or `{ "below": 0, "onto": [numbers or a reference] }`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let tokens = try container.decodeIfPresent([Int].self, forKey: .tokens)
        let above = try container.decodeIfPresent(Double.self, forKey: .above)
        let below = try container.decodeIfPresent(Double.self, forKey: .below)
        let direction = try container.decodeIfPresent(ConstantRow.self, forKey: .onto)
        switch (tokens, above, below) {
        case (let tokens?, nil, nil) where direction == nil: self = .tokens(tokens)
        case (nil, let above?, nil): self = .projection(onto: direction, above: above)
        case (nil, nil, let below?): self = .projection(onto: direction, below: below)
        default:
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a condition is one of 'tokens', 'above' and 'below', the last two perhaps with "
                        + "'onto'"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .always: break
        case .tokens(let tokens): try container.encode(tokens, forKey: .tokens)
        case .projection(let direction, let threshold, let isAbove):
            try container.encode(threshold, forKey: isAbove ? .above : .below)
            try container.encodeIfPresent(direction, forKey: .onto)
        }
    }
}
