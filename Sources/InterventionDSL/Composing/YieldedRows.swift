/// Under ``OverlapPolicy/priority``, the rows that each hook leaves to hooks of higher priority.
///
/// A hook at positions p that yields to one whose declaration means q is bound at p − q, so that rows are decided for
/// each sequence of each batch, and everything that knows positions knows these too.
struct YieldedRows {
    private struct Place: Hashable {
        var declaration: String
        var shape: SiteShape
    }
    /// Two declarations by their numbers.
    private struct Side: Hashable {
        var loser: Int
        var winner: Int
    }
    private struct Winner {
        var hook: Hook
        /// All that its declaration means at the place: the sides of a union share short prompts.
        var expression: Positions.Expression
    }
    private var winners: [Place: [Winner]] = [:]
    /// Who yields to whom.
    private(set) var notes: [ProgramProblem] = []

    init() {}

    var isEmpty: Bool { winners.isEmpty }

    init(_ overlaps: HookOverlaps) {
        let hooks = overlaps.hooks
        var sides: [Side: [(loser: Int, winner: Int)]] = [:]
        var order: [Side] = []
        for pair in overlaps.pairs {
            let laterWins = hooks[pair.later].priority >= hooks[pair.earlier].priority
            let (loser, winner) = laterWins ? (pair.earlier, pair.later) : (pair.later, pair.earlier)
            let side = Side(loser: overlaps.declarations[loser], winner: overlaps.declarations[winner])
            if sides[side] == nil {
                order.append(side)
                notes.append(
                    hooks[loser].problem(.yields(site: "\(hooks[loser].shape)", other: hooks[winner].title)))
            }
            sides[side, default: []].append((loser, winner))
        }
        for side in order {
            var known: [Place: Set<Positions.Expression>] = [:]
            for (loser, winner) in sides[side] ?? [] {
                let place = Place(declaration: hooks[loser].name, shape: hooks[loser].shape)
                let expression = hooks[winner].declared.expression
                guard known[place, default: []].insert(expression).inserted else { continue }
                winners[place, default: []].append(Winner(hook: hooks[winner], expression: expression))
            }
        }
    }

    /// What is left of a hook's positions; nil where nothing is.
    func rows(of part: PositionsPart, _ declaration: String, _ shape: SiteShape) -> PositionsPart? {
        guard let winners = winners[Place(declaration: declaration, shape: shape)] else { return part }
        var expression = part.expression
        for winner in winners {
            if part.expression.isWithin(winner.expression) { return nil }
            expression = .excluding(expression, winner.expression)
        }
        return PositionsPart(expression, limits: part.limits)
    }

    /// The declarations that are left without any row at any place.
    func silenced(of all: [Hook], leaving hooks: [Hook]) -> [ProgramProblem] {
        let remaining = Set(hooks.map(\.name))
        var reported: Set<String> = []
        return all.compactMap { hook in
            guard !remaining.contains(hook.name), reported.insert(hook.name).inserted else { return nil }
            let others = winners[Place(declaration: hook.name, shape: hook.shape)] ?? []
            let names = others.map(\.hook.title).joined(separator: ", ")
            return hook.problem(.neverFires(reason: "all of its rows go to \(names), by the priority of overlaps"))
        }
    }
}

extension Positions.Expression {
    /// Whether every row of this is surely a row of the other.
    fileprivate func isWithin(_ other: Positions.Expression) -> Bool {
        if self == other || other == .all { return true }
        switch (self, other) {
        case (_, .union(let operands)): return operands.contains { isWithin($0) }
        case (.union(let operands), _): return operands.allSatisfy { $0.isWithin(other) }
        case (.excluding(let left, _), _): return left.isWithin(other)
        case (_, .prompt): return !reachesGeneratedRows
        case (.first(let own, let span), .first(let count, let others)),
            (.last(let own, let span), .last(let count, let others)):
            return span == others && own <= count
        default: return false
        }
    }
}
