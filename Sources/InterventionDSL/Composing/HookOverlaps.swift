import Graph

/// The hooks of different declarations that edit, or may edit, common rows of one value, one after the other.
///
/// Hooks of one value and one footprint are compared with others once, however many there are.
struct HookOverlaps {
    /// Two hooks by their places, in the order in which they act.
    struct Pair {
        var earlier: Int
        var later: Int
    }

    /// Hooks of one value with the same footprint.
    private struct Kind {
        var value: ValueID
        var footprint: EditFootprint
        var hooks: [Int] = []
    }

    /// A hook with the first `count` hooks of a kind, which act before it.
    private struct Meeting {
        var later: Int
        var kind: Int
        var count: Int
        /// Whether a common row depends on the batch.
        var dependsOnBatch: Bool
    }

    /// In the order in which they act.
    let hooks: [Hook]
    /// The number of the declaration of each hook; hooks of one name are of one declaration.
    let declarations: [Int]
    private let declarationCount: Int
    private var kinds: [Kind] = []
    private var meetings: [Meeting] = []

    init(of hooks: [Hook], in graph: ComputationGraph) {
        self.hooks = hooks
        var numbers: [String: Int] = [:]
        var declarations: [Int] = []
        for hook in hooks {
            let number = numbers[hook.name] ?? numbers.count
            numbers[hook.name] = number
            declarations.append(number)
        }
        self.declarations = declarations
        declarationCount = numbers.count
        let sites = graph.sitesByAddress()
        var known: [ValueID: [EditFootprint: Int]] = [:]
        var order: [ValueID: [Int]] = [:]
        for (index, hook) in hooks.enumerated() where !hook.intervention.onlyReads {
            guard let value = sites[hook.site]?.value else { continue }
            let footprint = EditFootprint(hook)
            for kind in order[value] ?? [] {
                guard let dependsOnBatch = footprint.dependsOnBatch(with: kinds[kind].footprint) else { continue }
                meetings.append(
                    Meeting(
                        later: index, kind: kind, count: kinds[kind].hooks.count, dependsOnBatch: dependsOnBatch))
            }
            let kind = known[value]?[footprint] ?? kinds.count
            if kind == kinds.count {
                kinds.append(Kind(value: value, footprint: footprint))
                known[value, default: [:]][footprint] = kind
                order[value, default: []].append(kind)
            }
            kinds[kind].hooks.append(index)
        }
    }

    /// Every two hooks of different declarations, by the later one, then by the earlier one.
    private func pairs(of meetings: [Meeting]) -> [Pair] {
        var pairs: [Pair] = []
        for meeting in meetings {
            for earlier in kinds[meeting.kind].hooks.prefix(meeting.count)
            where declarations[earlier] != declarations[meeting.later] {
                pairs.append(Pair(earlier: earlier, later: meeting.later))
            }
        }
        return pairs.sorted { ($0.later, $0.earlier) < ($1.later, $1.earlier) }
    }

    /// All pairs, whether or not they depend on the batch.
    var pairs: [Pair] { pairs(of: meetings) }
}

extension HookOverlaps {
    /// A declaration at a value.
    private struct Place: Hashable {
        var declaration: Int
        var value: ValueID
    }

    /// What is said of a declaration.
    private struct Finding: Hashable {
        var declaration: Int
        var nearest: Int
        var count: Int
    }

    /// A note or a problem for each declaration and value on the nearest earlier declaration that surely edits a common
    /// row, with the number of those before that one. The same at further values of a declaration is said once.
    var sure: [ProgramProblem] {
        var places: [Place] = []
        var found: [Place: [Meeting]] = [:]
        for meeting in meetings where !meeting.dependsOnBatch {
            let place = Place(declaration: declarations[meeting.later], value: kinds[meeting.kind].value)
            if found[place] == nil { places.append(place) }
            found[place, default: []].append(meeting)
        }
        var problems: [ProgramProblem] = []
        var said: Set<Finding> = []
        // For each declaration the last place at which it was counted.
        var counted = [Int](repeating: -1, count: declarationCount)
        for (number, place) in places.enumerated() {
            var finding = Finding(declaration: place.declaration, nearest: -1, count: 0)
            var nearest = -1
            var later = hooks.count
            for meeting in found[place] ?? [] {
                for hook in kinds[meeting.kind].hooks.prefix(meeting.count) {
                    let declaration = declarations[hook]
                    guard declaration != place.declaration, counted[declaration] != number else { continue }
                    counted[declaration] = number
                    finding.count += 1
                    later = min(later, meeting.later)
                    if hook > nearest { (nearest, finding.nearest) = (hook, declaration) }
                }
            }
            guard finding.count > 0, said.insert(finding).inserted else { continue }
            problems.append(
                hooks[later].problem(
                    .overlap(site: "\(hooks[later].shape)", other: hooks[nearest].title, more: finding.count - 1)))
        }
        return problems
    }

    /// What is compared with a selection on each batch.
    private struct Comparison: Hashable {
        var selection: String
        var positions: PositionsPart
        var declaration: Int
        var other: Int
        var coordinates: EditCoordinates?
        var otherCoordinates: EditCoordinates?
    }

    /// What each selection must be compared with on each batch, by the selection's name.
    var exclusive: [String: [ExclusiveRows]] {
        var found: [String: [ExclusiveRows]] = [:]
        var known: Set<Comparison> = []
        for pair in pairs(of: meetings.filter(\.dependsOnBatch)) {
            // Positions that mean all rows overlap in any case: where it depends on the batch, rows are selected.
            guard let selection = hooks[pair.later].selection?.name else { continue }
            let positions = hooks[pair.earlier].positions
            // Coordinates of different heads are different ones.
            let areOfOnePart = hooks[pair.later].columns == hooks[pair.earlier].columns
            let comparison = Comparison(
                selection: selection, positions: positions, declaration: declarations[pair.later],
                other: declarations[pair.earlier],
                coordinates: areOfOnePart ? EditCoordinates(hooks[pair.later]) : nil,
                otherCoordinates: areOfOnePart ? EditCoordinates(hooks[pair.earlier]) : nil)
            // The same two on many layers are compared once.
            guard known.insert(comparison).inserted else { continue }
            found[selection, default: []].append(
                ExclusiveRows(
                    positions: positions, site: "\(hooks[pair.later].shape)", owner: hooks[pair.later].title,
                    other: hooks[pair.earlier].title, coordinates: comparison.coordinates,
                    otherCoordinates: comparison.otherCoordinates))
        }
        return found
    }
}

extension Hook {
    /// `'loreft' (main.swift:3)`.
    var title: String { "'\(name)' (\(location))" }

    func problem(_ error: InterventionError) -> ProgramProblem {
        ProgramProblem(location: "\(location)", declaration: name, error: error)
    }
}
