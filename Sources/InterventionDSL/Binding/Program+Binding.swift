import Graph

extension Program {
    /// Binds the program to a model's graph and checks everything that can be checked without weights.
    ///
    /// The graph must hold each of the program's runs that is edited or read.
    /// - Parameters:
    ///   - overlaps: What happens when two declarations edit the same rows of a site.
    ///   - tensors: Reads a constant tensor that the program refers to.
    /// - Throws: All problems at once, each with the line it was declared on.
    public func bound(
        to graph: ComputationGraph, overlaps: OverlapPolicy = .chain,
        tensors: (TensorReference) throws -> [Float] = { _ in throw TensorReference.Unavailable() }
    ) throws(ProgramErrors) -> HookGraph {
        let order: [String]
        do throws(InterventionError) {
            order = try runOrder()
        } catch {
            throw ProgramErrors([ProgramProblem(location: "program", declaration: "", error: error)])
        }
        var binder = Binder(self, graph)
        binder.bind(runs: order)
        var problems = binder.problems
        var notes: [ProgramProblem] = []
        let overlapping = binder.hooks.overlaps(in: graph)
        if case .refuse = overlaps { problems += overlapping } else { notes += overlapping }
        let (parameters, conflicts) = binder.hooks.sharedParameters()
        problems += conflicts
        let (constants, missing) = binder.hooks.constants(tensors)
        problems += missing
        let hookGraph = HookGraph(
            program: binder.program, runs: order, hooks: binder.hooks, parameters: parameters,
            selections: binder.selectionOrder, masks: binder.masks, notes: notes, tensors: constants)
        // A trial in training mode lets the interventions' own code speak before anything is run.
        let trial = Splicer(hookGraph, into: graph, mode: .train)
        trial.run(skipping: Set(problems.map(\.declaration)))
        problems += trial.problems
        if problems.isEmpty, let circle = trial.circle() { problems.append(circle) }
        guard problems.isEmpty else { throw ProgramErrors(problems.sortedByDeclaration(in: binder.program)) }
        return HookGraph(
            program: binder.program, runs: order, hooks: binder.hooks, parameters: parameters,
            selections: binder.selectionOrder, masks: binder.masks, notes: notes + trial.notes, tensors: constants)
    }

    /// The runs with what is read before what reads it, otherwise in declared order.
    private func runOrder() throws(InterventionError) -> [String] {
        var order: [String] = []
        var open: [String] = []
        func visit(_ run: ProgramRun) throws(InterventionError) {
            if order.contains(run.name) { return }
            if let start = open.firstIndex(of: run.name) { throw .runsInCircle(runs: Array(open[start...])) }
            open.append(run.name)
            for source in run.declarations.flatMap(\.intervention.sources) where source.run != run.name {
                if let other = runs.first(where: { $0.name == source.run }) { try visit(other) }
            }
            open.removeLast()
            order.append(run.name)
        }
        for run in runs { try visit(run) }
        return order
    }
}

extension [ProgramProblem] {
    /// In the order in which the declarations are written; equal problems once.
    fileprivate func sortedByDeclaration(in program: Program) -> [ProgramProblem] {
        let names = program.runs.flatMap(\.declarations).map { $0.name ?? "" }
        var seen: Set<ProgramProblem> = []
        let distinct = filter { seen.insert($0).inserted }
        let ranked = distinct.enumerated().map { place, problem in
            (names.firstIndex(of: problem.declaration) ?? names.count, place, problem)
        }
        return ranked.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }
}

extension [Hook] {
    /// Pairs of declarations that surely edit a common row of the same value.
    func overlaps(in graph: ComputationGraph) -> [ProgramProblem] {
        var problems: [ProgramProblem] = []
        var earlier: [ValueID: [Hook]] = [:]
        var reported: Set<String> = []
        for hook in self {
            guard let value = graph.site(hook.site)?.value else { continue }
            for other in earlier[value] ?? [] where other.name != hook.name {
                let sharesColumns =
                    other.columns.flatMap { left in hook.columns.map { left.overlaps($0) } } ?? true
                guard sharesColumns, hook.positions.expression.overlaps(other.positions.expression) == true,
                    reported.insert("\(other.name) \(hook.name)").inserted
                else { continue }
                problems.append(
                    ProgramProblem(
                        location: "\(hook.location)", declaration: hook.name,
                        error: .overlap(site: "\(hook.shape)", other: "'\(other.name)' (\(other.location))")))
            }
            earlier[value, default: []].append(hook)
        }
        return problems
    }

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
                        BoundParameter(name: parameter.fullName, specification: specification, hooks: [place]))
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
