import Graph

/// The rows of a batch that one part of some positions means: an index input of the spliced graph.
///
/// Whoever binds a batch fills the input ``name`` with ``indices(in:matching:demanded:)``.
public struct Selection: Hashable, Sendable {
    /// The name of the graph input, `select.0`.
    public var name: String
    /// The run whose rows these are.
    public var run: String
    public var positions: PositionsPart
    /// What the indices count: token rows of the run, or rows whose logits are read.
    public var rowSpace: RowSpace
    /// How many there are: a symbol of the selection's own, or of the rows that are edited with these.
    public var count: Dimension
    /// The selection of the edited run that must have as many rows; nil with a count that is not its own means that
    /// all rows of the edited run are.
    public var pairedWith: String?
    /// The edited run, where these rows are read for it.
    public var pairedRun: String?
    /// Rows that must not be among these; see ``OverlapPolicy/error``.
    public var exclusive: [ExclusiveRows] = []

    /// Whether as many rows are needed as are edited elsewhere.
    public var isPaired: Bool { pairedRun != nil }
}

extension Selection {
    /// How many live rows each sequence gives.
    public func counts(in sequences: [SequenceContext]) throws(InterventionError) -> [Int] {
        var counts: [Int] = []
        for sequence in sequences { counts.append(try positions.rows(in: sequence).count) }
        return counts
    }

    /// The indices of a batch whose live rows lie one sequence after another.
    ///
    /// - Parameters:
    ///   - sequences: The sequences of ``run`` in batch order.
    ///   - counts: For a paired selection, how many rows each sequence must give; one row is repeated.
    ///   - demanded: The rows whose logits are read, ascending, where ``rowSpace`` counts those; rows that nobody
    ///     reads are left out.
    public func indices(
        in sequences: [SequenceContext], matching counts: [Int]? = nil, demanded: [Int32]? = nil
    ) throws(InterventionError) -> [Int32] {
        if let counts, counts.count != sequences.count {
            throw .sequenceCounts(selection: name, given: sequences.count, wanted: counts.count)
        }
        var indices: [Int32] = []
        var offset = 0
        for (place, sequence) in sequences.enumerated() {
            var rows = try positions.rows(in: sequence)
            try checkExclusive(rows, in: sequence)
            if let counts, counts[place] != rows.count {
                guard rows.count == 1 else {
                    throw .rowCounts(
                        selection: "\(run) at \(positions)", sequence: sequence.index, given: rows.count,
                        wanted: counts[place])
                }
                rows = Array(repeating: rows[0], count: counts[place])
            }
            indices += rows.map { Int32(clamping: offset + $0 - sequence.live.lowerBound) }
            offset += sequence.live.count
        }
        guard rowSpace == .demanded, let demanded else { return indices }
        let places = Dictionary(demanded.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
        return indices.compactMap { places[$0] }
    }
}
