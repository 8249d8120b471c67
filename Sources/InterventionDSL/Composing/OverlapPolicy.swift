/// What happens when two declarations edit the same rows of a value.
///
/// ```swift
/// let program = Program { politeness; brevity }.overlaps(.priority)
/// ```
/// In a program file it is the top-level key `overlaps`. Declarations that only read, such as ``Collect``, overlap
/// nothing, and neither do the members of an ``Average`` or edits in disjoint subspaces of the rows' columns or of one
/// rotation.
public enum OverlapPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// The later one chains on the earlier one, and a note says so.
    case chain
    /// It is a problem: where it is sure, when the program is bound; where it depends on the batch, with the batch.
    case error
    /// The declaration with the higher ``Declaration/priority`` takes the rows, of equal ones the later; the other edits
    /// only the rows that are left to it.
    case priority

    /// The policy of programs that are joined: what one of them demands is kept.
    func joined(with other: OverlapPolicy) -> OverlapPolicy {
        let order: [OverlapPolicy] = [.chain, .priority, .error]
        return order.last { $0 == self || $0 == other } ?? self
    }
}

extension ProgramConvertible {
    /// The same program with another policy for declarations that edit the same rows. Put into another program, it
    /// brings its policy along; of several the strictest counts: error before priority before chain.
    public func overlaps(_ policy: OverlapPolicy) -> Program {
        var changed = program
        changed.overlaps = policy
        return changed
    }
}

/// Rows that a selection must not share with another declaration's.
public struct ExclusiveRows: Hashable, Sendable {
    /// The other declaration's positions.
    let positions: PositionsPart
    /// Where both edit.
    let site: String
    /// Who edits the selection's rows, with its line.
    let owner: String
    /// Who edits the other rows, with its line.
    let other: String
    /// The directions in which the selection's rows are edited, where a subspace says so.
    let coordinates: EditCoordinates?
    /// Those in which the other rows are.
    let otherCoordinates: EditCoordinates?
}

extension Selection {
    /// Finds rows of a sequence that another declaration means too.
    func checkExclusive(_ rows: [Int], in sequence: SequenceContext) throws(InterventionError) {
        for exclusive in exclusive {
            let others = Set(try exclusive.positions.rows(in: sequence))
            let shared = rows.filter(others.contains)
            guard shared.isEmpty else {
                if let coordinates = exclusive.coordinates, let others = exclusive.otherCoordinates,
                    try !coordinates.meet(others, in: sequence)
                {
                    continue
                }
                throw .contestedRows(
                    sequence: sequence.index, rows: shared, site: exclusive.site, declaration: exclusive.owner,
                    other: exclusive.other, run: sequence.run)
            }
        }
    }
}
