import Graph
import InterventionDSL

/// Another intervention, with what it changes of its rows collected twice: as they come, and as they were before any edit
/// of the site.
struct ProbedEdit: Intervention {
    let inner: any Intervention

    var defaultName: String { inner.defaultName }
    var sources: [SourceReference] { inner.sources }
    var constantRows: [ConstantRow] { inner.constantRows }
    var constantMatrices: [ConstantMatrix] { inner.constantMatrices }
    var onlyReads: Bool { inner.onlyReads }

    init(inner: any Intervention) { self.inner = inner }

    func parameters(at site: SiteShape) -> ParameterList { inner.parameters(at: site) }
    func problems(at site: SiteShape) -> [String] { inner.problems(at: site) }
    func coordinates(at site: SiteShape) -> SubspaceCoordinates { inner.coordinates(at: site) }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let unedited = context.uneditedRows
        let after = try inner.edit(rows, in: &context)
        let alone = try inner.edit(unedited, in: &context)
        context.collect(after - rows, as: "after")
        context.collect(alone - unedited, as: "alone")
        return after
    }

    static func == (left: ProbedEdit, right: ProbedEdit) -> Bool { AnyHashable(left.inner) == AnyHashable(right.inner) }

    func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(inner)) }

    /// It lives as long as a measurement, and is never written.
    private static let unwritten = "a probe is not part of program files"

    init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: Self.unwritten))
    }

    func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            inner.defaultName, .init(codingPath: encoder.codingPath, debugDescription: Self.unwritten))
    }
}
