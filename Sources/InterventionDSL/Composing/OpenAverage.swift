import Graph

/// An average while its members are spliced: every member begins from the values that were there before the first.
final class OpenAverage {
    private let run: String
    private let group: Int
    private var branch: ParallelBranch
    private var provenance: Provenance = .user("average")
    /// The newest values before the average.
    private let start: [ValueID: ValueID]
    /// For each edited value, h + Σ αᵢ (editᵢ(h) − h) over the members that are closed.
    private(set) var sums: [ValueID: ValueID] = [:]
    /// The edit of each value by the open member, nil where there were several.
    private var edits: [ValueID: BranchEdit?] = [:]

    init(_ branch: ParallelBranch, run: String, start: [ValueID: ValueID]) {
        self.run = run
        self.branch = branch
        self.start = start
        group = branch.group
    }

    /// Whether the open member is the one of a hook.
    func contains(_ other: ParallelBranch, _ run: String) -> Bool {
        isAround(other, run) && branch.branch == other.branch
    }

    /// Whether a hook's member is one of this average.
    func isAround(_ other: ParallelBranch, _ run: String) -> Bool {
        self.run == run && group == other.group
    }

    /// Begins another member.
    func open(_ other: ParallelBranch) { branch = other }

    /// Notes an edit of the open member.
    func record(_ edit: BranchEdit, of value: ValueID) {
        provenance = edit.provenance
        edits[value] = edits[value] == nil ? .some(edit) : .some(nil)
    }

    /// Notes that the open member edited a value in ways of which only the result counts.
    func recordSeveral(of value: ValueID) { edits[value] = .some(nil) }

    /// Adds the open member's edits to the sums.
    /// - Returns: the values that the next member begins from.
    func closeBranch(_ newest: [ValueID: ValueID], _ splicer: Splicer) -> [ValueID: ValueID] {
        splicer.builder.from(provenance) {
            // In the order of values, so that the same program gives the same graph.
            for (value, edit) in edits.sorted(by: { $0.key < $1.key }) {
                let sum = sums[value] ?? start[value] ?? value
                if let edit {
                    let (rows, part) = splicer.read(sum, edit.selection, edit.columns)
                    sums[value] = splicer.write(
                        part + (edit.after - edit.before) * branch.weight, edit.selection, edit.columns, into: sum, rows
                    )
                } else if let edited = newest[value] {
                    let builder = splicer.builder
                    let change = builder.value(edited) - builder.value(start[value] ?? value)
                    sums[value] = (builder.value(sum) + change * branch.weight).id
                }
            }
        }
        edits = [:]
        return start
    }
}

/// One edit within a member of an average.
struct BranchEdit {
    let selection: Selection?
    let columns: Range<Int>?
    /// The rows before and after.
    let before: Value
    let after: Value
    let provenance: Provenance

    init(_ hook: Hook, before: Value, after: Value) {
        selection = hook.selection
        columns = hook.columns
        self.before = before
        self.after = after
        provenance = .declaration(index: hook.declarationIndex, name: hook.name)
    }
}
