import Graph

/// Which row of a constant source each edited row of a batch reads: an index input of the spliced graph.
///
/// The k-th row that a sequence gives to the edit reads row k of the constant, in the order in which its positions list
/// them. Whoever binds a batch fills the input ``name`` with ``indices(in:demanded:)``.
public struct ConstantRowPlaces: Hashable, Sendable {
    /// The name of the graph input, `constant.0.interchange.block_output.5`.
    public var name: String
    /// The declaration that reads the constant.
    public var declaration: String
    /// What the constant is called in messages.
    public var constant: String
    /// How many rows it has.
    public var count: Int
    /// The run whose rows are edited.
    public var run: String
    /// The rows that are edited; nil for all.
    public var selection: Selection?
    /// What the rows are.
    public var rowSpace: RowSpace

    /// The places of a batch. Where further rows may follow, there may be fewer of them so far than the constant has.
    /// - Parameter demanded: The rows whose logits are read, where ``rowSpace`` counts those.
    /// - Throws: ``InterventionError/constantRowCounts(declaration:constant:sequence:given:wanted:run:)``.
    public func indices(
        in sequences: [SequenceContext], demanded: [Int32]? = nil
    ) throws(InterventionError) -> [Int32] {
        let part = selection?.positions ?? Positions.all.whole
        let edited = try Selection.editedRows(part, rowSpace, in: sequences, demanded: demanded)
        var indices: [Int32] = []
        for (sequence, rows) in zip(sequences, edited) where rows.total > 0 {
            guard rows.total == count || rows.isGrowing && rows.total < count else {
                throw .constantRowCounts(
                    declaration: declaration, constant: constant, sequence: sequence.index, given: count,
                    wanted: rows.total, run: run)
            }
            // A position of pairs is a row with each key.
            let perPosition = rowSpace.isPaired ? sequence.keyCount(rowSpace) : 1
            for place in rows.places { indices += Array(repeating: Int32(place), count: perPosition) }
        }
        return indices
    }
}

extension Hook {
    /// What a batch must bind for the hook's constant sources of several rows, by their places among its sources.
    func constantPlaces(_ source: Int) -> ConstantRowPlaces? {
        guard intervention.sources.indices.contains(source), let constant = intervention.sources[source].constant,
            constant.rows > 1
        else { return nil }
        return ConstantRowPlaces(
            name: "constant.\(source).\(collectedName).\(shape)", declaration: name, constant: constant.phrase,
            count: constant.rows, run: site.run, selection: selection, rowSpace: shape.rowSpace)
    }

    /// What a batch must bind for the hook's constant sources of several rows.
    public var constantPlaces: [ConstantRowPlaces] { intervention.sources.indices.compactMap { constantPlaces($0) } }

    /// Why the rows of a constant source can never be those of the edited rows; nil if they can.
    static func problem(of constant: ConstantMatrix, width: Int, _ part: PositionsPart, _ rowSpace: RowSpace) -> String?
    {
        let what = "its constant source"
        if let problem = constant.problem(what, rows: constant.rows, columns: constant.columns) { return problem }
        guard constant.columns == width else {
            return constant.rows == 1
                ? "\(what) has \(constant.columns) numbers, the site is \(width) wide"
                : "\(what) has rows of \(constant.columns) numbers, the site is \(width) wide"
        }
        guard constant.rows != 1, let counts = rowSpace == .sequences ? 1...1 : part.rowCounts,
            !counts.contains(constant.rows)
        else { return constant.rows == 0 ? "\(what) has no row" : nil }
        let most = counts.lowerBound == counts.upperBound ? "" : "at most "
        return
            "\(what) has \(constant.rows) rows, the positions '\(part)' mean \(most)\(counts.upperBound) in a sequence; "
            + "give as many, or 1 that is repeated"
    }
}

extension EditContext {
    /// The rows of a constant source, one for each edited row.
    func constantSource(_ matrix: ConstantMatrix, _ place: Int) throws(InterventionError) -> Value {
        let numbers: [Float]
        switch matrix {
        case .numbers(let rows): numbers = rows.flatMap { $0 }
        case .reference(let reference):
            guard let read = splicer.hookGraph.tensors[reference] else {
                throw .missingTensor(reference: "\(reference)", reason: "it has not been read")
            }
            numbers = read
        }
        let rows = builder.constant(
            ConstantTensor(
                name: matrix.name ?? "\(hook.name) constant", rows: matrix.rows, columns: matrix.columns,
                values: numbers.map(Double.init)))
        let count = hook.selection?.count ?? splicer.original.type(of: site.value).shape.rows
        guard let places = hook.constantPlaces(place) else {
            return rows.broadcast(to: Shape(count, .fixed(matrix.columns)))
        }
        return rows.rows(at: builder.input(places.name, .indices(count)))
    }
}

extension ConstantMatrix {
    /// One row, or a tensor of one or several.
    public init(_ row: ConstantRow) {
        switch row {
        case .numbers(let numbers): self = .numbers([numbers])
        case .reference(let reference): self = .reference(reference)
        }
    }

    /// The tensor that it refers to; nil for numbers in memory.
    var name: String? { if case .reference(let reference) = self { "\(reference)" } else { nil } }

    /// `the constant 'mean' of steering.safetensors`, `a constant`.
    fileprivate var phrase: String { name.map { "the constant \($0)" } ?? "a constant" }
}
