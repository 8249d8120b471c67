import Graph
import InterventionDSL
import Models
import Runtime

/// The part of a graph that is not computed but read from the activation store, and what remains.
struct ReusedPart {
    /// An input in place of a value of the model that no edit reaches.
    struct StoredValue {
        /// The name of the graph's input.
        var input: String
        var run: String
        /// The site of the base run that has the same value on the same sequence.
        var site: SiteID
        var width: Int
    }

    let values: [StoredValue]
    /// The slots whose keys and values are read of rows of the base run before the first one that is edited or read; nil
    /// where such rows are live like all others.
    private(set) var prefixSlots: [KeyValueSlot]?

    /// Whether there is nothing that is not computed.
    var isEmpty: Bool { values.isEmpty && prefixSlots == nil }
}

extension CompiledGraph {
    /// Cuts off what no edit reaches.
    ///
    /// - Parameters:
    ///   - original: The model's graph before the program was spliced into it.
    ///   - given: The values that are read.
    /// - Returns: the rest of the graph, where the values are in it and what it reads; nil where nothing can be known of
    ///   what is left out.
    static func cutting(
        _ complete: ComputationGraph, _ original: ComputationGraph, _ spliced: SplicedGraph, _ given: GraphResults
    ) -> (graph: ComputationGraph, results: GraphResults, reused: ReusedPart)? {
        // The states of a recurrence are rows of a sequence's time steps, which no pass over the model alone is given.
        guard original.sites.allSatisfy(\.steps.isEmpty) else { return nil }
        var results = given
        var offered: [ValueID: SiteID] = [:]
        for site in original.sites + original.moduleSites
        where original.type(of: site.value).shape.rows == RunInputs(run: site.id.run).rows {
            let value = spliced.unedited(site.value)
            if offered[value] == nil { offered[value] = site.id }
        }
        let shuffled = Set(spliced.shuffles.map(\.name))
        // What reads an edited value is reached, even where the edit is but another value of the model.
        var isRewired = [Bool](repeating: false, count: complete.nodes.count)
        for (id, node) in original.nodes.enumerated() {
            let place = spliced.unedited(ValueID(id)).node
            isRewired[place] = spliced.graph.nodes[place].inputs != node.inputs.map(spliced.unedited)
        }
        let frontier = complete.unreachedFrontier(for: results.all, offering: Set(offered.keys)) { id, node in
            if isRewired[id] { return true }
            switch node.operation {
            case .parameter, .random: return true
            case .input(let name) where shuffled.contains(name): return true
            default:
                if case .declaration = node.provenance { return true } else { return false }
            }
        }
        var names: [ValueID: String] = [:]
        var values: [ReusedPart.StoredValue] = []
        for value in frontier {
            guard var site = offered[value] else { continue }
            let (name, run) = ("stored.\(site)", site.run)
            site.run = Program.baseName
            names[value] = name
            values.append(
                ReusedPart.StoredValue(
                    input: name, run: run, site: site,
                    width: complete.type(of: value).shape.columns.fixedValue ?? 0))
        }
        let rest = results.following(complete.cutting(names, keeping: results.all))
        return (rest, results, ReusedPart(values: values))
    }
}

