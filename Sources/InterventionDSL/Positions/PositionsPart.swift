/// One side of a union of positions, with parameters of its own, or all of it where it is tied.
///
/// It remembers how many rows the other sides want, because they share short prompts.
public struct PositionsPart: Hashable, Sendable, CustomStringConvertible {
    let expression: Positions.Expression
    let limits: EndLimits
    /// Only rows of sequences whose adapter lies on this shelf of a bank; nil for all sequences.
    var shelf: Int?

    init(_ expression: Positions.Expression, limits: EndLimits) {
        self.expression = expression
        self.limits = limits
    }

    /// The same rows, of sequences whose adapter lies on a shelf of a bank.
    func restricted(to shelf: Int) -> PositionsPart {
        var restricted = self
        restricted.shelf = shelf
        return restricted
    }

    /// The positions of this part alone.
    public var positions: Positions { Positions(expression) }

    /// The text form, `f7`.
    public var description: String { expression.description }

    /// Whether it is every row, so that nothing needs to be gathered.
    public var isAll: Bool { expression == .all && shelf == nil }

    /// Whether it is every row after the prompt, of the sequences that it holds for at all.
    public var meansEachGeneratedRow: Bool { expression == .all || expression == .generated }

    /// Why no sequence can have such a row, or nil if one can.
    var emptiness: String? { expression.emptiness }

    /// How many rows of a sequence it can mean, where that is known without one.
    var rowCounts: ClosedRange<Int>? { expression.rowCounts }

    /// Whether rows after the prompt may be meant. If not, a decode step can leave the part out.
    public var reachesGeneratedRows: Bool { expression.reachesGeneratedRows }
}

extension Positions {
    /// All of it as one part.
    public var whole: PositionsPart { PositionsPart(expression, limits: EndLimits(expression)) }

    /// The sides of the union; a single part where there is no union.
    public var parts: [PositionsPart] {
        let limits = EndLimits(expression)
        return expression.sides.map { PositionsPart($0, limits: limits) }
    }

    /// Whether rows after the prompt may be meant.
    public var reachesGeneratedRows: Bool { expression.reachesGeneratedRows }
}

extension Positions.Expression {
    /// (a + b) − c has the sides a − c and b − c.
    var sides: [Positions.Expression] {
        switch self {
        case .union(let operands): operands.flatMap(\.sides)
        case .excluding(let left, let right): left.sides.map { .excluding($0, right) }
        default: [self]
        }
    }

    var emptiness: String? {
        switch self {
        case .first(let count, _) where count <= 0, .last(let count, _) where count <= 0:
            "positions '\(self)' name \(count) rows"
        case .indices(let positions, _) where positions.isEmpty: "its positions are an empty list"
        case .tokens(let ids, _) where ids.isEmpty: "its list of tokens is empty"
        case .matching(.text(""), _): "the text that its tokens are to match is empty"
        case .matching(.expression(""), _): "the regular expression that its tokens are to match is empty"
        case .steps(let steps): steps.emptiness
        case .range(let first, let last, _) where last < first && (first < 0) == (last < 0):
            "the positions \(first) through \(last) run backwards"
        case .union(let operands):
            operands.allSatisfy { $0.emptiness != nil } ? operands.first?.emptiness : nil
        case .excluding(let left, let right):
            left.emptiness
                ?? (left == right || right == .all ? "positions '\(self)' exclude all of their own rows" : nil)
        default: nil
        }
    }

    /// More rows than a sequence has.
    private static let manyRows = 1 << 40

