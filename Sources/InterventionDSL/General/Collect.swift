import Graph

/// Gives the rows of a site to whoever runs the program and edits nothing.
///
/// ```swift
/// Collect("mlp7").on(.mlpActivation, layer: 7).at(.last)
/// ```
/// It sees the edits declared before it; `unedited` gives the rows before any edit of the same site.
public struct Collect: Intervention {
    /// What the declaration is called unless it is named.
    public var label: String?
    /// Whether the rows are those before any edit of the same site.
    public var unedited: Bool

    public init(_ label: String? = nil, unedited: Bool = false) {
        self.label = label
        self.unedited = unedited
    }

    /// A fixed subspace gives its columns only, in their order; one that examples choose gives zeros elsewhere.
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(site.width) }

    public var onlyReads: Bool { true }
    public var defaultName: String { label ?? Self.kind.lowercased() }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let collected = unedited ? context.uneditedRows : rows
        if let columns = context.fixedSubspace {
            let parts = columns.map { collected.columns($0..<$0 + 1) }
            context.usesSubspace = true
            context.collect(parts.count == 1 ? parts[0] : context.builder.results(.concatenateColumns, parts)[0])
        } else {
            context.collect(context.inSubspace(collected))
        }
        return rows
    }

    private enum CodingKeys: String, CodingKey { case label, unedited }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        label = try container.decodeIfPresent(String.self, forKey: .label)
        unedited = try container.decodeIfPresent(Bool.self, forKey: .unedited) ?? false
    }
}
