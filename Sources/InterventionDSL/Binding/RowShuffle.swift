import Graph

/// Rows of other sequences: an index input of the spliced graph that gives for each edited row of a batch the place of a
/// row that belongs to another sequence, among the edited ones.
public struct RowShuffle: Hashable, Sendable {
    /// The name of the graph input, `shuffle.resampleablation.block_output.5`.
    public var name: String
    /// The declaration that draws.
    public var declaration: String
    /// The run whose rows are edited.
    public var run: String
    /// The rows that are edited; nil for all.
    public var selection: Selection?
    /// What the rows are.
    public var rowSpace: RowSpace

    /// Whether rows that a decode step computes may be edited.
    public var reachesGeneratedRows: Bool {
        run == Program.baseName && (selection?.positions.reachesGeneratedRows ?? true)
    }

    /// The places of a batch.
    /// - Throws: ``InterventionError/tooFewSequences(declaration:)`` where there is no other sequence to draw from.
    public func indices(
        in sequences: [SequenceContext], demanded: [Int32], seed: UInt32
    ) throws(InterventionError) -> [Int32] {
        let owners = try sequenceOfEachRow(sequences, selection, rowSpace, demanded: demanded)
        let random = PhiloxStream(seed: UInt64(seed), stream: UInt64(Splicer.stream(named: name)))
        var places: [Int32] = []
        places.reserveCapacity(owners.count)
        // The rows of a sequence lie together: a draw counts the rows before them and those after them.
        var own = 0..<0
        for row in owners.indices {
            if row == own.upperBound {
                own = row..<(owners[row...].firstIndex { $0 != owners[row] } ?? owners.count)
            }
            let others = owners.count - own.count
            guard others > 0 else { throw .tooFewSequences(declaration: declaration) }
            let drawn = min(Int(random.uniform(UInt64(row)) * Double(others)), others - 1)
            places.append(Int32(drawn < own.lowerBound ? drawn : drawn + own.count))
        }
        return places
    }
}

/// For each edited row of a batch, in order, the sequence that it belongs to.
/// - Parameter demanded: The rows whose logits are read, where `rowSpace` counts those.
func sequenceOfEachRow(
    _ sequences: [SequenceContext], _ selection: Selection?, _ rowSpace: RowSpace, demanded: [Int32]
) throws(InterventionError) -> [Int] {
    let part = selection?.positions ?? Positions.all.whole
    let edited = try Selection.editedRows(part, rowSpace, in: sequences, demanded: demanded)
    return sequences.indices.flatMap { place in
        // A position of pairs is a row with each key.
        let perPosition = rowSpace.isPaired ? sequences[place].keyCount(rowSpace) : 1
        return Array(repeating: place, count: edited[place].places.count * perPosition)
    }
}
