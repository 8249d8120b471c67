import Diagnostics

/// The names that a pattern chooses among, each pointing to an element of some list.
struct PatternNames {
    struct Name {
        /// The parts between dots and brackets.
        var parts: [String]
        /// Whether no leading part may be left out.
        var isWhole: Bool
        var text: String
        /// The element that it names.
        var element: Int
        /// Whether it names the element's heads one by one.
        var meansHeads = false
    }

    /// What the names are of, for messages: `site`, `weight`.
    let what: String
    private(set) var names: [Name] = []
    /// Names that differ in their numbers only; most patterns rule out a whole family at once.
    private var families: [Family] = []
    private var familyPlaces: [Family.Key: Int] = [:]
    /// What a message lists where no name is near.
    var known: [String] = []

    init(of what: String) { self.what = what }

    /// Adds a name of an element.
    mutating func add(_ name: String, element: Int, isWhole: Bool, meansHeads: Bool = false) {
        let parts = Self.parts(of: name)
        let key = Family.Key(parts: parts.map { Int($0) == nil ? $0 : nil }, isWhole: isWhole)
        let place = familyPlaces[key] ?? families.count
        if place == families.count {
            familyPlaces[key] = place
            families.append(Family(key: key))
        }
        families[place].members.append(names.count)
        names.append(
            Name(parts: parts, isWhole: isWhole, text: name, element: element, meansHeads: meansHeads))
    }

    private struct Family {
        struct Key: Hashable {
            /// Nil where there are numbers.
            var parts: [String?]
            var isWhole: Bool
        }

        var key: Key
        /// Their places among the names.
        var members: [Int] = []
    }

    static func parts(of name: String) -> [String] {
        name.split { $0 == "." || $0 == "[" || $0 == "]" }.map(String.init)
    }

    /// The names that a pattern matches, in their order.
    ///
    /// - Throws: ``InterventionError/unmatched(what:pattern:nearest:known:)``;
    ///   ``InterventionError/unmatchedNumbers(pattern:missing:known:)`` for numbers that no matching name has.
    func select(_ pattern: PathPattern) throws(InterventionError) -> [Name] {
        let (found, numbers) = matches(pattern)
        let numbered = pattern.parts.filter { if case .numbers = $0 { true } else { false } }
        for (place, part) in numbered.enumerated() {
            guard case .numbers(let ranges, _) = part else { continue }
            let met = Set(numbers.map { $0[place] })
            let missing = ranges.flatMap { range in
                range.upperBound == .max
                    ? (met.contains { $0 >= range.lowerBound } ? [] : [range.lowerBound])
                    : range.filter { !met.contains($0) }
            }
            guard !missing.isEmpty else { continue }
            let existing = Set(matches(pattern.withAllNumbers).numbers.map { $0[place] }).sorted()
            if existing.isEmpty { break }
            throw .unmatchedNumbers(
                pattern: pattern.text, missing: "\(Layers(missing))", known: "\(Layers(existing))")
        }
        guard !found.isEmpty else {
            throw .unmatched(what: what, pattern: pattern.text, nearest: nearest(to: pattern), known: known)
        }
        return found
    }

    private func matches(_ pattern: PathPattern) -> (names: [Name], numbers: [[Int]]) {
        var found: [Name] = []
        var numbers: [[Int]] = []
        let members = families.filter { pattern.mayMatch($0.key.parts, isWhole: $0.key.isWhole) }.flatMap(\.members)
        for place in members.sorted() {
            guard let met = pattern.match(names[place].parts, isWhole: names[place].isWhole) else { continue }
            found.append(names[place])
            numbers.append(met)
        }
        return (found, numbers)
    }

    // MARK: Suggestions

    /// How a name is shown in suggestions, with `#` for each number: `model.layers[#].mlp.output`.
    static func shown(_ name: String) -> String {
        var shown = ""
        var digits = ""
        var isWord = false
        for character in name + "." {
            if character.isASCII && character.isNumber && !isWord {
                digits.append(character)
                continue
            }
            let ends = character == "." || character == "]"
            shown += ends && !digits.isEmpty ? "#" : digits
            digits = ""
            shown.append(character)
            isWord = !(character == "." || character == "[" || character == "]")
        }
        return String(shown.dropLast())
    }

    /// The nearest name, or ending of one, with the pattern's own numbers.
    private func nearest(to pattern: PathPattern) -> String? {
        let given = pattern.parts.map { part in
            switch part {
            case .name(let name): name
            case .numbers: "#"
            case .any: "*"
            }
        }
        var candidates: [String: String] = [:]
        for name in Set(names.map { ($0.isWhole ? "=" : "") + Self.shown($0.text) }) {
            let isWhole = name.hasPrefix("=")
            let shown = isWhole ? String(name.dropFirst()) : name
            let parts = Self.parts(of: shown)
            for start in parts.indices where start == 0 || !isWhole && parts[start] != "#" {
                candidates[parts[start...].joined(separator: ".")] = Self.joined(parts[start...], like: shown)
            }
        }
        guard let near = nearestName(to: given.joined(separator: "."), among: candidates.keys) else { return nil }
        var result = candidates[near] ?? near
        for case .numbers(_, let text) in pattern.parts {
            result = result.replacing("#", with: text, maxReplacements: 1)
        }
        return result.replacing("[#]", with: "[*]").replacing("#", with: "*")
    }

    /// Numbers in brackets where the whole name has them so, and columns of an output as `[0:32]`.
    private static func joined(_ parts: ArraySlice<String>, like shown: String) -> String {
        let brackets = shown.contains("[#]")
        return parts.reduce(into: "") { text, part in
            if part == "#", brackets, !text.isEmpty {
                text += "[#]"
            } else if part.contains(":") {
                text += "[\(part)]"
            } else {
                text += text.isEmpty ? part : ".\(part)"
            }
        }
    }
}

extension PathPattern {
    /// The same pattern with every number allowed.
    fileprivate var withAllNumbers: PathPattern {
        PathPattern(
            text: text,
            parts: parts.map { if case .numbers = $0 { .numbers([0...Int.max], text: "*") } else { $0 } }, heads: heads)
    }

    private init(text: String, parts: [Part], heads: [ClosedRange<Int>]?) {
        self.text = text
        self.parts = parts
        self.heads = heads
    }
}
