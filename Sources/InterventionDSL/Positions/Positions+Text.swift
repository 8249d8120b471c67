extension Positions: CustomStringConvertible {
    /// The text form, which ``init(text:)`` reads back.
    public var description: String { expression.description }

    /// Reads the text form. Throws ``InterventionError/unreadable(what:given:part:allowed:)``.
    public init(text: String) throws(InterventionError) {
        var reader = PositionsReader(text)
        self.init(try reader.wholeExpression())
    }
}

extension Positions: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        try self.init(text: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Positions.Expression: CustomStringConvertible {
    var description: String {
        switch self {
        case .all: "all"
        case .prompt: "prompt"
        case .generated: "generated"
        case .first(let count, let span): "\(span)f\(count)"
        case .last(let count, let span): "\(span)l\(count)"
        case .indices(let positions, let span): "\(span)" + Self.list(positions)
        case .range(let first, let last, let span): "\(span)\(first)-\(last)"
        case .field(let name): "field:" + Self.quoted(name, unless: Self.isPlainName)
        case .tokens(let ids, let span): "\(span)tokens:" + Self.list(ids)
        case .matching(let pattern, let span): "\(span)tokens:\(pattern)"
        case .steps(let steps): steps.description
        case .union(let operands):
            operands.enumerated().map { $0 == 0 ? "\($1)" : $1.groupedIfExclusion }.joined(separator: "+")
        case .excluding(let left, let right): left.groupedIfUnion + "-" + right.groupedIfCompound
        }
    }

    /// `a+b-c` would read as (a+b)-c.
    private var groupedIfExclusion: String {
        if case .excluding = self { "(\(self))" } else { description }
    }

    private var groupedIfUnion: String {
        if case .union = self { "(\(self))" } else { description }
    }

    /// Numbers are grouped too: `all-1-3` would read as all but the rows 1 to 3.
    private var groupedIfCompound: String {
        switch self {
        case .union, .excluding, .indices, .range: "(\(self))"
        default: description
        }
    }

    private static func list(_ numbers: [Int]) -> String {
        numbers.isEmpty ? "none" : numbers.map(String.init).joined(separator: ",")
    }

    static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name.unicodeScalars.allSatisfy { PositionsReader.isNameCharacter($0) }
    }

    private static func quoted(_ text: String, unless isPlain: (String) -> Bool) -> String {
        if isPlain(text) { return text }
        return "\"" + text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
}

extension Positions.Span: CustomStringConvertible {
    var description: String { self == .prompt ? "" : "sequence:" }
}

/// Reads the text form of positions by recursive descent:
///
///     expression = term (("+" | "-") term)*
///     term       = "(" expression ")" | ["sequence:"] counted | "field:" name | "all" | "prompt" | "generated" [steps]
///     steps      = "/" count | ":" (list | count "-" [count])
///     counted    = "f" count | "l" count | list | number "-" number | "tokens:" (list | string | "/" expression "/")
struct PositionsReader {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var depth = 0
    private var terms = 0

    static let allowed =
        "all, prompt, f7 (first 7), l7 (last 7), 3,-1, 1-3, field:NAME, tokens:12,13, tokens:\"text\", "
        + "tokens:/expression/, sequence:l1, generated, generated/3 (every 3rd), generated:2-5, generated:0,4, "
        + "generated:8-, joined with + and -, grouped with ( )"

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || (scalar.value < 128 && Character(scalar).isNumber) || scalar == "_"
    }

    mutating func wholeExpression() throws(InterventionError) -> Positions.Expression {
        let result = try expression()
        guard peek == nil else { throw failure(at: place) }
        return result
    }

    private mutating func expression() throws(InterventionError) -> Positions.Expression {
        var result = try term()
        while let sign = peek, sign == "+" || sign == "-" {
            // A bound on the length too: exclusions nest.
            terms += 1
            guard terms < 1_000 else { throw failure(at: place) }
            place += 1
            let other = try term()
            let (left, right) = (Positions(result), Positions(other))
            result = (sign == "+" ? left + right : left - right).expression
        }
        return result
    }

    private mutating func term() throws(InterventionError) -> Positions.Expression {
        let start = place
        if take("(") {
            // A bound on the depth keeps hostile text from exhausting the stack.
            guard depth < 64 else { throw failure(at: start) }
            depth += 1
            let inner = try expression()
            depth -= 1
            guard take(")") else { throw failure(at: start) }
            return inner
        }
        if take("sequence:") { return try counted(.sequence, from: start) }
        if take("field:") { return .field(try name(from: start)) }
        if take("all") { return .all }
        if take("prompt") { return .prompt }
        if take("generated") { return try generated(from: start) }
        return try counted(.prompt, from: start)
    }

    private mutating func counted(
        _ span: Positions.Span, from start: Int
    ) throws(InterventionError) -> Positions.Expression {
        if take("tokens:") {
            if peek == "\"" { return .matching(.text(try string(from: start)), span) }
            if peek == "/" { return .matching(try pattern(from: start), span) }
            if take("none") { return .tokens([], span) }
            return .tokens(try numbers(from: start), span)
        }
        if take("none") { return .indices([], span) }
        if take("first") { return .first(1, span) }
        if take("last") { return .last(1, span) }
        if take("f") { return .first(try count(from: start), span) }
        if take("l") { return .last(try count(from: start), span) }
        let list = try numbers(from: start)
        let mark = place
        if list.count == 1, take("-") {
            if let last = number() { return .range(from: list[0], through: last, span) }
            place = mark
        }
        return .indices(list, span)
    }

    /// The steps after `generated`.
    private mutating func generated(from start: Int) throws(InterventionError) -> Positions.Expression {
        if take("/") { return .steps(.every(try count(from: start))) }
        guard take(":") else { return .generated }
        if take("none") { return .steps(.list([])) }
        var list: [Int] = []
        repeat { list.append(try step(from: start)) } while take(",")
        let mark = place
        guard list.count == 1, take("-") else { return .steps(.list(list)) }
        if let digit = peek, ("0"..."9").contains(digit) {
            return .steps(.window(from: list[0], through: try step(from: start)))
        }
        // What follows the end of an open window is a sign or nothing; `generated:4-f1` excludes.
        if peek.map({ "+-)".unicodeScalars.contains($0) }) ?? true {
            return .steps(.window(from: list[0], through: nil))
        }
        place = mark
        return .steps(.list(list))
    }

    /// A step; negative ones are read, so that they can be refused in plain words.
    private mutating func step(from start: Int) throws(InterventionError) -> Int {
        guard let number = number() else { throw failure(at: start) }
        return number
    }

    /// A regular expression between slashes, in which `\/` is a slash.
    private mutating func pattern(from start: Int) throws(InterventionError) -> TokenPattern {
        place += 1
        var result = String.UnicodeScalarView()
        while place < scalars.count, scalars[place] != "/" {
            result.append(scalars[place])
            if scalars[place] == "\\", place + 1 < scalars.count {
                place += 1
                result.append(scalars[place])
            }
            place += 1
        }
        guard place < scalars.count else { throw failure(at: start) }
        place += 1
        let pattern = TokenPattern.normalised(expression: String(result))
        if let problem = pattern.problem { throw problem }
        return pattern
    }

    private mutating func numbers(from start: Int) throws(InterventionError) -> [Int] {
        var list: [Int] = []
        repeat {
            guard let number = number() else { throw failure(at: start) }
            list.append(number)
        } while take(",")
        return list
    }

    private mutating func count(from start: Int) throws(InterventionError) -> Int {
        guard let digit = peek, ("0"..."9").contains(digit), let count = number() else { throw failure(at: start) }
        return count
    }

    private mutating func number() -> Int? {
        skipSpaces()
        let start = place
        if peek == "-" { place += 1 }
        while place < scalars.count, ("0"..."9").contains(scalars[place]) { place += 1 }
        guard let number = Int(text(from: start)), number.magnitude <= Int32.max else {
            place = start
            return nil
        }
        return number
    }

    private mutating func name(from start: Int) throws(InterventionError) -> String {
        if peek == "\"" { return try string(from: start) }
        let first = place
        while place < scalars.count, Self.isNameCharacter(scalars[place]) { place += 1 }
        guard place > first else { throw failure(at: start) }
        return text(from: first)
    }

    private mutating func string(from start: Int) throws(InterventionError) -> String {
        place += 1
        var result = String.UnicodeScalarView()
        while place < scalars.count, scalars[place] != "\"" {
            if scalars[place] == "\\", place + 1 < scalars.count { place += 1 }
            result.append(scalars[place])
            place += 1
        }
        guard place < scalars.count else { throw failure(at: start) }
        place += 1
        return String(result)
    }

    // MARK: Characters

    private var peek: Unicode.Scalar? {
        mutating get {
            skipSpaces()
            return place < scalars.count ? scalars[place] : nil
        }
    }

    private mutating func skipSpaces() {
        while place < scalars.count, scalars[place] == " " { place += 1 }
    }

    private mutating func take(_ word: String) -> Bool {
        skipSpaces()
        let wanted = Array(word.unicodeScalars)
        guard scalars[place...].starts(with: wanted) else { return false }
        place += wanted.count
        return true
    }

    private func text(from start: Int) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[start..<place])
        return String(view)
    }

    /// Names the rest of the text from the term on that could not be read.
    private func failure(at start: Int) -> InterventionError {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[min(start, scalars.count)...])
        let part = String(view).split(separator: " ").joined(separator: " ")
        return .unreadable(what: "positions", given: text, part: part.isEmpty ? text : part, allowed: Self.allowed)
    }
}
