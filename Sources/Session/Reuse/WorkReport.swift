import InterventionDSL

/// What is computed of a model's layers for a batch, what is read from the activation store, and what nobody reads.
///
/// Counted in rows; of a layer that is computed in part each row counts by the part of the layer's matrices that it meets.
/// Attention and edits are not counted.
public struct WorkReport: Hashable, Sendable, Codable {
    /// One layer of one run.
    public struct Layer: Hashable, Sendable, Codable {
        /// The run's name.
        public var run: String
        /// Counted from 0.
        public var layer: Int
        /// The rows of all sequences.
        public var rows: Int
        /// Rows that are computed each time.
        public var computed: Double
        /// Rows that are read from the activation store; where they are not in it yet they are computed once.
        public var reused: Double
        /// Rows that nobody reads, so that they are never computed.
        public var notRead: Double
    }

    /// Run by run, the base run first, layer by layer.
    public var layers: [Layer]

    /// Rows × layers that are computed each time.
    public var computed: Double { layers.reduce(0) { $0 + $1.computed } }
    /// Rows × layers that are read from the activation store.
    public var reused: Double { layers.reduce(0) { $0 + $1.reused } }
    /// Rows × layers that nobody reads.
    public var notRead: Double { layers.reduce(0) { $0 + $1.notRead } }
    /// Rows × layers of all runs.
    public var whole: Int { layers.reduce(0) { $0 + $1.rows } }
}

extension WorkReport: CustomStringConvertible {
    /// `computes 41.5 of 160 rows × layers, reads 96 from the store; 22.5 are read by nobody`
    public var description: String {
        "computes \(Self.text(computed)) of \(whole) rows × layers, reads \(Self.text(reused)) from the store; "
            + "\(Self.text(notRead)) are read by nobody"
    }

    /// A number with at most one digit behind the point.
    public static func text(_ number: Double) -> String {
        let rounded = (10 * number).rounded() / 10
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}

extension Session {
    /// What a batch would make the model compute, before anything is run. With an activation store
    /// (``activations``) what no edit reaches counts as read from it.
    /// - Throws: ``InputError`` for sequences that do not fit, or what compiling the program throws.
    public func workReport(for examples: [Example], _ purpose: SessionPurpose) throws -> WorkReport {
        try validate(examples)
        return try work(of: compiledGraph(graphVariant(for: purpose, of: examples)), on: examples)
    }

    func work(of compiled: CompiledGraph, on examples: [Example]) throws -> WorkReport {
        let variant = compiled.variant
        let batch = RaggedBatch(examples, demand: variant.demand)
        var layers: [WorkReport.Layer] = []
        for (name, run) in runBatches(batch) {
            let isBase = name == Program.baseName
            let rows = run.batch.rowCount
            var live = rows
            if isBase, compiled.reused?.prefixSlots != nil {
                live = try examples.enumerated().reduce(0) { count, example in
                    let first = try firstLiveRow(
                        of: example.element, example.offset, variant.demand, compiled.selections)
                    return count + example.element.tokens.count - first
                }
            }
            let read = model.kind.scoresTokens ? run.batch.demanded.count : run.batch.examples.count
            for (address, work) in compiled.work where address.run == name && work.whole > 0 {
                func part(_ numbers: Int) -> Double { Double(numbers) / Double(work.whole) }
                let stored = max(0, work.needed - work.onLiveRows - work.onReadRows)
                let computed = part(work.onLiveRows) * Double(live) + part(work.onReadRows) * Double(read)
                // Rows before the live ones are stored of what is computed on live rows, whole of what is not computed.
                let reused =
                    part(stored) * Double(rows)
                    + (live < rows ? part(work.onLiveRows + work.onReadRows) * Double(rows - live) : 0)
                layers.append(
                    WorkReport.Layer(
                        run: name, layer: address.layer, rows: rows, computed: computed, reused: reused,
                        notRead: max(0, Double(rows) - computed - reused)))
            }
        }
        let base = Program.baseName
        return WorkReport(
            layers: layers.sorted {
                ($0.run == base ? "" : $0.run, $0.layer) < ($1.run == base ? "" : $1.run, $1.layer)
            })
    }
}
