import Graph

/// The rows of a batch that one part of some positions means: an index input of the spliced graph.
///
/// Whoever binds a batch fills the input ``name`` with ``indices(in:demanded:)``, or for a paired selection with
/// ``indices(in:pairedWith:keys:reading:numbers:demanded:)``.
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
    /// Which rows the edited site has, where these rows are read for it.
    public var pairedRowSpace: RowSpace = .tokens
    /// Rows that must not be among these; see ``OverlapPolicy/error``.
    public var exclusive: [ExclusiveRows] = []

    /// Whether as many rows are needed as are edited elsewhere.
    public var isPaired: Bool { pairedRun != nil }

    /// Whether a decode step reads these rows from what was kept of earlier steps: rows of other runs, and rows of the
    /// prompt that generated rows read.
    public var isKept: Bool { pairedRun.map { $0 != run || !positions.reachesGeneratedRows } ?? false }
}

/// The rows of one sequence that a batch edits, as places among all rows that the positions mean so far, in the order in
/// which they are listed: `3,1` reads for row 3 what a source lists first.
///
/// In a decode step the rows before the live ones are counted too, so that the k-th edited row is paired with the k-th
/// row of a source, whether it was edited in one batch with the others or in a step of its own.
public struct EditedRows: Hashable, Sendable {
    /// How many rows of the sequence are meant so far.
    public var total: Int
    /// Those that are edited in this batch, ascending by row, as places in the order in which the positions list them.
    public var places: [Int]
    /// Whether further rows may follow.
    public var isGrowing: Bool

    public init(total: Int, places: [Int], isGrowing: Bool = false) {
        self.total = total
        self.places = places
        self.isGrowing = isGrowing
    }

    /// All of so many rows.
    public init(_ count: Int) { self.init(total: count, places: Array(0..<count)) }
}

extension Selection {
    /// What each sequence gives to the edit.
    ///
    /// - Parameter demanded: The rows whose logits are read, where ``rowSpace`` counts those.
    public func editedRows(
        in sequences: [SequenceContext], demanded: [Int32]? = nil
    ) throws(InterventionError) -> [EditedRows] {
        try Self.editedRows(positions, rowSpace, in: sequences, demanded: demanded)
    }

    /// What each sequence gives to an edit at some positions of a site with such rows.
    public static func editedRows(
        _ positions: PositionsPart, _ rowSpace: RowSpace, in sequences: [SequenceContext], demanded: [Int32]? = nil
    ) throws(InterventionError) -> [EditedRows] {
        if rowSpace == .sequences { return sequences.map { EditedRows(positions.holds($0) ? 1 : 0) } }
        let read = rowSpace == .demanded ? demanded.map { Set($0.map(Int.init)) } : nil
        var edited: [EditedRows] = []
        var offset = 0
        for sequence in sequences {
            var seen: Set<Int> = []
            let rows = try positions.listedRows(in: sequence).filter { seen.insert($0).inserted }
            let start = offset - sequence.live.lowerBound
            let places = rows.indices.sorted { rows[$0] < rows[$1] }.filter { place in
                sequence.live.contains(rows[place]) && read?.contains(start + rows[place]) ?? true
            }
            edited.append(EditedRows(total: rows.count, places: places, isGrowing: sequence.isGrowing))
            offset += sequence.live.count
        }
        return edited
    }

    /// How many rows of the site each selected row of a sequence is: its pairs with all keys, else one.
    public func rowsPerPosition(in sequences: [SequenceContext]) -> [Int] {
        sequences.map { rowSpace.isPaired ? $0.keyCount(rowSpace) : 1 }
    }

    /// The indices of a batch whose live rows lie one sequence after another.
    ///
    /// - Parameters:
    ///   - sequences: The sequences of ``run`` in batch order.
    ///   - demanded: The rows whose logits are read, ascending, where ``rowSpace`` counts those; rows that nobody
    ///     reads are left out.
    public func indices(
        in sequences: [SequenceContext], demanded: [Int32]? = nil
    ) throws(InterventionError) -> [Int32] {
        if rowSpace == .sequences {
            return sequences.indices.filter { positions.holds(sequences[$0]) }.map(Int32.init)
        }
        let widths = rowsPerPosition(in: sequences)
        var indices: [Int32] = []
        var offset = 0
        for (sequence, width) in zip(sequences, widths) {
            let rows = try positions.rows(in: sequence)
            try checkExclusive(rows, in: sequence)
            for row in rows {
                let first = offset + (row - sequence.live.lowerBound) * width
                indices += (first..<first + width).map { Int32(clamping: $0) }
            }
            offset += sequence.live.count * width
        }
        let places = rowSpace == .demanded ? demanded.map(Self.places) : nil
        return places.map { places in indices.compactMap { places[$0] } } ?? indices
    }

