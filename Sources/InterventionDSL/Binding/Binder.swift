import Graph

/// Turns the declarations of a program into hooks, and collects everything that is wrong on the way.
struct Binder {
    let program: Program
    let graph: ComputationGraph
    var hooks: [Hook] = []
    /// Where the parameters of each hook are among those of its declaration: `15`, `15.f7`.
    var parameterPaths: [String] = []
    /// Whether there are edits that wait for each other.
    private(set) var hasCircle = false
    private(set) var problems: [ProgramProblem] = []
    private var selections: [SelectionKey: Selection] = [:]
    private(set) var selectionOrder: [Selection] = []
    var masks: [SubspaceMask] = []
    /// The rows that hooks leave to others.
    private let yielded: YieldedRows
    /// The shelves of declarations whose parameters are those of a bank.
    private let shelves: [String: BankShelf]
    /// One for each run that is edited or read.
    private var resolvers: [String: SiteResolver] = [:]

    init(
        _ program: Program, _ graph: ComputationGraph, yielding yielded: YieldedRows = YieldedRows(),
        shelves: [String: BankShelf] = [:]
    ) {
        self.program = program.withNames()
        self.graph = graph
        self.yielded = yielded
        self.shelves = shelves
    }

    /// Two hooks with the same key share one index input.
    private struct SelectionKey: Hashable {
        var run: String
        var positions: PositionsPart
        var rowSpace: RowSpace
        var count: Dimension?
    }

    mutating func bind(runs: [String]) {
        checkNames()
        for name in runs {
            let resolver = resolver(name)
            for run in program.runs where run.name == name {
                for (index, declaration) in run.declarations.enumerated() {
                    bind(declaration, index, run: name, resolver)
                }
            }
        }
        shareParameters()
    }

    /// Puts the hooks of runs that read each other in the order in which they are spliced.
    /// - Parameter ownReads: What their edits read of their own run besides sources; see ``Splicer/ownReads``.
    mutating func sort(ownReads: [Int: Set<ValueID>]) {
        let order = HookOrder(of: hooks, in: graph, ownReads: ownReads)
        hooks = order.places.map { hooks[$0] }
        if let circle = order.problem(in: program) {
            hasCircle = true
            problems.append(circle)
        }
    }

    private mutating func resolver(_ run: String) -> SiteResolver {
        if let known = resolvers[run] { return known }
        let made = SiteResolver(graph, run: run)
        resolvers[run] = made
        return made
    }

    private mutating func checkNames() {
        var first: [String: Declaration] = [:]
        for declaration in program.runs.flatMap(\.declarations) {
            let name = declaration.name ?? ""
            if let problem = name.nameProblem {
                report(.unusableName(what: "the name of a declaration", problem: problem), declaration)
            }
            if let other = first[name] {
                report(.duplicateName(name: name, other: "\(other.location)"), declaration)
            } else {
                first[name] = declaration
            }
        }
    }

    mutating func report(_ error: InterventionError, _ declaration: Declaration) {
        problems.append(
            ProgramProblem(
                location: "\(declaration.location)", declaration: declaration.name ?? "", error: error))
    }

