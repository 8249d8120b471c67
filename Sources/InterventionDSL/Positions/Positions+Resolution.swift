import Graph

/// What is known of one sequence of a batch when positions are turned into rows.
public struct SequenceContext: Sendable {
    /// The place of the sequence in the batch, for messages; in a source run that of the sequence which reads it.
    public var index: Int
    /// The run that it is a sequence of, for messages.
    public var run = Program.baseName
    /// How many tokens the prompt has.
    public var promptLength: Int
    /// How many tokens there are, prompt and answer. In generation: so far, the live ones included.
    public var length: Int
    /// The rows of the sequence that the batch computes; the others lie in a key/value store.
    public var live: Range<Int>
    /// The token ids, where positions by token are used.
    public var tokens: [Int]?
    /// Lists of rows by name.
    public var fields: [String: [Int]]
    /// How many keys a query of the sequence sees or could see: all of its rows unless said otherwise, stored ones
    /// included; under cross attention the rows of the other run's sequence.
    public var keyCounts: [RowSpace: Int] = [:]
    /// Whether tokens may still be appended: a position that does not exist yet is then no error.
    public var isGrowing: Bool
    /// Where the sequence's adapter lies in a bank; nil for none.
    public var place: BankPlace?
    /// What the example chooses of declarations' subspaces, by their names.
    public var subspaces: [String: SubspaceChoice] = [:]
    /// Finds the rows whose text matches a pattern; given by whoever has the tokenizer.
    public var matching: (@Sendable (_ pattern: TokenPattern, _ tokens: [Int]) -> [Int])?

    /// A sequence; the prompt is all of it and all of it is live unless said otherwise.
    public init(
        index: Int = 0, promptLength: Int? = nil, length: Int, live: Range<Int>? = nil, tokens: [Int]? = nil,
        fields: [String: [Int]] = [:], isGrowing: Bool = false,
        matching: (@Sendable (_ pattern: TokenPattern, _ tokens: [Int]) -> [Int])? = nil
    ) {
        let length = max(length, 0)
        self.index = index
        self.promptLength = min(max(promptLength ?? length, 0), length)
        self.length = length
        self.live = (live ?? 0..<length).clamped(to: 0..<length)
        self.tokens = tokens
        self.fields = fields
        self.isGrowing = isGrowing
        self.matching = matching
    }
}

extension Positions {
    /// The live rows of a sequence that these positions mean, counted from the start of the sequence, ascending, each once.
    ///
    /// `first(n)` and `last(m)` of one union share a span of length L that is too short for both:
    ///
    ///     first = min(n, max(⌊L/2⌋, L − m)),  last = min(m, L − first)
    ///
    /// so that they never overlap, cover the span, and a last row exists if any does.
    /// Explicit positions outside their span are errors.
    public func rows(in sequence: SequenceContext) throws(InterventionError) -> [Int] {
        try PositionsPart(expression, limits: EndLimits(expression)).rows(in: sequence)
    }
}

/// How many rows the ends of a union want, which decides how they shrink on short sequences.
struct EndLimits: Hashable, Sendable {
    var first: [Positions.Span: Int] = [:]
    var last: [Positions.Span: Int] = [:]

    init(_ expression: Positions.Expression) { add(expression) }

    private mutating func add(_ expression: Positions.Expression) {
        switch expression {
        case .first(let count, let span): first[span] = max(first[span] ?? 0, count)
        case .last(let count, let span): last[span] = max(last[span] ?? 0, count)
        case .union(let operands): for operand in operands { add(operand) }
        case .excluding(let left, _): add(left)
        default: break
        }
    }

    /// How many rows the larger first and the larger last of a span may take of `length`.
    func shares(of length: Int, _ span: Positions.Span) -> (first: Int, last: Int) {
        let (wantedFirst, wantedLast) = (first[span] ?? 0, last[span] ?? 0)
        let first = min(wantedFirst, max(length / 2, length - wantedLast))
        return (first, min(wantedLast, length - first))
    }
}

extension PositionsPart {
    /// The live rows of a sequence that this part means, ascending, each once. See ``Positions/rows(in:)``.
    public func rows(in sequence: SequenceContext) throws(InterventionError) -> [Int] {
        holds(sequence) ? try evaluate(expression, limits, in: sequence) : []
    }

    /// The rows of a sequence in the order in which they are listed, where the part is one list of positions; else
    /// ascending. Rows that are read for an edit are paired with the edited ones in this order.
    public func listedRows(in sequence: SequenceContext) throws(InterventionError) -> [Int] {
        guard holds(sequence) else { return [] }
        let whole = sequence.withAllLive
        switch expression {
        case .indices(let positions, let span):
            var found: [Int] = []
            for position in positions { if let row = try whole.row(position, span) { found.append(row) } }
            return found
        case .field(let name): return try whole.rows(ofField: name)
        default: return try rows(in: whole)
        }
    }

