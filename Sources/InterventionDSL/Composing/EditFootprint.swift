import Graph

/// All that decides which other edits of the same value a hook's edit meets: two with the same footprint meet the same.
struct EditFootprint: Hashable {
    private let positions: Positions.Expression
    /// The columns of one head; nil for all.
    private let columns: Range<Int>?
    /// The coordinates that a subspace chooses; nil for all, and where they are no directions at right angles.
    private let coordinates: EditCoordinates?
    /// Whether its rows are selected, so that they can be compared on each batch.
    private let isSelected: Bool
    private let shelf: Int?
    private let branches: [ParallelBranch]

    init(_ hook: Hook) {
        positions = hook.positions.expression
        columns = hook.columns
        coordinates = EditCoordinates(hook)
        isSelected = hook.selection != nil
        shelf = hook.shelf?.number
        branches = hook.branches
    }

    /// Whether it depends on the batch that this and an earlier edit edit a common row; nil where they never do.
    func dependsOnBatch(with other: EditFootprint) -> Bool? {
        // Neither member of an average sees the other's edit.
        if branches.isParallel(to: other.branches) { return nil }
        // No sequence has adapters of two shelves.
        if let shelf, let others = other.shelf, shelf != others { return nil }
        if let columns, let others = other.columns, !columns.overlaps(others) { return nil }
        var areChosenWithBatch = false
        if columns == other.columns, let coordinates, let others = other.coordinates {
            switch coordinates.areDisjoint(from: others) {
            case true?: return nil
            case false?: break
            case nil: areChosenWithBatch = isSelected
            }
        }
        guard let isSure = positions.overlaps(other.positions) else { return true }
        return isSure ? areChosenWithBatch : nil
    }
}

/// The directions at right angles that an edit is restricted to: columns of the rows, or columns of a rotation, which
/// declarations that share their parameters have in common. Edits in disjoint ones of them write nothing of each other's.
struct EditCoordinates: Hashable, Sendable {
    /// The rotation's name in the parameter store; nil for the columns of the rows.
    private let rotation: String?
    private let chosen: Chosen

    private enum Chosen: Hashable, Sendable {
        case fixed([Int])
        case perExample(SubspaceMask)
    }

    /// Nil where a hook has no subspace, or one of other coordinates.
    init?(_ hook: Hook) {
        guard let subspace = hook.subspace else { return nil }
        switch hook.intervention.coordinates(at: hook.shape) {
        case .none: return nil
        case .columns: rotation = nil
        case .own(let count):
            let rotations = hook.parameters.filter {
                $0.specification.constraint == .orthonormalColumns && $0.specification.columns == count
            }
            guard rotations.count == 1 else { return nil }
            rotation = rotations[0].fullName
        }
        switch subspace {
        case .fixed(let coordinates, _): chosen = .fixed(coordinates)
        case .perExample(let mask): chosen = .perExample(mask)
        }
    }

    /// Whether no direction is common to both; nil where examples decide it.
    func areDisjoint(from other: EditCoordinates) -> Bool? {
        guard rotation == other.rotation else { return false }
        guard case .fixed(let own) = chosen, case .fixed(let others) = other.chosen else { return nil }
        return Set(own).isDisjoint(with: others)
    }

    /// Whether both act in a common direction of a sequence.
    func meet(_ other: EditCoordinates, in sequence: SequenceContext) throws(InterventionError) -> Bool {
        guard rotation == other.rotation else { return true }
        return Set(try coordinates(in: sequence)).isDisjoint(with: try other.coordinates(in: sequence)) == false
    }

    private func coordinates(in sequence: SequenceContext) throws(InterventionError) -> [Int] {
        switch chosen {
        case .fixed(let coordinates): coordinates
        case .perExample(let mask):
            try mask.coordinates(of: sequence.subspaces[mask.declaration], sequence: sequence.index, run: mask.run)
        }
    }
}

extension [ParallelBranch] {
    /// Whether the two are in different members of one average of a run.
    fileprivate func isParallel(to other: [ParallelBranch]) -> Bool {
        for (own, others) in zip(self, other) {
            if own.group != others.group { return false }
            if own.branch != others.branch { return true }
        }
        return false
    }
}
