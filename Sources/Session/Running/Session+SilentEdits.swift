import InterventionDSL

/// How many rows one part of a declaration's positions means in some data.
public struct EditedRowCount: Hashable, Sendable {
    /// The name of the declaration.
    public var declaration: String
    /// The line of Swift or the place in a file, printed.
    public var location: String
    /// The run that it edits.
    public var run: String
    /// The text form of the part.
    public var positions: String
    /// The rows of all sequences together.
    public var rows: Int

    func problem(in data: String) -> String {
        "\(location): '\(declaration)' can never fire: its positions '\(positions)' mean no row of \(data)"
    }

    func warning(in data: String) -> String {
        "'\(declaration)' edits nothing: its positions '\(positions)' mean no row of \(data)"
    }
}

extension Session {
    /// How many rows each declaration edits in sequences, one entry for each part of its positions.
    /// - Parameter demand: Whose logits are read, for declarations that edit those.
    public func editedRowCounts(
        in examples: [Example], demand: Demand = .everyRow
    ) throws(InterventionError) -> [EditedRowCount] { try counts(in: examples, demand) { _ in true } }

    private func counts(
        in examples: [Example], _ demand: Demand, where isCounted: (Hook) -> Bool
    ) throws(InterventionError) -> [EditedRowCount] {
        struct Key: Hashable {
            var name: String
            var positions: PositionsPart
        }
        var places: [Key: Int] = [:]
        var counts: [EditedRowCount] = []
        for hook in hookGraph.hooks where isCounted(hook) {
            let key = Key(name: hook.name, positions: hook.positions)
            // What a run without sequences lacks is told elsewhere.
            let read = sequences(of: hook.site.run, in: examples)
            guard !read.isEmpty else { continue }
            let rows = try editedRowCount(of: hook, in: read, demand)
            if let place = places[key] {
                // Other layers edit the same rows, other row spaces perhaps fewer.
                counts[place].rows = max(counts[place].rows, rows)
            } else {
                places[key] = counts.count
                counts.append(
                    EditedRowCount(
                        declaration: hook.name, location: "\(hook.location)", run: hook.site.run,
                        positions: "\(hook.positions)", rows: rows))
            }
        }
        return counts
    }

    private func editedRowCount(
        of hook: Hook, in read: [Example], _ demand: Demand
    ) throws(InterventionError) -> Int {
        guard hook.shape.rowSpace != .sequences else { return read.count }
        var rows = 0
        for (index, example) in read.enumerated() {
            let found = try hook.positions.rows(in: context(of: example, index: index, run: hook.site.run))
            guard hook.shape.rowSpace == .demanded, demand == .labelledRows,
                hook.site.run == Program.baseName
            else {
                rows += found.count
                continue
            }
            let judged = Set(example.judgedRows.map(\.row))
            rows += found.count { judged.contains($0) }
        }
        return rows
    }

    private func sequences(of run: String, in examples: [Example]) -> [Example] {
        run == Program.baseName ? examples : examples.compactMap { $0.sources[run] }
    }

    /// What is known of a sequence before it runs.
    public func context(
        of example: Example, index: Int, run: String = Program.baseName
    ) -> SequenceContext {
        var context = SequenceContext(
            index: index, promptLength: example.promptLength, length: example.tokens.count,
            tokens: example.tokens.map(Int.init), fields: example.fields, matching: textMatching)
        context.run = run
        context.place = bank?.place(of: example.adapterIndex)
        context.subspaces = example.subspaces
        return context
    }

    /// The parts of declarations that mean no row of the sequences.
    public func silentEdits(
        in examples: [Example], demand: Demand = .everyRow
    ) throws(InterventionError) -> [EditedRowCount] {
        try editedRowCounts(in: examples, demand: demand).filter { $0.rows == 0 }
    }

    /// What is worth knowing before sequences are run or gone on from.
    /// - Parameters:
    ///   - generating: The sequences are prompts; what can edit generated rows may still do so.
    ///   - data: What the sequences are called.
    public func warnings(
        for examples: [Example], generating: Bool = false, _ data: String = "the sequences"
    ) throws(InterventionError) -> [String] {
        var examples = examples
        if generating {
            for index in examples.indices { examples[index].givenPromptLength = examples[index].tokens.count }
        }
        // Of a bank each example names one adapter; that the others rest is no news, but that all do is.
        let rest =
            bank != nil && examples.allSatisfy { $0.adapterIndex == nil }
            ? ["none of \(data) names an adapter of the bank: the model runs without any"] : []
        return try rest
            + counts(in: examples, .everyRow) { $0.shelf == nil && !(generating && $0.reachesGeneratedRows) }
            .filter { $0.rows == 0 }.map { $0.warning(in: data) }
            + (generating ? [] : contextWarning(for: examples).map { [$0] } ?? [])
    }

    /// What is to be said of sequences that are longer than what the model was made for; nil where none is, and for models
    /// that take no longer ones at all, or have no positions of their own.
    public func contextWarning(for examples: [Example]) -> String? {
        let context = model.sizes.context
        guard context > 0, model.sizes.positionLimit == nil, !model.architecture.hasEncoder else { return nil }
        let longer = examples.enumerated().filter { $1.tokens.count > context }
        guard let first = longer.first else { return nil }
        let subject =
            longer.count == 1
            ? "sequence \(first.offset) has" : "\(longer.count) sequences, of which the first is \(first.offset), have"
        let count = longer.map(\.element.tokens.count).max() ?? 0
        return "\(subject) more tokens than the model's context of \(context): "
            + (longer.count == 1 ? "\(count)" : "up to \(count)")
            + "; it was not made for their positions"
    }
}
