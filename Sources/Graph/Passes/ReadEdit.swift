/// An edit of some rows of a value of which other rows are read: who binds a batch says which rows are both.
public struct ReadEdit: Hashable, Sendable {
    /// The index input that lists the edited rows.
    public var edited: String
    /// The index input that lists the rows that are read.
    public var read: String

    /// The input with the places, in the list of edited rows, of those that are read.
    public var kept: String { "\(edited).kept.\(read)" }
    /// The input with the places of the same rows in the list of those that are read.
    public var places: String { "\(edited).places.\(read)" }
    /// How many they are.
    var count: Dimension { .named("\(kept).rows") }

    /// What the two inputs hold.
    /// - Parameters:
    ///   - edited: The edited rows.
    ///   - read: The rows that are read, each once.
    public func indices(edited: [Int32], read: [Int32]) -> (kept: [Int32], places: [Int32]) {
        let known = Dictionary(read.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
        let both = edited.enumerated().compactMap { place, row in known[row].map { (Int32(place), $0) } }
        return (both.map(\.0), both.map(\.1))
    }
}
