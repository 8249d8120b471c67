/// An intervention with its place and positions.
///
/// ```swift
/// LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last).named("politeness")
/// ```
/// Two declarations are equal if they mean the same; where they were written does not count.
public struct Declaration: Sendable {
    public var intervention: any Intervention
    public var place: Place
    public var positions: Positions
    /// Nil for the intervention's own name, made unique within the program.
    public var name: String?
    /// The factor of the edit: h + scale · (edit(h) − h).
    public var scale: Double
    /// What one set of parameters is shared across.
    public var ties: Set<TieAxis>
    /// The declaration whose parameters it uses instead of some of its own; nil for its own.
    public var shares: String?
    /// The coordinates that the edit acts in; nil for all.
    public var subspace: Subspace?
    /// Under ``OverlapPolicy/priority``, who takes rows that several mean: the higher number.
    public var priority: Int
    /// The averages that it is a member of, outermost first.
    public internal(set) var branches: [ParallelBranch] = []
    public var location: SourceLocation

    public init(
        _ intervention: any Intervention, on place: Place, at positions: Positions, name: String? = nil,
        scale: Double = 1, ties: Set<TieAxis> = [], shares: String? = nil, subspace: Subspace? = nil, priority: Int = 0,
        location: SourceLocation = .unknown
    ) {
        self.intervention = intervention
        self.place = place
        self.positions = positions
        self.name = name
        self.scale = scale
        self.ties = ties
        self.shares = shares
        self.subspace = subspace
        self.priority = priority
        self.location = location
    }
}

extension Declaration: Hashable {
    public static func == (left: Declaration, right: Declaration) -> Bool {
        left.intervention.equals(right.intervention) && left.place == right.place && left.positions == right.positions
            && left.name == right.name && left.scale == right.scale && left.ties == right.ties
            && left.subspace == right.subspace && left.shares == right.shares
            && left.priority == right.priority && left.branches == right.branches
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(AnyHashable(intervention))
        hasher.combine(place)
        hasher.combine(positions)
        hasher.combine(name)
        hasher.combine(scale)
        hasher.combine(ties)
        hasher.combine(shares)
        hasher.combine(subspace)
        hasher.combine(priority)
        hasher.combine(branches)
    }
}

extension Declaration: DeclarationStage {
    public var draft: DeclarationDraft {
        get {
            var draft = DeclarationDraft(intervention)
            draft.name = name
            draft.scale = scale
            draft.ties = ties
            draft.shares = shares
            draft.subspace = subspace
            draft.priority = priority
            return draft
        }
        set {
            name = newValue.name
            scale = newValue.scale
            ties = newValue.ties
            shares = newValue.shares
            subspace = newValue.subspace
            priority = newValue.priority
        }
    }
}
