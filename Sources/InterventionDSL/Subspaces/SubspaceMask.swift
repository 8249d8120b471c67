import Diagnostics
import Graph

/// The mask of a subspace that is chosen per example: a real input [rows, coordinates] of the spliced graph, 1 in the
/// coordinates that the example of a row has chosen, else 0.
///
/// Whoever binds a batch fills the input ``name`` with ``values(in:choices:demanded:)``.
public struct SubspaceMask: Hashable, Sendable {
    /// The name of the graph input, `subspace.0`.
    public var name: String
    /// The declaration whose subspace it is; examples name it.
    public var declaration: String
    /// The run whose rows are edited.
    public var run: String
    /// The rows that are edited; nil for all.
    public var selection: Selection?
    /// What the rows are.
    public var rowSpace: RowSpace
    /// How many rows there are.
    public var rows: Dimension
    /// How many coordinates there are.
    public var coordinateCount: Int
    /// The coordinates of each part.
    public var parts: [String: [Int]]

    /// The coordinates that an example has chosen, all unless it says something.
    /// - Parameter run: The run that messages name; nil where it is told elsewhere.
    /// - Throws: ``InterventionError/subspaceChoice(declaration:sequence:message:run:)``.
    public func coordinates(
        of choice: SubspaceChoice?, sequence: Int, run: String? = nil
    ) throws(InterventionError) -> [Int] {
        func failure(_ message: String) -> InterventionError {
            .subspaceChoice(
                declaration: declaration, sequence: sequence, message: message, run: run ?? Program.baseName)
        }
        switch choice {
        case nil:
            return Array(0..<coordinateCount)
        case .coordinates(let list):
            if let outside = list.first(where: { !(0..<coordinateCount).contains($0) }) {
                throw failure("has no coordinate \(outside); it has 0-\(coordinateCount - 1)")
            }
            if let twice = list.firstRepeated { throw failure("is given the coordinate \(twice) twice") }
            return list
        case .parts(let names):
            if let twice = names.firstRepeated { throw failure("is given the part '\(twice)' twice") }
            var list: [Int] = []
            for name in names {
                guard let part = parts[name] else {
                    let known = parts.keys.sorted()
                    throw failure(
                        "has no part '\(name)'; it has: \(known.isEmpty ? "none" : known.joined(separator: ", "))"
                            + suggestion(for: name, among: known))
                }
                list += part
            }
            return list
        }
    }

    /// The numbers of a batch, row after row.
    /// - Parameters:
    ///   - sequences: The sequences of ``run`` in batch order.
    ///   - choices: What each of them chooses.
    ///   - demanded: The rows whose logits are read, where ``rowSpace`` counts those.
    /// - Throws: ``InterventionError`` for a choice that the subspace does not have.
    public func values(
        in sequences: [SequenceContext], choices: [SubspaceChoice?], demanded: [Int32]
    ) throws(InterventionError) -> [Float] {
        var rowOfSequence: [[Float]] = []
        for (place, sequence) in sequences.enumerated() {
            var row = [Float](repeating: 0, count: coordinateCount)
            for coordinate in try coordinates(of: choices[place], sequence: sequence.index, run: run) {
                row[coordinate] = 1
            }
            rowOfSequence.append(row)
        }
        let owners = try sequenceOfEachRow(sequences, selection, rowSpace, demanded: demanded)
        return owners.flatMap { rowOfSequence[$0] }
    }
}

/// The subspace of one hook.
public enum BoundSubspace: Hashable, Sendable {
    /// The same coordinates in every row, of so many.
    case fixed([Int], of: Int)
    /// Coordinates that are bound with each batch.
    case perExample(SubspaceMask)
}

extension BoundSubspace: CustomStringConvertible {
    /// `coordinates 0,1 of 4`, or `the coordinates that examples choose = subspace.0`.
    public var description: String {
        switch self {
        case .fixed(let coordinates, let count):
            return "coordinates \(Subspace.fixed(coordinates)) of \(count)"
        case .perExample(let mask):
            let parts = mask.parts.isEmpty ? "" : " (\(Subspace.perExample(mask.parts)))"
            return "the coordinates of \(mask.coordinateCount) that examples choose\(parts) = \(mask.name)"
        }
    }
}
