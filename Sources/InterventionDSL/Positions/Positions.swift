/// Which rows of each sequence a declaration edits.
///
/// `first`, `last` and `at` count in the prompt, negative numbers from its end; the ``sequence`` variants count in
/// everything. `+` unites and `-` excludes.
///
/// ```swift
/// .at(.first(7) + .last(7))
/// .at(.all - .at(0))
/// .at(.sequence.last)
/// ```
/// What an expression gives on a sequence is defined by ``rows(in:)``. The text form is made of `all`, `prompt`,
/// `generated`, `generated/3`, `generated:2-5`, `f7`, `l7`, `3,-1`, `1-3`, `field:NAME`, `tokens:12,13`, `tokens:"text"`,
/// `tokens:/expression/` and `sequence:l1`, joined by `+` and `-` and grouped by parentheses.
public struct Positions: Hashable, Sendable {
    /// What is counted in.
    enum Span: Hashable, Sendable {
        case prompt
        case sequence
    }

    indirect enum Expression: Hashable, Sendable {
        case all
        case prompt
        case generated
        case first(Int, Span)
        case last(Int, Span)
        case indices([Int], Span)
        /// From one position through another, both included.
        case range(from: Int, through: Int, Span)
        case field(String)
        case tokens([Int], Span)
        case matching(TokenPattern, Span)
        case steps(GeneratedSteps)
        /// At least two, none of them a union.
        case union([Expression])
        case excluding(Expression, Expression)
    }

    let expression: Expression

    init(_ expression: Expression) { self.expression = expression }
}

// MARK: - In the prompt

extension Positions {
    /// Every row, those generated included.
    public static let all = Positions(.all)
    /// Every row of the prompt.
    public static let prompt = Positions(.prompt)
    /// The rows from the end of the prompt on: the answer in training, each new token in generation.
    public static let generated = Positions(.generated)
    /// The first row of the prompt.
    public static let first = Positions(.first(1, .prompt))
    /// The last row of the prompt.
    public static let last = Positions(.last(1, .prompt))

    /// The first `count` rows of the prompt, fewer if it is shorter.
    public static func first(_ count: Int) -> Positions { Positions(.first(count, .prompt)) }

    /// The last `count` rows of the prompt, fewer if it is shorter.
    public static func last(_ count: Int) -> Positions { Positions(.last(count, .prompt)) }

    /// These rows of the prompt; negative numbers count from its end. A row that does not exist is an error.
    public static func at(_ positions: Int...) -> Positions { Positions(.indices(positions, .prompt)) }

    /// These rows of the prompt; negative numbers count from its end. A row that does not exist is an error.
    public static func at(_ positions: [Int]) -> Positions { Positions(.indices(positions, .prompt)) }

    /// The rows of the prompt from one to another, both included; negative numbers count from its end.
    public static func rows(from first: Int, through last: Int) -> Positions {
        Positions(.range(from: first, through: last, .prompt))
    }

    /// The rows that the batch lists for each sequence under this name, counted in the sequence;
    /// negative numbers count from the end of the prompt.
    public static func field(_ name: String) -> Positions { Positions(.field(name)) }

    /// The rows of the prompt that hold one of these tokens.
    public static func tokens(_ ids: Int...) -> Positions { Positions(.tokens(ids, .prompt)) }

    /// The rows of the prompt whose text overlaps an occurrence of this text, compared byte by byte.
    public static func tokens(matching pattern: String) -> Positions { Positions(.matching(.text(pattern), .prompt)) }
}

// MARK: - In everything

extension Positions {
    /// Positions that count in the whole sequence instead of the prompt.
    public static let sequence = SequencePositions()
}

/// Positions that count in the whole sequence: prompt and answer. In generation that is what there is so far.
public struct SequencePositions: Hashable, Sendable {
    /// The first row.
    public var first: Positions { first(1) }
    /// The last row; in generation the newest.
    public var last: Positions { last(1) }
    /// The first `count` rows.
    public func first(_ count: Int) -> Positions { Positions(.first(count, .sequence)) }
    /// The last `count` rows; in generation the newest.
    public func last(_ count: Int) -> Positions { Positions(.last(count, .sequence)) }
    /// These rows; negative numbers count from the end.
    public func at(_ positions: Int...) -> Positions { Positions(.indices(positions, .sequence)) }
    /// The rows from one to another, both included; negative numbers count from the end.
    public func rows(from first: Int, through last: Int) -> Positions {
        Positions(.range(from: first, through: last, .sequence))
    }
    /// The rows that hold one of these tokens.
    public func tokens(_ ids: Int...) -> Positions { Positions(.tokens(ids, .sequence)) }
    /// The rows whose text overlaps an occurrence of this text. A generated row is judged by what had been generated up
    /// to it.
    public func tokens(matching pattern: String) -> Positions { Positions(.matching(.text(pattern), .sequence)) }
}

// MARK: - Algebra

extension Positions {
    /// Both. Unless tied across positions, each side has parameters of its own.
    public static func + (left: Positions, right: Positions) -> Positions {
        Positions(.union(left.operands + right.operands))
    }

    /// The left without the right.
    public static func - (left: Positions, right: Positions) -> Positions {
        Positions(.excluding(left.expression, right.expression))
    }

    /// The sides of a union, or the expression itself.
    var operands: [Expression] {
        if case .union(let operands) = expression { operands } else { [expression] }
    }
}
