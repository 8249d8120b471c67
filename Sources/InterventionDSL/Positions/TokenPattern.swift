/// What the text of tokens must be for their rows to be meant.
///
/// The text is that of all tokens of the prompt, or of the sequence so far, joined; a row is meant if its token's text
/// overlaps an occurrence.
public enum TokenPattern: Hashable, Sendable {
    /// This text, compared byte by byte.
    case text(String)
    /// A regular expression in Swift's syntax; empty matches do not count.
    case expression(String)

    /// A regular expression in which `\/` is written `/`, which means the same.
    static func normalised(expression: String) -> TokenPattern {
        var result = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in expression.unicodeScalars {
            if isEscaped {
                if scalar != "/" { result.append("\\") }
                result.append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                result.append(scalar)
            }
        }
        if isEscaped { result.append("\\") }
        return .expression(String(result))
    }

    /// Why the pattern means nothing, or nil.
    var problem: InterventionError? {
        guard case .expression(let expression) = self else { return nil }
        do {
            _ = try Regex(expression)
            return nil
        } catch {
            return .expression(pattern: expression, reason: "\(error)")
        }
    }
}

extension TokenPattern: CustomStringConvertible {
    /// `"cat"`, `/[0-9]+/`.
    public var description: String {
        switch self {
        case .text(let text):
            return "\"" + text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
        case .expression(let expression):
            return "/" + expression.unicodeScalars.map { $0 == "/" ? "\\/" : "\($0)" }.joined() + "/"
        }
    }
}

extension Positions {
    /// The rows of the prompt whose text matches a regular expression in Swift's syntax.
    ///
    /// A `String`, because `Regex` can not be stored. An expression that can not be read is refused when the program is
    /// bound.
    public static func tokens(expression: String) -> Positions {
        Positions(.matching(.normalised(expression: expression), .prompt))
    }

    /// The patterns that can not be read, and the fields that can not be called so.
    var textProblems: [InterventionError] {
        expression.patterns.compactMap(\.problem)
            + expression.fields.compactMap { name in
                name.nameProblem.map { .unusableName(what: "the name of a field of positions", problem: $0) }
            }
    }
}

extension SequencePositions {
    /// The rows whose text matches a regular expression in Swift's syntax. A generated row is judged by what had been
    /// generated up to it.
    public func tokens(expression: String) -> Positions {
        Positions(.matching(.normalised(expression: expression), .sequence))
    }
}

extension Positions.Expression {
    fileprivate var fields: [String] {
        switch self {
        case .field(let name): [name]
        case .union(let operands): operands.flatMap(\.fields)
        case .excluding(let left, let right): left.fields + right.fields
        default: []
        }
    }

    fileprivate var patterns: [TokenPattern] {
        switch self {
        case .matching(let pattern, _): [pattern]
        case .union(let operands): operands.flatMap(\.patterns)
        case .excluding(let left, let right): left.patterns + right.patterns
        default: []
        }
    }
}
