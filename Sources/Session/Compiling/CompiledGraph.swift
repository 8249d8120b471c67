import Graph
import InterventionDSL
import Models
import Runtime

/// One variant of a session's graph, ready to run batches of any size.
final class CompiledGraph {
    let variant: GraphVariant
    /// The index inputs of the program that a batch must bind.
    let selections: [Selection]
    /// How many time steps the model's recurrences are unrolled into.
    let steps: Int
    /// The masks that a batch must bind, of subspaces that examples choose.
    let masks: [SubspaceMask]
    /// The places of rows of other sequences that a batch must bind.
    let shuffles: [RowShuffle]
    /// The rows of constant sources that a batch must bind.
    let constantPlaces: [ConstantRowPlaces]
    /// Edits of which those rows are computed that are read at the end, as a batch must say.
    let readEdits: [ReadEdit]
    let executor: Executor
    let values: GraphResults
    /// What is read from the activation store.
    let reused: ReusedPart?
    /// How many blocks have values that could be computed again for the gradients.
    let recomputableBlocks: Int
    /// What rows meet in each layer.
    let work: [LayerAddress: LayerWork]

    var plan: Plan { executor.plan }

    init(_ variant: GraphVariant, of session: Session) throws {
        self.variant = variant
        let (graph, outputs) = try session.modelGraph(usesKeyValueStore: variant.usesKeyValueStore)
        let spliced = try session.hookGraph.splice(
            into: graph, mode: variant.purpose == .train ? .train : .evaluate,
            decodingOnly: variant.purpose == .generate(.decode), measures: variant.measures)
        selections = spliced.selections
        masks = spliced.masks
        steps = graph.sites.map(\.steps.count).max() ?? 0
        shuffles = spliced.shuffles
        constantPlaces = spliced.constantPlaces

        var results = GraphResults(logits: outputs.logits.map(spliced.edited))
        results.collect(spliced, variant.purpose)
        // Of runs that nobody reads there is no batch.
        let computed = Set(session.neededRuns(for: variant.purpose.runs))
        results.measured = spliced.measured.filter { computed.contains(session.hookGraph.hooks[$0.hook].site.run) }
        var complete = spliced.graph
        if session.model.architecture.hasEncoder, case .generate(let phase) = variant.purpose {
            let encoded = EncodedValues(in: graph)
            switch phase {
            case .prompt: results.kept += encoded.kept(in: spliced)
            case .decode:
                // Edits of the encoder were measured with the prompts.
                results.measured.removeAll { session.isEncoder(session.hookGraph.hooks[$0.hook].site.run) }
                complete = results.following(
                    complete.cutting(encoded.inputs(in: spliced), keeping: results.all))
            }
        }
        if variant.hasUnedited {
            // What no edit reaches is the same expression, and is computed once.
            let appended = complete.appending(graph)
            complete = appended.graph
            results.addUnedited(graph, outputs, offset: appended.offset, variant.purpose)
        }
        if variant.hasLoss, let logits = results.logits {
            let builder = GraphBuilder(complete)
            let losses = LossBuilder(builder: builder, inputs: RunInputs(), kind: session.model.kind)
            // Classifiers have one row of logits for each sequence, and one label.
            let areLabelled = variant.demand == .labelledRows || !session.model.kind.scoresTokens
            results.loss = losses.loss(of: builder.value(logits), logitsAreLabelled: areLabelled).id
            complete = try builder.finish()
        }
        if variant.purpose == .train { results.logits = nil }
        let needed = (complete, results.all)
        var reused: ReusedPart?
        if variant.reuses, let cut = Self.cutting(complete, graph, spliced, results) {
            (complete, results, reused) = cut
        }
        // The edits of single adapters, of which those of a bank were made, must not be in the way of fusion.
        if session.bank != nil { complete = results.following(complete.removingDeadNodes(keeping: results.all)) }
        complete = results.following(complete.fusing(keeping: results.all))
        reused?.findPrefix(complete, spliced, results, variant.demand, session)
        self.reused = reused?.isEmpty == false ? reused : nil
        let narrowed = complete.computingReadRows(
            at: variant.readRows(RunInputs()), editedAt: variant.editedRows(spliced.selections), keeping: results.all)
        complete = results.following(narrowed.rewrite)
        readEdits = narrowed.edits
        complete = results.following(complete.mergingCommonSubexpressions())
        work = Dictionary(of: graph, needed, (complete, results.all))
        if variant.hasGradients, let loss = results.loss {
            complete = try results.differentiating(complete, loss)
            complete = results.following(complete.mergingCommonSubexpressions())
        }
        recomputableBlocks = variant.hasGradients ? complete.recomputableBlocks : 0
        if variant.recomputed != .none {
            complete = results.following(complete.recomputing(variant.recomputed, keeping: results.all))
        }
        values = results
        executor = try Executor(
            Plan(complete, outputs: results.all), weights: session.weights, precision: session.precision)
    }
}