extension ReusedPart {
    /// Finds out whether the rows of the base run before the first one that is edited or read can be left out, because later
    /// rows meet them as stored keys and values only.
    ///
    /// - Parameter graph: The rest of the graph after fusion, which decides what attention is one operation.
    mutating func findPrefix(
        _ graph: ComputationGraph, _ spliced: SplicedGraph, _ results: GraphResults, _ demand: Demand,
        _ session: Session
    ) {
        let inputs = RunInputs()
        guard session.model.kind == .causalLanguageModel, demand != .everyRow,
            // A trained weight changes all rows.
            !graph.nodes.contains(where: \.isTrainedWeight),
            // Rows that an edit reads elsewhere in the base run can lie before the first edited one.
            !spliced.selections.contains(where: { $0.run == inputs.run && ($0.isPaired || $0.rowSpace.isPaired) }),
            !session.hookGraph.hooks.contains(where: {
                $0.site.run == inputs.run && $0.selection == nil && $0.shape.rowSpace != .demanded
            }),
            !results.all.contains(where: { graph.type(of: $0).shape.rows == inputs.rows })
        else { return }
        let indices = Set(
            spliced.selections.map(\.name) + [inputs.tokens, inputs.demanded, inputs.labelled, inputs.lastRows])
        let needed = graph.ancestors(of: results.all)
        var slots: [KeyValueSlot] = []
        for (id, node) in graph.nodes.enumerated() where needed[id] {
            guard graph.actsOnRowsAlone(id, inputs.rows, indices: indices) else { return }
            guard case .attention(let attributes) = node.operation, let slot = attributes.store else { continue }
            slots.append(
                KeyValueSlot(
                    slot: slot, keyWidth: attributes.keyHeads * attributes.headSize,
                    valueWidth: attributes.keyHeads * attributes.valueSize))
        }
        prefixSlots = slots.sorted { $0.slot < $1.slot }
    }
}

extension ComputationGraph {
    /// Whether a node gives later rows the same without the first rows of each sequence, but for keys and values that
    /// attention reads from a store.
    /// - Parameter indices: The inputs that mean none of the first rows.
    fileprivate func actsOnRowsAlone(_ id: NodeID, _ rows: Dimension, indices: Set<String>) -> Bool {
        let node = nodes[id]
        func isOfRows(_ value: ValueID) -> Bool { type(of: value).shape.rows == rows }
        switch node.operation {
        case .attention(let attributes):
            guard node.inputs.first.map(isOfRows) ?? false else { return true }
            return attributes.causal && attributes.store != nil && !attributes.hasParameterKeys
        case .gatherRows:
            guard isOfRows(node.inputs[0]) else { return true }
            guard case .input(let name) = nodes[node.inputs[1].node].operation else { return false }
            return indices.contains(name)
        case .random: return !isOfRows(ValueID(id))
        case .sum(.rows), .sum(.all), .transpose, .matmul(true, _), .attentionScores, .attentionPattern, .attentionMix,
            .positionBias:
            return !node.inputs.contains(where: isOfRows)
        default: return true
        }
    }
}

extension ComputationGraph {
    /// The numbers of the model's matrices that a row of each run is multiplied with in some nodes, by run; the logits, which
    /// few rows have, do not count.
    func weightWork(of needed: [Bool]) -> [String: Int] {
        var work: [String: Int] = [:]
        for (id, node) in nodes.enumerated() where needed[id] {
            guard case .matmul = node.operation, node.inputs.count > 1,
                nodes[node.inputs[1].node].isWeight,
                case .symbol(let symbol) = type(of: node.inputs[0]).shape.rows,
                symbol.name.hasSuffix(".rows"), !symbol.name.hasSuffix(".demanded.rows")
            else { continue }
            let shape = type(of: node.inputs[1]).shape
            work[String(symbol.name.dropLast(".rows".count)), default: 0] +=
                (shape.rows.fixedValue ?? 0) * (shape.columns.fixedValue ?? 0)
        }
        return work
    }
}

extension ComputationGraph {
    /// The part of ``weightWork(of:)`` that is done a second time.
    func recomputedWork() -> [String: Int] {
        weightWork(
            of: nodes.map { node in
                if case .recomputed = node.provenance { true } else { false }
            })
    }
}

extension Node {
    /// Whether it is a matrix of the model, trained or not.
    fileprivate var isWeight: Bool {
        if case .weight = operation { true } else { isTrainedWeight }
    }

    fileprivate var isTrainedWeight: Bool {
        guard case .parameter = operation, case .model = provenance else { return false }
        return true
    }
}
