import Graph

/// Appends the nodes of every hook to a graph and keeps count of which value of each site is the newest.
final class Splicer {
    let hookGraph: HookGraph
    let original: ComputationGraph
    let mode: EditMode
    let builder: GraphBuilder
    /// The frozen tensors of the graph by name.
    let weights: [String: ValueID]
    /// The sites of the graph by their addresses.
    let sites: [SiteID: Site]
    private(set) var newest: [ValueID: ValueID] = [:]
    /// The averages that the hook at hand is within, outermost first.
    private var averages: [OpenAverage] = []
    private(set) var collected: [CollectedValue] = []
    private(set) var kept: [KeptValue] = []
    private var keptNames: Set<String> = []
    private(set) var measured: [MeasuredEdit] = []
    private(set) var problems: [ProgramProblem] = []
    private(set) var notes: [ProgramProblem] = []
    /// The sources that the edit at hand has read so far, by their places in the intervention's list.
    var readSources: Set<Int> = []

    /// For each hook the values of its own run, besides sources, that its edit reads as edited so far.
    private(set) var ownReads: [Int: Set<ValueID>] = [:]

    private var noted: Set<ProgramProblem> = []
    private let decodingOnly: Bool
    /// The run of the encoder that the base run attends to, whose rows are not stored with those of the prompts.
    private let recomputedRun: String?
    private let measures: Bool
    /// The place of the hook that is being spliced.
    private var hookIndex = 0

    init(
        _ hookGraph: HookGraph, into graph: ComputationGraph, mode: EditMode, decodingOnly: Bool = false,
        measures: Bool = false
    ) {
        self.hookGraph = hookGraph
        original = graph
        self.mode = mode
        sites = graph.sitesByAddress()
        self.decodingOnly = decodingOnly
        self.measures = measures
        builder = GraphBuilder(graph)
        let base = RunInputs()
        recomputedRun =
            graph.sites.contains { $0.rowSpace == .crossPairs && $0.id.run == base.run } ? base.encoder.run : nil
        var weights: [String: ValueID] = [:]
        for (id, node) in graph.nodes.enumerated() {
            if case .weight(let name) = node.operation { weights[name] = ValueID(id) }
        }
        self.weights = weights
    }

    /// Splices every hook but those of the named declarations.
    func run(skipping names: Set<String> = []) {
        for (index, hook) in hookGraph.hooks.enumerated() where !names.contains(hook.name) {
            hookIndex = index
            // What the other runs give was computed with the prompts.
            if decodingOnly, !hook.reachesGeneratedRows, hook.site.run != recomputedRun { continue }
            enter(hook.branches, run: hook.site.run)
            guard let site = sites[hook.site] else {
                let known = original.sites.map { "\($0.id)" }
                report(.unknownComponent(name: "\(hook.site)", known: known), hook)
                continue
            }
            let known = builder.problems.count
            do {
                try builder.from(.declaration(index: hook.declarationIndex, name: hook.name)) {
                    try applyAtSteps(hook, site)
                }
            } catch let error as InterventionError {
                report(error, hook)
            } catch {
                report(.edit(site: "\(hook.shape)", message: "\(error)"), hook)
            }
            for problem in builder.problems[known...] {
                report(.edit(site: "\(hook.shape)", message: problem.message), hook)
            }
        }
        enter([], run: "")
    }

    /// The value that users of a value read at this point of the program.
    func current(_ value: ValueID) -> ValueID { newest[value] ?? value }

    /// The selected rows, whole and cut to the columns.
    func read(_ value: ValueID, _ selection: Selection?, _ columns: Range<Int>?) -> (rows: Value, part: Value) {
        var rows = builder.value(value)
        if let selection { rows = rows.rows(at: input(selection)) }
        return (rows, columns.map { rows.columns($0) } ?? rows)
    }

    /// The newest value of what a hook reads, or the input that a decode step gets in its place.
    func kept(_ value: ValueID, for hook: Hook, _ place: Int, _ source: HookSource) -> ValueID {
        guard hook.reachesGeneratedRows, source.selection?.isKept == true else { return current(value) }
        let name = "kept.\(hookIndex).\(place)"
        let type = original.type(of: value)
        if decodingOnly {
            return builder.input(name, .real(.named("\(name).rows"), type.shape.columns)).id
        }
        if keptNames.insert(name).inserted { kept.append(KeptValue(name: name, value: current(value))) }
        return current(value)
    }

    /// Notes that the edit at hand reads a value of its own run.
    func noteOwnRead(_ value: ValueID) { ownReads[hookIndex, default: []].insert(value) }

    private func input(_ selection: Selection) -> Value { builder.input(selection.name, .indices(selection.count)) }

