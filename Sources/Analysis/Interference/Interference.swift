import Graph
import InterventionDSL
import Models
import Session

/// How much one adapter's edits change because another one acts on the same rows before it.
///
/// At each site and row that both edit, with h the hidden state before either, a and b their edits:
///
///     |(b(a(h)) − a(h)) − (b(h) − h)| / |b(h) − h|
///
/// 0 means that the second does what it would do alone; 1 that its edit has changed by as much as it is large. Edits in
/// orthogonal subspaces do not interfere.
///
/// ```swift
/// let interference = try Interference(of: politeness, with: brevity, on: examples, model: model)
/// ```
public struct Interference: Hashable, Sendable, Encodable {
    /// One edited row.
    public struct Row: Hashable, Sendable, Encodable {
        /// The example, counted from 0.
        public var sequence: Int
        /// The row within its sequence, counted from 0.
        public var row: Int
        /// Of attention scores and patterns, the key; `row` is the query. Nil elsewhere.
        public var key: Int?
        /// The change of the second edit, as a share of its size; nil where alone it does nothing.
        public var change: Double?
    }

    /// A site that both edit.
    public struct Site: Hashable, Sendable, Encodable {
        /// The site, with its head if it is one, as `block_output.3`.
        public var site: String
        /// The positions of the second adapter's edit, in text form.
        public var positions: String
        /// The declaration of the second adapter.
        public var declaration: String
        /// The declarations of the first adapter at this site.
        public var others: [String]
        /// The mean change over the rows at which the second does something alone.
        public var mean: Double
        /// The largest change of a row.
        public var largest: Double
        /// Every row that the second adapter edits here.
        public var rows: [Row]
        /// The principal angles between their subspaces in degrees, where both have a rotation.
        public var principalAngles: [Double]?
    }

    /// The name of the adapter that acts first.
    public var first: String
    /// The name of the adapter whose edits are measured.
    public var second: String
    /// The sites that both edit, in the order of the second adapter's edits.
    public var sites: [Site]

    /// Runs the model once on the examples, with the first adapter and then the second.
    /// - Parameters:
    ///   - base: What to do about adapters that were trained on other weights.
    ///   - readTensor: Reads the files of constant tensors that the adapters' programs name.
    ///   - warn: Told about an adapter trained on the same weights in another storage type.
    /// - Throws: ``SessionError``, `ProgramErrors`, ``InputError``; ``SessionError`` too where they have no site in common
    ///   or were trained on another model.
    public init(
        of second: Adapter, with first: Adapter, on examples: [Example], model: Model, base: BasePolicy = .require,
        constantsIn readTensor: TensorReader = TensorReader(), warn: (String) -> Void = { _ in }
    ) throws {
        let watched = Set(second.program.declarations.compactMap(\.name))
        var watching = second
        watching.program = second.program.mapDeclarations { declaration in
            guard watched.contains(declaration.name ?? "") else { return declaration }
            var changed = declaration
            changed.intervention = ProbedEdit(inner: declaration.intervention)
            return changed
        }
        let composition = Composition([first, watching])
        let (acting, probed) = (composition.adapters[0], composition.adapters[1])
        let names = Set(probed.program.declarations.compactMap(\.name))
        let session = try Session(model, composing: composition, base: base, constantsIn: readTensor, warn: warn)
        let result = try session.run(examples)
        let values = Dictionary(result.collected.map { ($0.name, $0) }) { first, _ in first }
        let graph = try model.graph().graph

        (self.first, self.second) = (first.name, second.name)
        sites = []
        for hook in session.hookGraph.hooks where names.contains(hook.name) {
            let value = graph.site(hook.site)?.value
            let others = session.hookGraph.hooks.filter {
                !names.contains($0.name) && graph.site($0.site)?.value == value && value != nil
            }
            guard !others.isEmpty, let after = values["\(hook.collectedName).after"],
                let alone = values["\(hook.collectedName).alone"]
            else { continue }
            let places = try session.rows(of: hook, in: examples)
            let rows = places.enumerated().map { place, row in
                Row(sequence: row.sequence, row: row.row, key: row.key, change: Self.change(alone, after, place))
            }
            let changes = rows.compactMap(\.change)
            sites.append(
                Site(
                    site: "\(hook.shape)", positions: "\(hook.positions)", declaration: hook.name,
                    others: others.reduce(into: []) { if !$0.contains($1.name) { $0.append($1.name) } },
                    mean: changes.isEmpty ? 0 : changes.reduce(0, +) / Double(changes.count),
                    largest: changes.max() ?? 0, rows: rows,
                    principalAngles: Self.angles(hook, probed, others, acting)))
        }
        guard !sites.isEmpty else {
            throw SessionError.impossible(
                what: "'\(second.name)' after '\(first.name)'",
                reason: "they edit no site in common, and so can not interfere")
        }
    }

    private static func change(_ alone: RunResult.Matrix, _ after: RunResult.Matrix, _ row: Int) -> Double? {
        let range = row * alone.columns..<(row + 1) * alone.columns
        guard range.upperBound <= alone.values.count, range.upperBound <= after.values.count else { return nil }
        var (difference, size) = (0.0, 0.0)
        for place in range {
            let (one, other) = (Double(alone.values[place]), Double(after.values[place]))
            difference += (other - one) * (other - one)
            size += one * one
        }
        return size > 0 ? (difference / size).squareRoot() : nil
    }

    private static func angles(
        _ hook: Hook, _ probed: Adapter, _ others: [Hook], _ acting: Adapter
    ) -> [Double]? {
        for own in hook.parameters {
            for other in others.flatMap(\.parameters) {
                if let one = probed.parameters[own.fullName], let two = acting.parameters[other.fullName],
                    let angles = one.principalAngles(to: two)
                {
                    return angles
                }
            }
        }
        return nil
    }
}

extension Session {
    /// The rows that a hook edits, in the order of the edited rows of a batch; of attention, a row for each key of a query.
    func rows(of hook: Hook, in examples: [Example]) throws -> [(sequence: Int, row: Int, key: Int?)] {
        var found: [(sequence: Int, row: Int, key: Int?)] = []
        for (index, example) in examples.enumerated() {
            if hook.shape.rowSpace == .sequences {
                found.append((index, 0, nil))
                continue
            }
            let rows = try hook.positions.rows(in: context(of: example, index: index))
            guard hook.shape.rowSpace.isPaired else {
                found += rows.map { (index, $0, nil) }
                continue
            }
            let encoded = hook.shape.rowSpace == .crossPairs ? example.sources[RunInputs().encoder.run] : nil
            let keys = (encoded ?? example).tokens.count
            for row in rows { found += (0..<keys).map { (index, row, $0) } }
        }
        return found
    }
}
