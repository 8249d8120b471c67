/// All that decides which other edits of the same value a hook's edit meets: two with the same footprint meet the same.
struct EditFootprint: Hashable {
    private let positions: Positions.Expression
    /// The columns of one head; nil for all.
    private let columns: Range<Int>?
    /// The columns that a fixed subspace chooses among those; nil for all, and where it chooses something else.
    private let coordinates: [Int]?
    private let shelf: Int?
    private let branches: [ParallelBranch]

    init(_ hook: Hook) {
        positions = hook.positions.expression
        columns = hook.columns
        shelf = hook.shelf?.number
        branches = hook.branches
        if case .fixed(let chosen, _)? = hook.subspace, hook.intervention.coordinates(at: hook.shape) == .columns {
            coordinates = chosen
        } else {
            coordinates = nil
        }
    }

    /// Whether it depends on the batch that both edit a common row; nil where they never do.
    func dependsOnBatch(with other: EditFootprint) -> Bool? {
        // Neither member of an average sees the other's edit.
        if branches.isParallel(to: other.branches) { return nil }
        // No sequence has adapters of two shelves.
        if let shelf, let others = other.shelf, shelf != others { return nil }
        if let columns, let others = other.columns, !columns.overlaps(others) { return nil }
        if columns == other.columns, let coordinates, let others = other.coordinates,
            Set(coordinates).isDisjoint(with: others)
        {
            return nil
        }
        guard let isSure = positions.overlaps(other.positions) else { return true }
        return isSure ? false : nil
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