    private mutating func bind(_ declaration: Declaration, _ index: Int, run: String, _ resolver: SiteResolver) {
        guard !resolver.isEmpty else {
            let known = graph.sites.reduce(into: [String]()) { if !$0.contains($1.id.run) { $0.append($1.id.run) } }
            return report(.unknownRun(name: run, known: known), declaration)
        }
        if !declaration.scale.isFinite { report(.scale(declaration.scale), declaration) }
        for branch in declaration.branches where !branch.weight.isFinite { report(.weight(branch.weight), declaration) }
        if let reason = declaration.positions.whole.emptiness { report(.neverFires(reason: reason), declaration) }
        let positions = [declaration.positions] + declaration.intervention.sources.compactMap(\.positions)
        for problem in positions.flatMap(\.textProblems) { report(problem, declaration) }
        let targets: [SiteResolver.Target]
        do throws(InterventionError) {
            targets = try resolver.targets(of: declaration.place)
        } catch {
            return report(error, declaration)
        }
        let places = targets.map { target in
            (
                target,
                SiteShape(
                    site: target.site.id, head: target.head, width: target.width, rowSpace: target.site.rowSpace,
                    moduleInputWidth: target.site.moduleInput.flatMap { graph.type(of: $0).shape.columns.fixedValue })
            )
        }
        var complaints: [String] = []
        for (target, shape) in places {
            for message in declaration.intervention.problems(at: shape) + subspaceProblems(declaration, shape)
            where !complaints.contains(message) {
                complaints.append(message)
                report(.unfit(site: "\(shape)", message: message), declaration)
            }
            if target.site.rowSpace == .sequences, declaration.positions != .all {
                report(.onePerSequence(site: "\(shape)", positions: "\(declaration.positions)"), declaration)
            }
        }
        // Without parameters there is nothing that the sides of a union could have of their own.
        let isWhole =
            declaration.ties.contains(.positions)
            || places.allSatisfy { declaration.intervention.parameters(at: $0.1).isEmpty }
        let parts = isWhole ? [declaration.positions.whole] : declaration.positions.parts
        let labels = Self.labels(of: parts)
        let isSingle = places.count == 1 && parts.count == 1
        // Within one layer a selector may mean several components, whose parameters must not be called the same.
        let isMixed = Set(targets.map(\.site.id.component)).count > 1
        for (target, shape) in places {
            for (part, label) in zip(parts, labels) {
                let suffix = Self.path(shape, label, namesComponent: isMixed)
                hook(
                    declaration, index, target, shape, part, label, namesComponent: isMixed,
                    collectedName: (declaration.name ?? "") + (isSingle ? "" : "." + suffix))
            }
        }
    }

    /// `15`, `15.f7`, `5.h3.l1`, `embedding`; `15.mlp_output` where there are several components.
    private static func path(
        _ shape: SiteShape, _ label: String?, ties: Set<TieAxis> = [], namesComponent: Bool
    ) -> String {
        var parts: [String] = []
        let component = "\(shape.site.component)"
        if !ties.contains(.layers) { parts.append(shape.site.layer.map(String.init) ?? component) }
        if namesComponent, ties.contains(.layers) || shape.site.layer != nil { parts.append(component) }
        if let head = shape.head, !ties.contains(.heads) { parts.append("h\(head)") }
        if let label { parts.append(label) }
        return parts.joined(separator: ".")
    }

    /// The text of each part, made unique; none where there is one part only.
    private static func labels(of parts: [PositionsPart]) -> [String?] {
        guard parts.count > 1 else { return [nil] }
        var counts: [String: Int] = [:]
        return parts.map { part in
            // A dot would read as another step of the parameter's name.
            let text = part.description.replacing(".", with: "_")
            counts[text, default: 0] += 1
            return (counts[text] ?? 1) == 1 ? text : "\(text)-\(counts[text] ?? 1)"
        }
    }

    private mutating func hook(
        _ declaration: Declaration, _ index: Int, _ target: SiteResolver.Target, _ shape: SiteShape,
        _ part: PositionsPart, _ label: String?, namesComponent: Bool, collectedName: String
    ) {
        guard var part = yielded.rows(of: part, declaration.name ?? "", shape) else { return }
        let shelf = shelves[declaration.name ?? ""]
        if let shelf { part = part.restricted(to: shelf.number) }
        let run = target.site.id.run
        let selection =
            part.isAll || (target.site.rowSpace == .sequences && shelf == nil)
            ? nil : select(run: run, part, target.site.rowSpace, pairedWith: nil)
        let specifications = declaration.intervention.parameters(at: shape)
        for (place, one) in specifications.enumerated()
        where specifications[..<place].contains(where: { $0.name == one.name }) {
            report(.duplicateParameter(name: one.name), declaration)
        }
        // What the intervention itself refuses needs no second complaint.
        if declaration.intervention.problems(at: shape).isEmpty {
            for one in specifications where !one.hasSaneShape {
                let message =
                    "its parameter '\(one.name)' would be [\(one.rows), \(one.columns)]; allowed: extents of 1 and up, "
                    + "at most \(ParameterSpecification.largestCount) numbers"
                report(.unfit(site: "\(shape)", message: message), declaration)
            }
        }
        let path = Self.path(shape, label, ties: declaration.ties, namesComponent: namesComponent)
        let prefix = (declaration.name ?? "") + (path.isEmpty ? "." : ".\(path).")
        let parameters = specifications.map { HookParameter(fullName: prefix + $0.name, specification: $0) }
        if shelf != nil, !declaration.intervention.sources.isEmpty {
            report(.unbankable(site: "\(shape)", reason: "it reads a source"), declaration)
            return
        }
        var sources: [HookSource] = []
        for reference in declaration.intervention.sources {
            if let constant = reference.constant {
                if let problem = Hook.problem(of: constant, width: target.width, part, target.site.rowSpace) {
                    return report(.unfit(site: "\(shape)", message: problem), declaration)
                }
                continue
            }
            do throws(InterventionError) {
                sources.append(try source(reference, target, part, selection))
            } catch {
                report(error, declaration)
                return
            }
        }
        parameterPaths.append(path)
        hooks.append(
            Hook(
                declarationIndex: index, name: declaration.name ?? "", location: declaration.location,
                intervention: declaration.intervention, shape: shape, columns: target.columns, positions: part,
                declared: declaration.positions, selection: selection,
                subspace: bindSubspace(
                    declaration, shape, selection, rows: graph.type(of: target.site.value).shape.rows),
                scale: declaration.scale, priority: declaration.priority, branches: declaration.branches, shelf: shelf,
                parameters: parameters, sources: sources, collectedName: collectedName))
    }

