/// The coordinates of an intervention's own space that its edit acts in; elsewhere the rows stay as they are.
///
/// What the coordinates are is the type's affair (``SubspaceCoordinates``): the columns of the rows unless it says
/// otherwise, the columns of R for the low-rank types, latents for autoencoders.
///
/// ```swift
/// LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last).subspaces(["style": [0, 1], "topic": [2, 3]])
/// ```
/// In a program file: `"subspace": [0, 1]`, or `"subspace": { "style": [0, 1], "topic": [2, 3] }`.
public enum Subspace: Hashable, Sendable {
    /// The same coordinates for every example.
    case fixed([Int])
    /// Coordinates that each example chooses, by themselves or by the names of parts; all where it chooses nothing.
    case perExample([String: [Int]])
}

/// What one example chooses of a declaration's subspace.
public enum SubspaceChoice: Hashable, Sendable {
    /// These coordinates; none of them switches the edit off.
    case coordinates([Int])
    /// The coordinates of all these parts.
    case parts([String])
}

/// Which coordinates an intervention has to select from.
public enum SubspaceCoordinates: Hashable, Sendable {
    /// The columns of the rows: h + m ⊙ (edit(h) − h) with a mask m of zeros and ones. Nothing is left for the body to do.
    case columns
    /// So many of the type's own, which its body multiplies by the mask: see ``EditContext/inSubspace(_:)``.
    case own(Int)
    /// None; a subspace is refused.
    case none
}

extension Subspace: CustomStringConvertible {
    /// `0,1`, or `style 0,1; topic 2,3`.
    public var description: String {
        func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }
        switch self {
        case .fixed(let coordinates): return list(coordinates)
        case .perExample(let parts):
            return parts.isEmpty
                ? "chosen per example"
                : parts.sorted { $0.key < $1.key }.map { "\($0.key) \(list($0.value))" }.joined(separator: "; ")
        }
    }
}

extension Subspace {
    /// What is wrong with it for an intervention that has these coordinates, in sentences.
    func problems(_ coordinates: SubspaceCoordinates, width: Int, kind: String) -> [String] {
        let count: Int
        switch coordinates {
        case .none: return ["\(kind) has no coordinates of which a subspace could be selected"]
        case .columns: count = width
        case .own(let own): count = own
        }
        switch self {
        case .fixed(let list):
            return list.isEmpty
                ? ["its subspace names no coordinate"] : Self.problems(list, "its subspace", count, kind)
        case .perExample(let parts):
            var problems: [String] = []
            var owners: [Int: String] = [:]
            for (name, list) in parts.sorted(by: { $0.key < $1.key }) {
                let what = "the part '\(name.printable)' of its subspace"
                if let problem = name.nameProblem { problems.append("the name of a part of its subspace \(problem)") }
                if list.isEmpty { problems.append("\(what) names no coordinate") }
                problems += Self.problems(list, what, count, kind)
                for coordinate in Set(list).sorted() {
                    if let other = owners[coordinate] {
                        problems.append(
                            "the parts '\(other)' and '\(name)' of its subspace share the coordinate \(coordinate)")
                    } else {
                        owners[coordinate] = name
                    }
                }
            }
            return problems
        }
    }

    private static func problems(_ list: [Int], _ what: String, _ count: Int, _ kind: String) -> [String] {
        var problems: [String] = []
        if let outside = list.first(where: { !(0..<max(count, 0)).contains($0) }) {
            let known = count == 1 ? "the coordinate 0" : "coordinates 0-\(count - 1)"
            problems.append("\(what) names the coordinate \(outside); \(kind) has \(known) here")
        }
        if let twice = list.firstRepeated { problems.append("\(what) names the coordinate \(twice) twice") }
        return problems
    }
}

extension Array where Element: Hashable {
    /// The first element that has stood there before.
    var firstRepeated: Element? {
        var seen: Set<Element> = []
        return first { !seen.insert($0).inserted }
    }
}
