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

    /// The places of a batch.
    /// - Throws: ``InterventionError/tooFewSequences(declaration:)`` where there is no other sequence to draw from.
    public func indices(
        in sequences: [SequenceContext], demanded: [Int32], seed: UInt32
    ) throws(InterventionError) -> [Int32] {
        let owners = try sequenceOfEachRow(sequences, selection, rowSpace, demanded: demanded)
        let random = PhiloxStream(seed: UInt64(seed), stream: UInt64(Splicer.stream(named: name)))
        var places: [Int32] = []
        for (row, owner) in owners.enumerated() {
            let others = owners.indices.filter { owners[$0] != owner }
            guard !others.isEmpty else { throw .tooFewSequences(declaration: declaration) }
            places.append(Int32(others[min(Int(random.uniform(UInt64(row)) * Double(others.count)), others.count - 1)]))
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
