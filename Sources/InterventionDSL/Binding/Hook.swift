import Graph

/// One application of a declaration: at one site or head, at one part of its positions.
public struct Hook: Sendable {
    /// The place of the declaration in its run, counted from 0.
    public var declarationIndex: Int
    /// The name of the declaration.
    public var name: String
    public var location: SourceLocation
    public var intervention: any Intervention
    public var shape: SiteShape
    /// The columns that are edited; nil for all.
    public var columns: Range<Int>?
    public var positions: PositionsPart
    /// All positions that the declaration means, of which the hook's are a part.
    public var declared: Positions
    /// The rows that are edited; nil for all.
    public var selection: Selection?
    /// The coordinates that are edited; nil for all.
    public var subspace: BoundSubspace?
    /// The factor of the edit.
    public var scale: Double
    /// Under ``OverlapPolicy/priority``, who takes rows that several mean: the higher number.
    public var priority = 0
    /// The averages that it is a member of, outermost first.
    public var branches: [ParallelBranch] = []
    /// Where its parameters lie, if they are those of a bank of adapters.
    public var shelf: BankShelf?
    /// The specifications of its parameters with their names in the store, in the intervention's order.
    public var parameters: [HookParameter]
    /// What it reads of runs; its constant sources are not among them.
    public var sources: [HookSource]
    /// How values that it collects are called.
    public var collectedName: String

    /// What an edit that reads rows of other sequences is given with each batch.
    var shuffle: RowShuffle {
        RowShuffle(
            name: "shuffle.\(collectedName).\(shape)", declaration: name, run: shape.site.run, selection: selection,
            rowSpace: shape.rowSpace)
    }

    /// The site that is edited.
    public var site: SiteID { shape.site }

    /// Whether it can edit rows that a decode step computes: those of the base run after the prompt.
    public var reachesGeneratedRows: Bool { site.run == Program.baseName && positions.reachesGeneratedRows }
}

/// A parameter of a hook.
public struct HookParameter: Hashable, Sendable {
    /// The name in the parameter store, `loreft.15.rotation`.
    public var fullName: String
    /// Shape, initialiser and constraint, under the name within the intervention.
    public var specification: ParameterSpecification
}

/// What a hook reads besides the rows it edits.
public struct HookSource: Hashable, Sendable {
    public var site: SiteID
    /// The columns of one head; nil for all.
    public var columns: Range<Int>?
    /// The rows; nil for all.
    public var selection: Selection?
}

/// A trained tensor of a bound program.
public struct BoundParameter: Hashable, Sendable {
    /// The name in the parameter store.
    public var name: String
    public var specification: ParameterSpecification
    /// The hooks that use it, by their place in ``HookGraph/hooks``; several where it is tied.
    public var hooks: [Int]
    /// The model's tensor that it stands for, where a weight is trained.
    public var weight: String?
    /// How many adapters have values for it, in a bank; nil for one value.
    public var capacity: Int?
}
