import JSON

/// Which layers of a component a declaration means.
///
/// ```swift
/// LoReFT(rank: 4).on(.blockOutput, layers: .all)
/// LoReFT(rank: 4).on(.blockOutput, layers: 4..<8)
/// LoReFT(rank: 4).on(.blockOutput, layers: [3, 9, 18, 24])
/// ```
/// The text form is `all`, `4-7`, `0,4,8`, `0-3,8` or `4-` (from 4 on).
public struct Layers: Hashable, Sendable {
    enum Choice: Hashable, Sendable {
        case all
        case from(Int)
        /// Ascending, each once.
        case list([Int])
    }
    let choice: Choice
    private static let limit = 100_000

    init(_ choice: Choice) { self.choice = choice }

    /// Every layer that has the component.
    public static let all = Layers(.all)

    /// These layers, counted from 0.
    public init(_ layers: [Int]) { choice = .list(Set(layers).sorted()) }

    /// The layers of a range; `4...` goes to the last layer, `...3` begins with the first.
    public init(_ range: some RangeExpression<Int>) {
        let bounds = range.relative(to: Int.min..<Int.max)
        let first = bounds.lowerBound == .min ? 0 : bounds.lowerBound
        if bounds.upperBound == .max {
            choice = .from(first)
        } else {
            // No model has so many layers; the limit keeps a mistyped range from filling the memory.
            let (limit, overflow) = first.addingReportingOverflow(Self.limit)
            choice = .list(Array(first..<max(first, min(bounds.upperBound, overflow ? .max : limit))))
        }
    }

    /// The layers as given, among those that exist; layers that do not exist are kept, for the caller to refuse.
    func resolved(among existing: [Int]) -> [Int] {
        switch choice {
        case .all: existing
        case .from(let first): first <= (existing.last ?? -1) ? existing.filter { $0 >= first } : [first]
        case .list(let layers): layers
        }
    }

    /// The numbers, where they are listed.
    package var list: [Int]? {
        if case .list(let layers) = choice { layers } else { nil }
    }
}

extension Layers: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

// MARK: - Text

extension Layers: CustomStringConvertible {
    /// The text form, which ``init(text:)`` reads back.
    public var description: String {
        switch choice {
        case .all: return "all"
        case .from(let first): return "\(first)-"
        case .list(let layers):
            var spans: [ClosedRange<Int>] = []
            for layer in layers {
                if let last = spans.last, last.upperBound + 1 == layer {
                    spans[spans.count - 1] = last.lowerBound...layer
                } else {
                    spans.append(layer...layer)
                }
            }
            return spans.map { span in
                switch span.count {
                case 1: "\(span.lowerBound)"
                case 2: "\(span.lowerBound),\(span.upperBound)"
                default: "\(span.lowerBound)-\(span.upperBound)"
                }
            }.joined(separator: ",")
        }
    }

    /// Reads the text form. Throws ``InterventionError/unreadable(what:given:part:allowed:)``.
    public init(text: String) throws(InterventionError) {
        let trimmed = text.filter { $0 != " " }
        if trimmed == "all" {
            self = .all
            return
        }
        var layers: [Int] = []
        let items = trimmed.split(separator: ",", omittingEmptySubsequences: false)
        for item in items {
            let ends = item.split(separator: "-", omittingEmptySubsequences: false)
            let failure = InterventionError.unreadable(
                what: "layers", given: text, part: String(item), allowed: Self.allowed)
            guard ends.count <= 2, let first = Self.number(ends[0]) else { throw failure }
            if ends.count == 1 {
                layers.append(first)
            } else if ends[1].isEmpty, items.count == 1 {
                self.init(.from(first))
                return
            } else if let last = Self.number(ends[1]), last >= first, layers.count + last - first < Self.limit {
                layers += first...last
            } else {
                throw failure
            }
        }
        self.init(layers)
    }

    static let allowed = "all, 4-7, 0,4,8 or 4- (from 4 on)"

    private static func number(_ digits: Substring) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits),
            number < Self.limit
        else { return nil }
        return number
    }
}

extension Layers: Codable {
    /// Reads a number, a list of numbers or the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        switch try JSONValue(from: decoder) {
        case .integer(let number): self.init([number])
        // A list names the entry that is no number.
        case .array: self.init(try container.decode([Int].self))
        case .string(let text): try self.init(text: text)
        case let other:
            throw InterventionError.file(
                path: (decoder as? StrictDecoder)?.path ?? "",
                message: "\(other.phrase) is given where a layer, a list of layers or a text is needed; allowed: "
                    + Self.allowed)
        }
    }

    /// Writes a list of numbers as such, everything else as text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let list, !description.contains("-") {
            try container.encode(list)
        } else {
            try container.encode(description)
        }
    }
}