    /// The states of a recurrence are edited step by step, so that each step starts from what the one before became.
    /// The edit sees all selected rows each time; those of later steps are zero yet and its results there are dropped.
    private func applyAtSteps(_ hook: Hook, _ site: Site) throws {
        // What only reads sees the states of all steps.
        guard !site.steps.isEmpty, !(hook.intervention is Collect) else { return try apply(hook, site) }
        let collectedCount = collected.count
        for step in site.steps {
            var version = site
            version.value = step
            try apply(hook, version)
        }
        if collected.count > collectedCount {
            throw InterventionError.edit(
                site: "\(hook.shape)",
                message: "an edit of a recurrence's states can not collect too; declare Collect beside it")
        }
    }

    private func apply(_ hook: Hook, _ site: Site) throws {
        let base = current(site.value)
        let (rows, part) = read(base, hook.selection, hook.columns)
        var context = EditContext(self, hook, site)
        readSources = []
        let first = builder.graph.nodes.count
        var edited = try hook.intervention.edit(part, in: &context)
        guard edited.builder === builder else {
            throw InterventionError.edit(site: "\(hook.shape)", message: "the edit gives a value of another graph")
        }
        guard edited.type == part.type else {
            throw InterventionError.editShape(
                site: "\(hook.shape)", given: "\(edited.type)", wanted: "\(part.type)")
        }
        if let shelf = hook.shelf { try bank(shelf, hook, &edited, &context.collected, from: first) }
        for (suffix, value) in context.collected {
            let name = hook.collectedName + (suffix.map { ".\($0)" } ?? "")
            collected.append(
                CollectedValue(name: name, value: value.id, site: hook.site, selection: hook.selection))
        }
        noteUnused(of: hook, context.usedParameters)
        if edited.id == part.id {
            if context.collected.isEmpty {
                throw InterventionError.neverFires(
                    reason: "on \(hook.shape) its edit gives back the rows it was given and collects nothing")
            }
            if measures { measured.append(MeasuredEdit(hook: hookIndex)) }
            return
        }
        if hook.scale != 1 || hook.subspace != nil {
            let change = try restricted(edited - part, hook, usesSubspace: context.usesSubspace)
            edited = part + (hook.scale == 1 ? change : change * hook.scale)
        }
        if let number = builder.graph.numberBeyondFloats(from: first) {
            throw InterventionError.edit(
                site: "\(hook.shape)", message: "it uses the number \(number), which is not within the range of f32")
        }
        if measures {
            measured.append(
                MeasuredEdit(
                    hook: hookIndex, before: part, after: edited, weight: hook.branches.reduce(1) { $0 * $1.weight }))
        }
        newest[site.value] = write(edited, hook.selection, hook.columns, into: base, rows)
        averages.last?.record(BranchEdit(hook, before: part, after: edited), of: site.value)
    }

    /// Lets each row meet the parameters of its own adapter.
    private func bank(
        _ shelf: BankShelf, _ hook: Hook, _ edited: inout Value, _ collected: inout [(suffix: String?, value: Value)],
        from first: NodeID
    ) throws(InterventionError) {
        guard let selection = hook.selection else { return }
        let adapters = builder.input(Selection.adaptersName(selection.name), .indices(selection.count))
        var bank = BankedEdit(builder, hook, capacity: shelf.capacity, adapters: adapters)
        let values = try bank.rewriting([edited] + collected.map(\.value), from: first)
        if edited.id != values[0].id { edited = values[0] }
        for place in collected.indices { collected[place].value = values[place + 1] }
    }

    /// The value with the rows and columns replaced; `rows` are the selected ones, whole.
    func write(
        _ part: Value, _ selection: Selection?, _ columns: Range<Int>?, into base: ValueID, _ rows: Value
    ) -> ValueID {
        var edited = part
        if let columns { edited = rows.replacingColumns(from: columns.lowerBound, with: edited) }
        if let selection { edited = builder.value(base).replacingRows(at: input(selection), with: edited) }
        return edited.id
    }

    /// Notes the parameters and sources that an intervention declares in vain.
    private func noteUnused(of hook: Hook, _ used: Set<String>) {
        for parameter in hook.parameters where !used.contains(parameter.specification.name) {
            note("it declares the parameter '\(parameter.specification.name)' and does not use it", hook)
        }
        for (place, source) in hook.intervention.sources.enumerated() where !readSources.contains(place) {
            let what = source.run.map { "of the run '\($0)'" } ?? "a constant"
            note("it declares source \(place), \(what), and does not read it", hook)
        }
    }

