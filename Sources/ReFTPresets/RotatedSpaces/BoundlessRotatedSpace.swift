import Graph
import InterventionDSL

/// Boundless distributed alignment search (Wu et al. 2023, arXiv 2305.08809): how many coordinates are swapped is learned.
///
///     maskᵢ = σ(i / T) · σ((β · d − i) / T),   i = 0 … d − 1
///     ((1 − mask) ⊙ h R + mask ⊙ s R) Rᵀ
///
/// Rows h and s are [1, d]; R [d, d] is orthogonal, β starts at 0.5 and is clamped to [0.001, 1], T is annealed from 50 to
/// 0.1 unless given: d² + 2 numbers. A subspace of the declaration leaves the mask only there.
public struct BoundlessRotatedSpace: Intervention {
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
            basis(site), ParameterSpecification("boundary", 1, 1, initialiser: .constant(0.5), decays: false),
            temperature.parameter,
        ]
    }

    public func problems(at site: SiteShape) -> [String] { temperature.problems }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(site.width) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let mask = try boundaryMask(width: context.shape.width, &context)
        let source = try context.source().times(rotation)
        return mixed(rows.times(rotation), source, mask, &context).times(rotation, transposed: true)
    }

    private func boundaryMask(width: Int, _ context: inout EditContext) throws -> Value {
        let temperature = try context.parameter("temperature")
        let places = context.builder.constant(
            ConstantTensor(name: "coordinates", rows: 1, columns: width, values: (0..<width).map(Double.init)))
        let boundary = try context.parameter("boundary")
            .applying(.maximum, context.builder.scalar(1e-3)).applying(.minimum, context.builder.scalar(1))
        let left = (places / temperature).applying(.sigmoid)
        let right = ((boundary * Double(width) - places) / temperature).applying(.sigmoid)
        return left * right
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
