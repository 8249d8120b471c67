import Graph

/// Zero ablation: h → 0.
///
/// ```swift
/// Zero().on(.attentionOutput, layer: 5).at(.all)
/// ```
public struct Zero: Intervention {
    public init() {}

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        // Broadcast rather than 0 · h, which would keep infinities and NaN.
        context.builder.scalar(0).broadcast(to: rows.shape)
    }
}

/// Scaling: h → factor · h.
public struct Scale: Intervention {
    /// What rows are multiplied by.
    public var factor: Double

    public init(by factor: Double) { self.factor = factor }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows * factor }
}

/// Gaussian noise: h → h + level · N(0, 1), from the seed of the batch; in training and in evaluation.
///
/// ```swift
/// Noise(level: 3).on(.embedding).at(1...3)
/// ```
public struct Noise: Intervention {
    /// The standard deviation of the noise.
    public var level: Double

    public init(level: Double) { self.level = level }

    public func problems(at site: SiteShape) -> [String] {
        level >= 0 && level.isFinite
            ? [] : ["its level is \(level); a standard deviation is a finite number, 0 or more"]
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        rows + context.noise(shape: rows.shape) * level
    }
}
