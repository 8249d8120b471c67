import SwiftReFT

/// LoReFT as a user would declare it, with nothing but the public interface:
///
///     h + (W h + b − h R) Rᵀ
struct UserLoReFT: Intervention {
    var rank: Int

    func parameters(at site: SiteShape) -> ParameterList {
        [
            ParameterSpecification(
                "rotation", site.width, rank, initialiser: .orthonormal, constraint: .orthonormalColumns),
            ParameterSpecification("weight", rank, site.width, initialiser: .linear(inputs: site.width)),
            ParameterSpecification("bias", 1, rank, initialiser: .linear(inputs: site.width)),
        ]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let target = rows.linear(try context.parameter("weight"), bias: try context.parameter("bias"))
        return rows + (target - rows.times(rotation)).times(rotation, transposed: true)
    }
}