    /// The indices of rows that are read for an edit: the k-th row that a sequence gives for the k-th that is edited,
    /// or its one row for all of them.
    ///
    /// - Parameters:
    ///   - sequences: The sequences of ``run`` in batch order.
    ///   - edited: What each sequence of the edited run gives to the edit.
    ///   - keys: Where rows are pairs, how many keys each position of the edited run has.
    ///   - reads: The sequence of ``run`` that each sequence of the edited run reads; nil for the one in its place.
    ///   - numbers: By what number messages know each sequence of the edited run; nil for its place.
    ///   - demanded: The rows whose logits are read, where ``rowSpace`` counts those.
    public func indices(
        in sequences: [SequenceContext], pairedWith edited: [EditedRows], keys: [Int]? = nil,
        reading reads: [Int]? = nil, numbers: [Int]? = nil, demanded: [Int32]? = nil
    ) throws(InterventionError) -> [Int32] {
        let editedRun = pairedRun ?? Program.baseName
        guard reads?.count ?? sequences.count == edited.count else {
            throw .sequenceCounts(selection: name, given: reads?.count ?? sequences.count, wanted: edited.count)
        }
        if rowSpace == .sequences {
            return edited.indices.filter { edited[$0].total > 0 }.map { Int32(reads?[$0] ?? $0) }
        }
        let widths = rowsPerPosition(in: sequences)
        var starts: [Int] = []
        var offset = 0
        for (sequence, width) in zip(sequences, widths) {
            starts.append(offset - sequence.live.lowerBound * width)
            offset += sequence.live.count * width
        }
        let places = rowSpace == .demanded ? demanded.map(Self.places) : nil
        var known: [Int: [Int]] = [:]
        var indices: [Int32] = []
        for (place, edited) in edited.enumerated() where edited.total > 0 {
            let read = reads?[place] ?? place
            guard sequences.indices.contains(read) else {
                throw .sequenceCounts(selection: name, given: sequences.count, wanted: read + 1)
            }
            let rows: [Int]
            if let found = known[read] {
                rows = found
            } else {
                rows = try positions.listedRows(in: sequences[read])
                known[read] = rows
            }
            guard rows.count == edited.total || rows.count == 1 || edited.isGrowing && rows.count > edited.total
            else {
                throw .rowCounts(
                    selection: "\(run) at \(positions)", sequence: numbers?[place] ?? place, given: rows.count,
                    wanted: edited.total, run: editedRun)
            }
            let width = widths[read]
            if rowSpace.isPaired, let keys, !edited.places.isEmpty, keys[place] != width {
                throw .keyCounts(
                    selection: "\(run) at \(positions)", sequence: numbers?[place] ?? place, given: width,
                    wanted: keys[place], run: editedRun)
            }
            for edit in edited.places {
                let row = rows[rows.count == 1 ? 0 : edit]
                guard sequences[read].live.contains(row) else {
                    throw .rowNotComputed(
                        selection: "\(run) at \(positions)", sequence: numbers?[place] ?? place, row: row)
                }
                let first = starts[read] + row * width
                guard let places else {
                    indices += (first..<first + width).map { Int32(clamping: $0) }
                    continue
                }
                let index = Int32(clamping: first)
                guard let found = places[index] else {
                    throw .rowCounts(
                        selection: "\(run) at \(positions), rows whose logits are read",
                        sequence: numbers?[place] ?? place,
                        given: 0, wanted: edited.places.count, run: editedRun)
                }
                indices.append(found)
            }
        }
        return indices
    }

    private static func places(_ demanded: [Int32]) -> [Int32: Int32] {
        Dictionary(demanded.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
    }
}

extension SequenceContext {
    /// The same sequence without a key/value store.
    var withAllLive: SequenceContext {
        var whole = self
        whole.live = 0..<length
        return whole
    }
}

extension SequenceContext {
    /// How many keys a query of the sequence has at a site with a row for each pair.
    func keyCount(_ rowSpace: RowSpace) -> Int { keyCounts[rowSpace] ?? length }
}
