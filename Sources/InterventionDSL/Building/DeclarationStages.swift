/// An intervention with a name, a scale or ties, but neither place nor positions.
public struct DraftDeclaration: Sendable {
    public var draft: DeclarationDraft
}

/// An intervention that says where, but not which positions.
public struct PlacedDeclaration: Sendable {
    public var draft: DeclarationDraft
    let place: Place
    let location: SourceLocation
}

/// An intervention that says which positions, but not where.
public struct PositionedDeclaration: Sendable {
    public var draft: DeclarationDraft
    let positions: Positions
    let location: SourceLocation
}

/// What every stage of a declaration may already know.
public struct DeclarationDraft: Sendable {
    let intervention: any Intervention
    var name: String?
    var scale = 1.0
    var ties: Set<TieAxis> = []
    var shares: String?
    var subspace: Subspace?
    var priority = 0

    init(_ intervention: any Intervention) { self.intervention = intervention }

    func declared(on place: Place, at positions: Positions, _ location: SourceLocation) -> Declaration {
        Declaration(
            intervention, on: place, at: positions, name: name, scale: scale, ties: ties, shares: shares,
            subspace: subspace, priority: priority, location: location)
    }
}

/// What an intervention's parameters can be shared across.
public enum TieAxis: String, Hashable, Sendable, Codable, CaseIterable {
    /// One set for all sides of a union of positions.
    case positions
    /// One set for all layers.
    case layers
    /// One set for all heads.
    case heads
}

/// A stage that can take a name, a scale and ties.
public protocol DeclarationStage {
    var draft: DeclarationDraft { get set }
}

extension DeclarationStage {
    /// The same under a name, which its parameters carry.
    public func named(_ name: String) -> Self { changing { $0.name = name } }

    /// The same with the edit scaled: h + factor · (edit(h) − h).
    public func scaled(_ factor: Double) -> Self { changing { $0.scale *= factor } }

    /// The same with one set of parameters across positions, layers or heads.
    public func tied(across axis: TieAxis, _ more: TieAxis...) -> Self {
        changing { $0.ties.formUnion([axis] + more) }
    }

    /// The same with the parameters of another declaration, by its name: those at the same layer, head and side of the
    /// positions, or its only ones.
    public func sharing(_ name: String) -> Self { changing { $0.shares = name } }

    /// The same with a say in who takes rows that several declarations mean, under ``OverlapPolicy/priority``: the
    /// higher number, of equal ones the later declaration. 0 unless given.
    public func priority(_ priority: Int) -> Self { changing { $0.priority = priority } }

    @available(*, unavailable, message: "say what is shared: .tied(across: .positions), or .layers, or both")
    public func tied() -> Self { self }

    private func changing(_ change: (inout DeclarationDraft) -> Void) -> Self {
        var copy = self
        change(&copy.draft)
        return copy
    }
}

extension DraftDeclaration: DeclarationStage {}
extension PlacedDeclaration: DeclarationStage {}
extension PositionedDeclaration: DeclarationStage {}

extension Intervention {
    /// The intervention under a name, which its parameters carry.
    public func named(_ name: String) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).named(name)
    }

    /// The intervention with the edit scaled: h + factor · (edit(h) − h).
    public func scaled(_ factor: Double) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).scaled(factor)
    }

    /// The intervention with one set of parameters across positions, layers or heads.
    public func tied(across axis: TieAxis, _ more: TieAxis...) -> DraftDeclaration {
        var draft = DeclarationDraft(self)
        draft.ties.formUnion([axis] + more)
        return DraftDeclaration(draft: draft)
    }

    /// The intervention with the parameters of another declaration, by its name.
    public func sharing(_ name: String) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).sharing(name)
    }

    /// The intervention with a say in who takes rows that several declarations mean.
    public func priority(_ priority: Int) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).priority(priority)
    }

    @available(*, unavailable, message: "say what is shared: .tied(across: .positions), or .layers, or both")
    public func tied() -> DraftDeclaration { DraftDeclaration(draft: DeclarationDraft(self)) }
}

// MARK: - From stage to stage

/// A stage that has no place yet; the `on` modifiers give it one.
public protocol NeedsPlace {
    associatedtype WithPlace
    /// The next stage.
    func placed(on place: Place, at location: SourceLocation) -> WithPlace
}

/// A stage that has no positions yet; the `at` modifiers give it some.
public protocol NeedsPositions {
    associatedtype WithPositions
    /// The next stage.
    func positioned(at positions: Positions, at location: SourceLocation) -> WithPositions
}

extension Intervention {
    public func placed(on place: Place, at location: SourceLocation) -> PlacedDeclaration {
        PlacedDeclaration(draft: DeclarationDraft(self), place: place, location: location)
    }

    public func positioned(at positions: Positions, at location: SourceLocation) -> PositionedDeclaration {
        PositionedDeclaration(draft: DeclarationDraft(self), positions: positions, location: location)
    }
}

extension DraftDeclaration: NeedsPlace, NeedsPositions {
    public func placed(on place: Place, at location: SourceLocation) -> PlacedDeclaration {
        PlacedDeclaration(draft: draft, place: place, location: location)
    }

    public func positioned(at positions: Positions, at location: SourceLocation) -> PositionedDeclaration {
        PositionedDeclaration(draft: draft, positions: positions, location: location)
    }
}

extension PlacedDeclaration: NeedsPositions {
    public func positioned(at positions: Positions, at location: SourceLocation) -> Declaration {
        draft.declared(on: place, at: positions, self.location)
    }
}

extension PositionedDeclaration: NeedsPlace {
    public func placed(on place: Place, at location: SourceLocation) -> Declaration {
        draft.declared(on: place, at: positions, self.location)
    }
}