    private func note(_ message: String, _ hook: Hook) {
        let note = hook.problem(.edit(site: "\(hook.shape)", message: message))
        // The steps of a recurrence and the sides of a union have the same to say.
        if noted.insert(note).inserted { notes.append(note) }
    }

    private func report(_ error: InterventionError, _ hook: Hook) {
        problems.append(ProgramProblem(location: "\(hook.location)", declaration: hook.name, error: error))
    }

    /// FNV-1a of a name, so that a stream does not depend on what else is declared.
    static func stream(named name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}

// MARK: - Averages

extension Splicer {
    /// Closes the averages and members that a hook is not within, and opens those that it is.
    private func enter(_ branches: [ParallelBranch], run: String) {
        var shared = 0
        while shared < averages.count, shared < branches.count, averages[shared].contains(branches[shared], run) {
            shared += 1
        }
        while averages.count > shared, let average = averages.last {
            newest = average.closeBranch(newest, self)
            let place = averages.count - 1
            if place == shared, place < branches.count, average.isAround(branches[place], run) {
                average.open(branches[place])
                break
            }
            averages.removeLast()
            let sums = average.sums
            newest.merge(sums) { $1 }
            if let outer = averages.last { for value in sums.keys { outer.recordSeveral(of: value) } }
        }
        for (place, branch) in branches.enumerated().dropFirst(shared) where place >= averages.count {
            averages.append(OpenAverage(branch, run: run, start: newest))
        }
    }
}

// MARK: - The result

extension Splicer {
    /// The graph in which everything reads the newest values.
    ///
    /// - Parameter freezing: Leaves trained weights of the model what they are in its own graph.
    func spliced(freezing: Bool = false) throws(ProgramErrors) -> SplicedGraph {
        guard problems.isEmpty else { throw ProgramErrors(problems) }
        do throws(GraphCycle) {
            let rewired = try builder.graph.rewiring(newest, inNodesBefore: original.nodes.count)
            let inputs: Set<String> = Set(
                rewired.graph.nodes.compactMap { if case .input(let name) = $0.operation { name } else { nil } })
            var parameters: [String: ParameterSpecification] = [:]
            for parameter in hookGraph.parameters { parameters[parameter.name] = parameter.specification }
            return SplicedGraph(
                graph: freezing ? rewired.graph : rewired.graph.training(hookGraph.trainedWeights), mode: mode,
                collected: collected.map { $0.moved(by: rewired) },
                kept: kept.map { $0.moved(by: rewired) }, measured: measured.map { $0.moved(by: rewired) },
                parameters: parameters,
                selections: hookGraph.selections.filter { inputs.contains($0.name) },
                masks: hookGraph.masks.filter { inputs.contains($0.name) },
                shuffles: hookGraph.hooks.map(\.shuffle).filter { inputs.contains($0.name) },
                constantPlaces: hookGraph.hooks.flatMap(\.constantPlaces).filter { inputs.contains($0.name) },
                places: rewired.places,
                newest: newest)
        } catch {
            throw ProgramErrors([problem(for: error)])
        }
    }

    /// What the circle is, if there is one.
    func circle() -> ProgramProblem? {
        do throws(GraphCycle) {
            _ = try builder.graph.rewiring(newest, inNodesBefore: original.nodes.count)
            return nil
        } catch {
            return problem(for: error)
        }
    }

    /// Names the sites that a circle runs through, beginning with one whose edit closes it.
    private func problem(for cycle: GraphCycle) -> ProgramProblem {
        let nodes = cycle.nodes
        // The circle is closed where a node of the model reads an edited value in place of a site's own.
        var start = 0
        var edited: ValueID?
        for (place, node) in nodes.enumerated() where node < original.nodes.count && edited == nil {
            let previous = nodes[(place + nodes.count - 1) % nodes.count]
            edited = original.nodes[node].inputs.first { newest[$0]?.node == previous }
            start = place
        }
        let hook = hookGraph.hooks.last { sites[$0.site]?.value == edited && edited != nil }
        var steps = [hook.map { "\($0.site)" } ?? "the edit"]
        for node in nodes[start...] + nodes[..<start] {
            let step: String? =
                if case .declaration(_, let name) = builder.graph.nodes[node].provenance {
                    name == hook?.name ? nil : "'\(name)'"
                } else {
                    original.sites.first { $0.value.node == node }.map { "\($0.id)" }
                }
            if let step, steps.last != step { steps.append(step) }
        }
        return ProgramProblem(
            location: hook.map { "\($0.location)" } ?? "program", declaration: hook?.name ?? "",
            error: .readsItself(path: (steps + steps.prefix(1)).joined(separator: " → ")))
    }
}
