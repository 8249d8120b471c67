import Graph
import InterventionDSL

/// Coordinates of the base with those of the source in their place: s, or b + m ⊙ (s − b) within a mask m.
func swapped(_ base: Value, _ source: Value, within mask: Value?) -> Value {
    mask.map { base + (source - base) * $0 } ?? source
}

/// σ(m / T) for each coordinate.
func sigmoidMask(_ context: inout EditContext) throws -> Value {
    (try context.parameter("mask") / (try context.parameter("temperature"))).applying(.sigmoid)
}

/// (1 − m) ⊙ b + m ⊙ s, with a mask m; outside the declaration's subspace b.
func mixed(_ base: Value, _ source: Value, _ mask: Value, _ context: inout EditContext) -> Value {
    let mask = context.inSubspace(mask)
    return (1 - mask) * base + mask * source
}

/// A whole orthogonal basis, R [d, d].
func basis(_ site: SiteShape) -> ParameterSpecification { rotation(site, site.width) }
