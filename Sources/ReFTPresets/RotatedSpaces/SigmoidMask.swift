import Graph
import InterventionDSL

/// Which columns are those of the source is learned, in the site's own basis.
///
///     (1 − σ(m / T)) ⊙ h + σ(m / T) ⊙ s
///
/// Rows h and s are [1, d]; m [1, d] starts at 0, T at 0.01: d + 1 numbers. A subspace of the declaration leaves the mask
/// only there.
public struct SigmoidMask: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference
    public var temperature: Temperature

    /// T where none is given.
    public static let standardTemperature = Temperature.fixed(0.01)

    /// From a run, at the place and the positions that are edited.
    public init(from run: String, temperature: Temperature = standardTemperature) {
        self.init(from: SourceReference(run: run), temperature: temperature)
    }

    /// From another place or other positions.
    public init(from source: SourceReference, temperature: Temperature = standardTemperature) {
        self.source = source
        self.temperature = temperature
    }

    public var sources: [SourceReference] { [source] }

    public func parameters(at site: SiteShape) -> ParameterList {
        [ParameterSpecification("mask", 1, site.width, initialiser: .zeros), temperature.parameter]
    }

    public func problems(at site: SiteShape) -> [String] { temperature.problems }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(site.width) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let mask = try sigmoidMask(&context)
        return mixed(rows, try context.source(), mask, &context)
    }

    private enum CodingKeys: String, CodingKey { case source, temperature }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            from: try container.decode(SourceReference.self, forKey: .source),
            temperature: try container.decodeIfPresent(Temperature.self, forKey: .temperature)
                ?? Self.standardTemperature)
    }
}

/// Which coordinates of a learned basis are those of the source is learned too.
///
///     ((1 − σ(m / T)) ⊙ h R + σ(m / T) ⊙ s R) Rᵀ
///
/// Rows h and s are [1, d]; R [d, d] is orthogonal, m [1, d] starts at 100, T at 50 and is annealed to 0.1 unless given:
/// d² + d + 1 numbers. A subspace of the declaration leaves the mask only there.
public struct SigmoidMaskRotatedSpace: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference
    public var temperature: Temperature

    /// The course of T where none is given.
    public static let standardTemperature = Temperature.annealed(from: 50, to: 0.1)

    /// From a run, at the place and the positions that are edited.
    public init(from run: String, temperature: Temperature = standardTemperature) {
        self.init(from: SourceReference(run: run), temperature: temperature)
    }

    /// From another place or other positions.
    public init(from source: SourceReference, temperature: Temperature = standardTemperature) {
        self.source = source
        self.temperature = temperature
    }

    public var sources: [SourceReference] { [source] }

    public func parameters(at site: SiteShape) -> ParameterList {
        [
            basis(site), ParameterSpecification("mask", 1, site.width, initialiser: .constant(100)),
            temperature.parameter,
        ]
    }

    public func problems(at site: SiteShape) -> [String] { temperature.problems }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(site.width) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let mask = try sigmoidMask(&context)
        let source = try context.source().times(rotation)
        return mixed(rows.times(rotation), source, mask, &context).times(rotation, transposed: true)
    }

    private enum CodingKeys: String, CodingKey { case source, temperature }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            from: try container.decode(SourceReference.self, forKey: .source),
            temperature: try container.decodeIfPresent(Temperature.self, forKey: .temperature)
                ?? Self.standardTemperature)
    }
}
