import Graph

extension Program {
    /// Binds the program to a model's graph and checks everything that can be checked without weights.
    ///
    /// The graph must hold each of the program's runs that is edited or read.
    /// - Parameters:
    ///   - overlaps: What happens when two declarations edit the same rows of a site; nil for what the program says.
    ///   - shelves: The declarations whose parameters are those of a bank of adapters, by their names.
    ///   - tensors: Reads a constant row that the program refers to.
    ///   - checkTensor: Whether a matrix in a file can be had as the program refers to it; nothing is read.
    /// - Throws: All problems at once, each with the line it was declared on.
    public func bound(
        to graph: ComputationGraph, overlaps: OverlapPolicy? = nil, shelves: [String: BankShelf] = [:],
        tensors: (TensorReference) throws -> [Float] = { _ in throw TensorReference.Unavailable() },
        frozen checkTensor: ((TensorReference) throws -> Void)? = nil
    ) throws(ProgramErrors) -> HookGraph {
        let (order, readEachOther) = runOrder()
        var binder = Binder(self, graph, shelves: shelves)
        binder.bind(runs: order)
        if readEachOther { sort(&binder, tensors) }
        var problems = binder.problems
        for run in runs {
            guard let problem = run.name.nameProblem else { continue }
            problems.append(
                ProgramProblem(
                    location: "program", declaration: "",
                    error: .unusableName(what: "the name of a run", problem: problem)))
        }
        var notes: [ProgramProblem] = []
        let overlapping = HookOverlaps(of: binder.hooks, in: graph)
        var exclusive: [String: [ExclusiveRows]] = [:]
        switch overlaps ?? self.overlaps {
        case .chain:
            notes += overlapping.sure
        case .error:
            problems += overlapping.sure
            exclusive = overlapping.exclusive
        case .priority:
            let yielded = YieldedRows(overlapping)
            guard !yielded.isEmpty else { break }
            notes += yielded.notes
            let all = binder.hooks
            binder = Binder(self, graph, yielding: yielded, shelves: shelves)
            binder.bind(runs: order)
            if readEachOther { sort(&binder, tensors) }
            problems += yielded.silenced(of: all, leaving: binder.hooks)
        }
        let selections = binder.selectionOrder.map { selection in
            var checked = selection
            checked.exclusive = exclusive[selection.name] ?? []
            return checked
        }
        let (ownParameters, conflicts) = binder.hooks.sharedParameters()
        problems += conflicts
        let (trainable, trainedWeights, unmatched) = boundWeights(in: graph)
        problems += unmatched
        let parameters = ownParameters + trainedWeights
        let (constants, missing) = binder.hooks.constants(tensors)
        problems += missing + binder.hooks.missingFrozenTensors(checkTensor)
        let hookGraph = HookGraph(
            program: binder.program, runs: order, hooks: binder.hooks, parameters: parameters, trainable: trainable,
            selections: selections, masks: binder.masks, notes: notes, collectingRuns: [], tensors: constants)
        // A trial in training mode lets the interventions' own code speak before anything is run. Banks do not train.
        let trial = Splicer(hookGraph, into: graph, mode: shelves.isEmpty ? .train : .evaluate)
        trial.run(skipping: Set(problems.map(\.declaration)))
        problems += trial.problems
        // Edits that wait for each other were spliced in some order: what circle that gives says nothing.
        if !binder.hasCircle, let circle = trial.circle() { problems.append(circle) }
        guard problems.isEmpty else { throw ProgramErrors(problems.sortedByDeclaration(in: binder.program)) }
        let bound = HookGraph(
            program: binder.program, runs: order, hooks: binder.hooks, parameters: parameters, trainable: trainable,
            selections: selections, masks: binder.masks, notes: notes + trial.notes,
            collectingRuns: Set(trial.collected.map(\.site.run)), tensors: constants)
        return bound.notingUnreadRuns()
    }

    /// Sorts the hooks of runs that read each other. What an edit reads of its own run is known once it was spliced.
    private func sort(_ binder: inout Binder, _ tensors: (TensorReference) throws -> [Float]) {
        let trial = Splicer(
            HookGraph(
                program: binder.program, runs: [], hooks: binder.hooks, parameters: binder.hooks.sharedParameters().0,
                trainable: [], selections: binder.selectionOrder, masks: binder.masks, notes: [], collectingRuns: [],
                tensors: binder.hooks.constants(tensors).0),
            into: binder.graph, mode: .evaluate)
        trial.run()
        binder.sort(ownReads: trial.ownReads)
    }

    /// The runs with what is read before what reads it, otherwise in declared order; and whether some read each other,
    /// which have no such order.
    private func runOrder() -> ([String], readEachOther: Bool) {
        var order: [String] = []
        var open: Set<String> = []
        var readEachOther = false
        func visit(_ run: ProgramRun) {
            if order.contains(run.name) { return }
            guard open.insert(run.name).inserted else {
                readEachOther = true
                return
            }
            for source in run.declarations.flatMap(\.intervention.sources).compactMap(\.run) where source != run.name {
                if let other = runs.first(where: { $0.name == source }) { visit(other) }
            }
            order.append(run.name)
        }
        for run in runs { visit(run) }
        return (order, readEachOther)
    }
}

extension [ProgramProblem] {
    /// In the order in which the declarations are written; equal problems once.
    fileprivate func sortedByDeclaration(in program: Program) -> [ProgramProblem] {
        let names = program.runs.flatMap(\.declarations).map { $0.name ?? "" }
        let places = Dictionary(zip(names, names.indices)) { first, _ in first }
        var seen: Set<ProgramProblem> = []
        let distinct = filter { seen.insert($0).inserted }
        let ranked = distinct.enumerated().map { place, problem in
            (places[problem.declaration] ?? names.count, place, problem)
        }
        return ranked.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }
}

extension [Hook] {
    /// The parameters of all hooks, those of the same name once, and those that can not be the same.
    func sharedParameters() -> ([BoundParameter], [ProgramProblem]) {
        var parameters: [BoundParameter] = []
        var places: [String: Int] = [:]
        var problems: [ProgramProblem] = []
        for (place, hook) in enumerated() {
            for parameter in hook.parameters {
                let specification = parameter.specification
                guard let known = places[parameter.fullName] else {
                    places[parameter.fullName] = parameters.count
                    parameters.append(
                        BoundParameter(
                            name: parameter.fullName, specification: specification, hooks: [place],
                            capacity: hook.shelf?.capacity))
                    continue
                }
                let first = parameters[known].specification
                parameters[known].hooks.append(place)
                if (first.rows, first.columns) != (specification.rows, specification.columns) {
                    problems.append(
                        ProgramProblem(
                            location: "\(hook.location)", declaration: hook.name,
                            error: .differingParameters(
                                name: specification.name, first: "[\(first.rows), \(first.columns)]",
                                second: "[\(specification.rows), \(specification.columns)]")))
                }
            }
        }
        return (parameters, problems)
    }
}