    private mutating func source(
        _ reference: SourceReference, _ target: SiteResolver.Target, _ part: PositionsPart, _ edited: Selection?
    ) throws(InterventionError) -> HookSource {
        let run = reference.run ?? ""
        guard program.runs.contains(where: { $0.name == run }) else {
            throw .unknownRun(name: run, known: program.runs.map(\.name))
        }
        let resolver = resolver(run)
        guard !resolver.isEmpty else {
            throw .edit(site: target.description, message: "the run '\(run)' is not part of the graph")
        }
        let origin = try read(reference, target, resolver)
        let site = origin.site
        let rowsWanted = graph.type(of: target.site.value).shape.rows
        let rowsGiven = graph.type(of: site.value).shape.rows
        guard site.rowSpace.unit == target.site.rowSpace.unit else {
            throw .differingRows(site: origin.description, rows: "\(rowsGiven)", wanted: "\(rowsWanted)")
        }
        let positions = reference.positions?.whole ?? part
        let selection: Selection?
        if site.id.run == target.site.id.run, reference.positions == nil, rowsGiven == rowsWanted {
            selection = edited
        } else {
            let count = edited?.count ?? rowsWanted
            selection = select(
                run: run, positions, site.rowSpace,
                pairedWith: (count, edited?.name, target.site.id.run, target.site.rowSpace))
        }
        return HookSource(site: site.id, columns: origin.columns, selection: selection)
    }

    /// The one site or head that a source names; by default that which is edited, in the source's run.
    private func read(
        _ reference: SourceReference, _ target: SiteResolver.Target, _ resolver: SiteResolver
    ) throws(InterventionError) -> SiteResolver.Target {
        let own = target.site.id
        let place =
            reference.place
            ?? own.layer.map { .layers(own.component, Layers([$0]), heads: target.head.map { [$0] }) }
            ?? .model(own.component)
        let found = try resolver.targets(of: place)
        guard found.count == 1 else { throw .sourceNeedsOneSite(source: "\(place)") }
        return found[0]
    }

    private mutating func select(
        run: String, _ part: PositionsPart, _ rowSpace: RowSpace,
        pairedWith paired: (count: Dimension, selection: String?, run: String, rowSpace: RowSpace)?
    ) -> Selection {
        let key = SelectionKey(run: run, positions: part, rowSpace: rowSpace, count: paired?.count)
        if let known = selections[key] { return known }
        let name = "select.\(selectionOrder.count)"
        let selection = Selection(
            name: name, run: run, positions: part, rowSpace: rowSpace, count: paired?.count ?? .named("\(name).rows"),
            pairedWith: paired?.selection, pairedRun: paired?.run, pairedRowSpace: paired?.rowSpace ?? .tokens)
        selections[key] = selection
        selectionOrder.append(selection)
        return selection
    }
}

extension RowSpace {
    /// What there is one row for; values of one unit can be read for each other.
    fileprivate var unit: RowSpace { self == .demanded ? .tokens : self }
}

extension ParameterSpecification {
    /// More than any machine holds; what is below it can be added up without overflow.
    fileprivate static let largestCount = 1 << 40

    fileprivate var hasSaneShape: Bool {
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        return rows > 0 && columns > 0 && !overflow && count <= Self.largestCount
    }
}