    private func evaluate(
        _ expression: Positions.Expression, _ limits: EndLimits, in sequence: SequenceContext
    ) throws(InterventionError) -> [Int] {
        let live = sequence.live
        func rows(_ range: Range<Int>) -> [Int] { Array(range.clamped(to: live)) }
        func sorted(_ rows: [Int]) -> [Int] { Set(rows.filter(live.contains)).sorted() }
        switch expression {
        case .all: return rows(0..<sequence.length)
        case .prompt: return rows(0..<sequence.promptLength)
        case .generated: return rows(sequence.promptLength..<sequence.length)
        case .first(let count, let span):
            return rows(0..<max(0, min(count, limits.shares(of: sequence.length(span), span).first)))
        case .last(let count, let span):
            let length = sequence.length(span)
            return rows(length - max(0, min(count, limits.shares(of: length, span).last))..<length)
        case .indices(let positions, let span):
            var found: [Int] = []
            for position in positions { if let row = try sequence.row(position, span) { found.append(row) } }
            return sorted(found)
        case .range(let first, let last, let span):
            guard let start = try sequence.row(first, span) else { return [] }
            // An end that is still to come is open; one that counts back to before the first row is not there.
            guard let end = try sequence.row(last, span) ?? (last < 0 ? nil : sequence.length - 1) else { return [] }
            return end < start ? [] : rows(start..<end + 1)
        case .field(let name):
            return sorted(try sequence.rows(ofField: name))
        case .tokens(let ids, let span):
            let tokens = try sequence.tokens(for: expression)
            return sorted((0..<sequence.length(span)).filter { ids.contains(tokens[$0]) })
        case .matching(let pattern, let span):
            return sorted(try sequence.rows(matching: pattern, span, for: expression))
        case .steps(let steps):
            return rows(sequence.promptLength..<sequence.length).filter { steps.contains($0 - sequence.promptLength) }
        case .union(let operands):
            var found: [Int] = []
            for operand in operands { found += try evaluate(operand, limits, in: sequence) }
            return sorted(found)
        case .excluding(let left, let right):
            let excluded = Set(try evaluate(right, EndLimits(right), in: sequence))
            return try evaluate(left, limits, in: sequence).filter { !excluded.contains($0) }
        }
    }
}

extension SequenceContext {
    func length(_ span: Positions.Span) -> Int { span == .prompt ? promptLength : length }

    /// The row of an explicit position; nil if it may still come into being.
    func row(_ position: Int, _ span: Positions.Span) throws(InterventionError) -> Int? {
        let length = length(span)
        let row = position < 0 ? length + position : position
        if (0..<length).contains(row) { return row }
        if span == .sequence {
            if isGrowing { return nil }
            throw .outsideSequence(sequence: index, position: position, length: length, run: run)
        }
        throw .outsidePrompt(sequence: index, position: position, length: length, run: run)
    }

    func rows(ofField name: String) throws(InterventionError) -> [Int] {
        guard let list = fields[name] else {
            throw .missingField(name: name, sequence: index, known: fields.keys.sorted(), run: run)
        }
        var found: [Int] = []
        for position in list {
            if let row = try row(position, position < 0 ? .prompt : .sequence) { found.append(row) }
        }
        return found
    }

    func tokens(for expression: Positions.Expression) throws(InterventionError) -> [Int] {
        guard let tokens, tokens.count >= length else {
            throw .missingTokens(positions: "\(expression)", sequence: index, needs: "token ids", run: run)
        }
        return tokens
    }

    /// The rows whose text matches a pattern. A row after the prompt is judged by the tokens up to it, as in the decode
    /// step that computes it, so that training, evaluation and generation mean the same.
    func rows(
        matching pattern: TokenPattern, _ span: Positions.Span, for expression: Positions.Expression
    ) throws(InterventionError) -> [Int] {
        let tokens = try tokens(for: expression)
        guard let matching else {
            throw .missingTokens(positions: "\(expression)", sequence: index, needs: "a tokenizer", run: run)
        }
        var found =
            live.lowerBound < promptLength
            ? matching(pattern, Array(tokens[..<promptLength])).filter { (0..<promptLength).contains($0) } : []
        guard span == .sequence else { return found }
        for row in live.clamped(to: promptLength..<length) where matching(pattern, Array(tokens[...row])).contains(row)
        {
            found.append(row)
        }
        return found
    }
}
