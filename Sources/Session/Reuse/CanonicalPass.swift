import Graph
import InterventionDSL
import Models
import Runtime

/// The frozen model without any program, run on one sequence at a time: what is stored of a sequence always comes from
/// here, so that it has the same bits whether it was just computed, was stored, or was dropped and computed again.
final class CanonicalPass {
    /// The sites whose values it gives, of the base run.
    private let sites: [SiteID]
    /// The slots whose keys and values it gives.
    private let slots: [KeyValueSlot]
    /// Keeps the model, whose identity the store knows it by.
    private let model: Model
    private let values: [ValueID]
    private let executor: Executor

    /// - Parameter slots: The numbers of the slots whose keys and values are wanted.
    init(_ model: Model, sites: [SiteID], slots: Set<Int>, precision: ProductPrecision) throws {
        self.model = model
        self.sites = sites
        let (graph, ends) = try model.graph(options: BuildOptions(usesKeyValueStore: !slots.isEmpty))
        let known = graph.sitesByAddress()
        var outputs: [ValueID] = []
        for id in sites {
            guard let site = known[id] else {
                throw InterventionError.unknownComponent(name: "\(id)", known: graph.sites.map { "\($0.id)" })
            }
            outputs.append(site.value)
        }
        let read = slots.isEmpty ? outputs : outputs + [ends.lastHiddenState]
        let merged = graph.fusing(keeping: read).then { $0.mergingCommonSubexpressions() }
        values = outputs.compactMap { merged[$0] }
        // An attention stores its keys and values when it is computed.
        let storing = merged.graph.nodes.indices.filter { id in
            guard case .attention(let attributes) = merged.graph.nodes[id].operation, let slot = attributes.store
            else { return false }
            return slots.contains(slot)
        }
        let plan = try Plan(merged.graph, outputs: values + storing.map { ValueID($0) })
        self.slots = plan.keyValueSlots.filter { slots.contains($0.slot) }
        executor = try Executor(plan, weights: model.weights, precision: precision)
    }

    /// Runs a sequence.
    /// - Parameters:
    ///   - firstRow: The first row whose values are kept.
    ///   - prefix: How many rows' keys and values are kept.
    func run(_ example: Example, keepingRowsFrom firstRow: Int, prefix: Int) throws -> StoredActivations {
        let batch = RaggedBatch([example], demand: .everyRow)
        let binder = BatchBinder(selections: [], matching: nil)
        let inputs = try binder.inputs([Program.baseName: BatchBinder.RunBatch(batch)])
        let store = slots.isEmpty ? nil : KeyValueStore(executor.plan.keyValueSlots, sequences: 1)
        try executor.run(inputs, keyValues: store)
        var stored = StoredActivations(firstRow: firstRow)
        for (site, value) in zip(sites, values) {
            stored.values[site] = try executor.output(of: value).rows(from: firstRow).floats()
        }
        if let store, prefix > 0 { stored.prefix = KeyValuePrefix(of: 0, in: store, rows: prefix, slots: slots) }
        return stored
    }
}

/// What is stored of one sequence.
struct StoredActivations {
    /// The first row whose values are stored.
    var firstRow: Int
    /// The values of sites of the base run from that row on, row after row.
    var values: [SiteID: [Float]] = [:]
    /// Keys and values of the first rows.
    var prefix: KeyValuePrefix?

    init(firstRow: Int) { self.firstRow = firstRow }

    var bytes: Int { values.values.reduce(0) { $0 + 4 * $1.count } + (prefix?.bytes ?? 0) }
}
