import Graph

/// The pairs of hooks of different declarations that edit, or may edit, common rows of one value.
struct HookOverlaps {
    struct Pair {
        /// In the order in which they act.
        var earlier: Hook
        var later: Hook
        /// Whether a common row depends on the batch.
        var dependsOnBatch: Bool
    }
    let pairs: [Pair]

    /// A note or a problem for each two declarations that surely edit a common row.
    var sure: [ProgramProblem] {
        var reported: Set<String> = []
        return pairs.compactMap { pair in
            guard !pair.dependsOnBatch, reported.insert("\(pair.earlier.name) \(pair.later.name)").inserted else {
                return nil
            }
            return pair.later.problem(.overlap(site: "\(pair.later.shape)", other: pair.earlier.title))
        }
    }

    /// What each selection must be compared with on each batch, by the selection's name.
    var exclusive: [String: [ExclusiveRows]] {
        var found: [String: [ExclusiveRows]] = [:]
        for pair in pairs where pair.dependsOnBatch {
            // Positions that mean all rows overlap in any case: where it depends on the batch, rows are selected.
            guard let selection = pair.later.selection else { continue }
            let rows = ExclusiveRows(
                positions: pair.earlier.positions, site: "\(pair.later.shape)", owner: pair.later.title,
                other: pair.earlier.title)
            let known = found[selection.name, default: []]
            // The same two on many layers are compared once.
            if known.contains(where: { ($0.positions, $0.owner, $0.other) == (rows.positions, rows.owner, rows.other) })
            {
                continue
            }
            found[selection.name] = known + [rows]
        }
        return found
    }
}

extension [Hook] {
    /// Where two declarations edit, or may edit, a common row of the same value, one after the other.
    func overlaps(in graph: ComputationGraph) -> HookOverlaps {
        var pairs: [HookOverlaps.Pair] = []
        var earlier: [ValueID: [Hook]] = [:]
        let values = Dictionary(graph.sites.map { ($0.id, $0.value) }) { first, _ in first }
        for hook in self where !hook.intervention.onlyReads {
            guard let value = values[hook.site] else { continue }
            for other in earlier[value] ?? [] where other.name != hook.name && !hook.isParallel(to: other) {
                // No sequence has adapters of two shelves.
                if let shelf = hook.shelf, let others = other.shelf, shelf.number != others.number { continue }
                let sharesColumns =
                    other.columns.flatMap { left in hook.columns.map { left.overlaps($0) } } ?? true
                let sharesRows = hook.positions.expression.overlaps(other.positions.expression)
                guard sharesColumns, sharesRows != false, !hook.hasOtherColumns(than: other) else { continue }
                pairs.append(HookOverlaps.Pair(earlier: other, later: hook, dependsOnBatch: sharesRows == nil))
            }
            earlier[value, default: []].append(hook)
        }
        return HookOverlaps(pairs: pairs)
    }
}

extension Hook {
    /// `'loreft' (main.swift:3)`.
    var title: String { "'\(name)' (\(location))" }

    func problem(_ error: InterventionError) -> ProgramProblem {
        ProgramProblem(location: "\(location)", declaration: name, error: error)
    }
}
