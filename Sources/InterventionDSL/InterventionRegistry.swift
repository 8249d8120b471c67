/// The intervention types that program files may name.
///
/// ```swift
/// let registry = .general + .reft + [GatedShift.self]
/// let program = try Program(json: data, registry: registry)
/// ```
public struct InterventionRegistry: Sendable, ExpressibleByArrayLiteral {
    private var types: [String: any Intervention.Type]
    /// Closures by the names that files use.
    var edits: [String: Edit] = [:]

    /// A registry of these types; of several with the same kind the last counts.
    public init(_ types: [any Intervention.Type]) {
        self.types = Dictionary(types.map { ($0.kind, $0) }) { $1 }
    }

    public init(arrayLiteral elements: any Intervention.Type...) { self.init(elements) }

    /// The types of this module.
    public static let general = InterventionRegistry([
        Add.self, AddSource.self, Clamp.self, Collect.self, Edit.self, Interchange.self, MeanAblation.self, Noise.self,
        ResampleAblation.self, Scale.self, Skip.self, Steer.self, SubtractSource.self, Zero.self,
    ])

    /// Both; of two types with the same kind the right one counts.
    public static func + (left: InterventionRegistry, right: InterventionRegistry) -> InterventionRegistry {
        var joined = left
        joined.types.merge(right.types) { $1 }
        joined.edits.merge(right.edits) { $1 }
        return joined
    }

    /// The names, sorted.
    public var kinds: [String] { types.keys.sorted() }

    /// The type of a name.
    public subscript(kind: String) -> (any Intervention.Type)? { types[kind] }

    /// Under which a decoder is told its registry.
    static let userInfoKey = "swift-reft.interventions"
}
