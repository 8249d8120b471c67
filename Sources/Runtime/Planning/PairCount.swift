import Graph

/// How the number of pairs of queries and keys follows from what a run is given.
struct PairCount: Hashable, Sendable {
    /// The number of the symbol in ``Plan/symbols``.
    var symbol: Int
    /// The inputs that hold the first query and the first key of each sequence.
    var offsets: NodeID
    var keyOffsets: NodeID
    /// Whether stored rows come before the live keys.
    var isStored: Bool
}
