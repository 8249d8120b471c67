import Graph

/// The order in which hooks are spliced where runs read each other, so that whole runs have none.
///
/// What is read in another run is that site's last value: all edits of it come before. Within a run the declared order
/// holds between edits of one site, and between an edit and what reads its site. The members of an average stay together.
/// Otherwise the order is the one given.
struct HookOrder {
    /// The places of the hooks, each after those that it waits for.
    private(set) var places: [Int] = []
    /// The places of hooks that wait for each other, each before the one that waits for it.
    private(set) var circle: [Int] = []

    private let hooks: [Hook]
    /// For each hook the unit that it is part of; the hooks of each unit.
    private var unitOf: [Int] = []
    private var units: [[Int]] = []
    /// For each hook those that it waits for.
    private var awaited: [[Int]]

    /// - Parameter ownReads: For hooks by their places, the values of their own run that their edits read besides sources.
    init(of hooks: [Hook], in graph: ComputationGraph, ownReads: [Int: Set<ValueID>]) {
        self.hooks = hooks
        awaited = Array(repeating: [], count: hooks.count)
        for (place, hook) in hooks.enumerated() {
            let group = hook.branches.first?.group
            if let group, let last = hooks[..<place].last, last.branches.first?.group == group,
                last.site.run == hook.site.run
            {
                units[units.count - 1].append(place)
            } else {
                units.append([place])
            }
            unitOf.append(units.count - 1)
        }
        findAwaited(in: graph, ownReads)
        sort()
    }

    private mutating func findAwaited(in graph: ComputationGraph, _ ownReads: [Int: Set<ValueID>]) {
        // Several addresses can mean one value.
        let sites = graph.sitesByAddress()
        var edits: [ValueID: [Int]] = [:]
        for (place, hook) in hooks.enumerated() {
            guard let value = sites[hook.site]?.value else { continue }
            if let before = edits[value]?.last { awaited[place].append(before) }
            edits[value, default: []].append(place)
        }
        for (place, hook) in hooks.enumerated() {
            for source in hook.sources {
                guard let value = sites[source.site]?.value else { continue }
                let isOwnRun = source.site.run == hook.site.run
                for edit in edits[value] ?? [] where edit != place {
                    if isOwnRun, edit > place { awaited[edit].append(place) } else { awaited[place].append(edit) }
                }
            }
            for value in ownReads[place] ?? [] {
                for edit in edits[value] ?? [] where edit != place {
                    if edit < place { awaited[place].append(edit) } else { awaited[edit].append(place) }
                }
            }
        }
    }

    private mutating func sort() {
        enum Mark { case new, open, done }
        var marks = [Mark](repeating: .new, count: units.count)
        // The units that are being visited, with the hook of the next one that waits and how much of it is looked at.
        var path: [(unit: Int, waits: ArraySlice<(waiting: Int, edit: Int)>)] = []
        func waits(_ unit: Int) -> ArraySlice<(waiting: Int, edit: Int)> {
            units[unit].flatMap { place in awaited[place].map { (place, $0) } }[...]
        }
        for start in units.indices where marks[start] == .new {
            marks[start] = .open
            path = [(start, waits(start))]
            while let top = path.last {
                guard let next = top.waits.first else {
                    marks[top.unit] = .done
                    places += units[top.unit]
                    path.removeLast()
                    continue
                }
                path[path.count - 1].waits.removeFirst()
                let unit = unitOf[next.edit]
                switch marks[unit] {
                case .done: break
                case .open:
                    guard unit != top.unit else { break }
                    let first = path.firstIndex { $0.unit == unit } ?? 0
                    if circle.isEmpty { circle = path[first...].reversed().map { units[$0.unit][0] } }
                case .new:
                    marks[unit] = .open
                    path.append((unit, waits(unit)))
                }
            }
        }
    }
}

extension HookOrder {
    /// The circle as a problem of the hook in it that is declared first, with the sites that it runs through.
    func problem(in program: Program) -> ProgramProblem? {
        let runs = program.runs.map(\.name)
        let declared = circle.map { (runs.firstIndex(of: hooks[$0].site.run) ?? 0, hooks[$0].declarationIndex) }
        guard let start = declared.indices.min(by: { declared[$0] < declared[$1] }) else { return nil }
        let first = circle[start]
        let sites = (circle[start...] + circle[..<start] + [first]).map { "\(hooks[$0].site)" }
        return ProgramProblem(
            location: "\(hooks[first].location)", declaration: hooks[first].name, error: .editsInCircle(sites: sites))
    }
}