    var rowCounts: ClosedRange<Int>? {
        switch self {
        case .first(let count, _), .last(let count, _): return 0...min(max(count, 0), Self.manyRows)
        case .indices(let positions, _):
            let distinct = Set(positions).count
            // Of `3,-1` both may be one row.
            let sameSign = positions.allSatisfy { $0 >= 0 } || positions.allSatisfy { $0 < 0 }
            return (sameSign ? distinct : min(distinct, 1))...distinct
        case .range(let first, let last, _) where (first < 0) == (last < 0):
            let count = max(0, min(last - first, Self.manyRows) + 1)
            return count...count
        case .union(let operands):
            var counts = 0...0
            for operand in operands {
                guard let own = operand.rowCounts else { return nil }
                // Sides may meet, so that the larger one is the least.
                let most = min(counts.upperBound + own.upperBound, Self.manyRows)
                counts = min(most, max(counts.lowerBound, own.lowerBound))...most
            }
            return counts
        default: return nil
        }
    }

    var reachesGeneratedRows: Bool {
        switch self {
        case .all, .generated, .steps, .field: true
        case .prompt: false
        case .first(_, let span), .last(_, let span), .indices(_, let span), .range(_, _, let span),
            .tokens(_, let span), .matching(_, let span):
            span == .sequence
        case .union(let operands): operands.contains(where: \.reachesGeneratedRows)
        case .excluding(let left, let right):
            right != .generated && right != .all && left.reachesGeneratedRows
        }
    }

    /// From a position counted from the end through one counted from the start: nothing in a long sequence.
    private var existsInShortSequencesOnly: Bool {
        switch self {
        case .range(let first, let last, _): first < 0 && last >= 0
        case .union(let operands): operands.allSatisfy(\.existsInShortSequencesOnly)
        case .excluding(let left, _): left.existsInShortSequencesOnly
        default: false
        }
    }

    /// Whether two expressions mean a common row in every sequence that is long enough (true), in none (false),
    /// or that depends on the batch (nil).
    func overlaps(_ other: Positions.Expression) -> Bool? {
        switch (self, other) {
        case _ where self == other: return true
        case (.prompt, .generated), (.generated, .prompt), (.prompt, .steps), (.steps, .prompt): return false
        case (.all, _), (_, .all):
            guard emptiness == nil, other.emptiness == nil else { return false }
            return existsInShortSequencesOnly || other.existsInShortSequencesOnly ? nil : true
        case (.first(let count, let left), .first(let second, let right)),
            (.last(let count, let left), .last(let second, let right)):
            return count <= 0 || second <= 0 ? false : (left == right ? true : nil)
        case (.union(let operands), _):
            let answers = operands.map { $0.overlaps(other) }
            return answers.contains(true) ? true : (answers.allSatisfy { $0 == false } ? false : nil)
        case (_, .union): return other.overlaps(self)
        case (.steps(let left), .steps(let right)): return left.meets(right)
        case (.steps(let steps), .generated), (.generated, .steps(let steps)): return steps.emptiness == nil
        case (.prompt, _) where !other.reachesGeneratedRows, (_, .prompt) where !reachesGeneratedRows:
            guard emptiness == nil, other.emptiness == nil else { return false }
            return existsInShortSequencesOnly || other.existsInShortSequencesOnly ? nil : true
        case (.generated, _) where !other.reachesGeneratedRows: return false
        case (_, .generated) where !reachesGeneratedRows: return false
        case (.steps, _) where !other.reachesGeneratedRows: return false
        case (_, .steps) where !reachesGeneratedRows: return false
        case (.indices(let left, let span), .indices(let right, let otherSpan)) where span == otherSpan:
            if !Set(left).isDisjoint(with: right) { return true }
            let sameSign = (left + right).allSatisfy { $0 >= 0 } || (left + right).allSatisfy { $0 < 0 }
            return sameSign ? false : nil
        case (.indices(let list, let span), .first(let count, let other)) where span == other,
            (.first(let count, let other), .indices(let list, let span)) where span == other:
            return list.contains { (0..<max(count, 0)).contains($0) } ? true : nil
        case (.indices(let list, let span), .last(let count, let other)) where span == other,
            (.last(let count, let other), .indices(let list, let span)) where span == other:
            return list.contains { (-max(count, 0)..<0).contains($0) } ? true : nil
        default: return nil
        }
    }
}
