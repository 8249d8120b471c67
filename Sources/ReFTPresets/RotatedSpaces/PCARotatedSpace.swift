import Graph
import InterventionDSL

/// Principal components are those of the source.
///
///     z(x) = ((x − μ) / σ) Cᵀ
///     ((1 − m) ⊙ z(h) + m ⊙ z(s)) C ⊙ σ + μ
///
/// Rows h and s are [1, d]; C [k, d] holds the components as scikit-learn has them, μ and σ are [1, d]; nothing is trained.
/// The mask m is the declaration's subspace, which selects components. With k < d what lies outside the components is lost,
/// as in pyvene.
///
/// ```swift
/// PCARotatedSpace(from: "source", components: components, mean: mean, deviation: deviation)
///     .on(.blockOutput, layer: 5).at(.last).subspace(0..<8)
/// ```
public struct PCARotatedSpace: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference
    /// C [k, d].
    public var components: ConstantMatrix
    /// μ.
    public var mean: ConstantRow
    /// σ.
    public var deviation: ConstantRow

    /// From a run, at the place and the positions that are edited.
    public init(from run: String, components: ConstantMatrix, mean: ConstantRow, deviation: ConstantRow) {
        self.init(from: SourceReference(run: run), components: components, mean: mean, deviation: deviation)
    }

    /// From another place or other positions.
    public init(from source: SourceReference, components: ConstantMatrix, mean: ConstantRow, deviation: ConstantRow) {
        self.source = source
        self.components = components
        self.mean = mean
        self.deviation = deviation
    }

    public var sources: [SourceReference] { [source] }
    public var constantRows: [ConstantRow] { [mean, deviation] }
    public var constantMatrices: [ConstantMatrix] { [components] }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(components.rows) }

    public func problems(at site: SiteShape) -> [String] {
        let shape = components.problem("its matrix of components", rows: max(components.rows, 1), columns: site.width)
        let rows = [("mean", mean), ("deviation", deviation)].compactMap { name, row in
            row.width == site.width
                ? nil : "its \(name) has \(row.width) numbers, the site is \(site.width) wide"
        }
        return (shape.map { [$0] } ?? []) + rows
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let (mean, deviation) = (try context.constant(mean), try context.constant(deviation))
        let components = try context.constant(components)
        func coordinates(_ value: Value) -> Value { ((value - mean) / deviation).times(components, transposed: true) }
        let mask = context.subspaceMask()
        let mixed = swapped(coordinates(rows), coordinates(try context.source()), within: mask)
        return mixed.times(components) * deviation + mean
    }
}