/// The values of a graph that a session reads; passes over the graph take them along.
struct GraphResults {
    var logits: ValueID?
    var loss: ValueID?
    /// What the program collects, then the sites that were asked for.
    var collected: [(name: String, value: ValueID)] = []
    /// The logits and the sites that were asked for, without the program.
    var unedited: [(name: String, value: ValueID)] = []
    /// What the prompts leave for decode steps.
    var kept: [(name: String, value: ValueID)] = []
    /// How much each hook changes.
    var measured: [MeasuredEdit] = []
    /// The gradients of the parameters that the loss depends on.
    var gradients: [(name: String, value: ValueID)] = []

    init(logits: ValueID?) { self.logits = logits }

    var all: [ValueID] {
        [logits, loss].compactMap { $0 } + collected.map(\.value) + unedited.map(\.value) + kept.map(\.value)
            + measured.flatMap { [$0.change, $0.size].compactMap { $0 } } + gradients.map(\.value)
    }

    mutating func collect(_ spliced: SplicedGraph, _ purpose: GraphVariant.Purpose) {
        collected = spliced.collected.map { ($0.name, $0.value) }
        if purpose == .generate(.prompt) { kept = spliced.kept.map { ($0.name, $0.value) } }
        guard case .inspect(let sites) = purpose else { return }
        for id in sites {
            if let site = spliced.graph.site(id) { collected.append(("\(id)", site.value)) }
        }
    }

    mutating func addUnedited(
        _ graph: ComputationGraph, _ outputs: ModelOutputs, offset: Int, _ purpose: GraphVariant.Purpose
    ) {
        func appended(_ value: ValueID) -> ValueID { ValueID(value.node + offset, value.result) }
        if let logits = outputs.logits { unedited.append(("logits", appended(logits))) }
        guard case .inspect(let sites) = purpose else { return }
        for id in sites {
            if let site = graph.site(id) { unedited.append(("\(id)", appended(site.value))) }
        }
    }

    /// Moves the values to where a pass has put them, and gives the pass's graph.
    mutating func following(_ rewrite: GraphRewrite) -> ComputationGraph {
        logits = logits.flatMap { rewrite[$0] }
        loss = loss.flatMap { rewrite[$0] }
        collected = collected.compactMap { entry in rewrite[entry.value].map { (entry.name, $0) } }
        unedited = unedited.compactMap { entry in rewrite[entry.value].map { (entry.name, $0) } }
        kept = kept.compactMap { entry in rewrite[entry.value].map { (entry.name, $0) } }
        measured = measured.map { edit in
            MeasuredEdit(
                hook: edit.hook, change: edit.change.flatMap { rewrite[$0] }, size: edit.size.flatMap { rewrite[$0] })
        }
        gradients = gradients.compactMap { entry in rewrite[entry.value].map { (entry.name, $0) } }
        return rewrite.graph
    }

    /// Adds the gradients of the loss with respect to all parameters of the graph.
    mutating func differentiating(
        _ graph: ComputationGraph, _ loss: ValueID
    ) throws(GraphProblems) -> ComputationGraph {
        var parameters: [(name: String, value: ValueID)] = []
        for (id, node) in graph.nodes.enumerated() {
            if case .parameter(let name) = node.operation { parameters.append((name, ValueID(id))) }
        }
        let differentiated = try graph.differentiating(loss, withRespectTo: parameters.map(\.value))
        gradients = zip(parameters, differentiated.gradients).compactMap { parameter, gradient in
            gradient.map { (parameter.name, $0) }
        }
        return differentiated.graph
    }
}
