import Graph
import InterventionDSL

/// The declarations that the interventions of a configuration become, and which intervention each application is.
struct PyveneArrangement {
    private(set) var runs: [ProgramRun] = []
    private(set) var problems: [String] = []
    private(set) var notes: [String] = []
    /// For each declaration by its name: the intervention at a layer (nil for places without one) and side of its
    /// positions.
    private(set) var interventions: [String: [[Int]]] = [:]
    private var names: Set<String> = []

    /// Interventions next to each other that differ in nothing but their layer.
    private struct Segment {
        var members: [Int]
        var layers: [Int]
    }

    /// Arranges `edits`, one for each representation.
    /// - Parameters:
    ///   - positions: What is edited; of a union, a side for each of several interventions at a site.
    init(_ configuration: PyveneConfiguration, _ edits: [PeerEdit], options: PyveneOptions, positions: Positions) {
        let representations = configuration.representations
        let places = PyveneRuns(configuration, options)
        var declarations: [String: [Declaration]] = [:]
        var segments = Self.segments(representations, edits, places)
        while !segments.isEmpty {
            let first = segments.removeFirst()
            // Further interventions at the same sites: the other sides of the positions.
            var sides = [first]
            while let next = segments.first, Self.sameSites(first, next, representations, places) {
                sides.append(segments.removeFirst())
            }
            let parts = positions.parts
            let positionsOf: [Positions]
            if sides.count == 1 {
                positionsOf = [positions]
            } else if sides.count == parts.count {
                positionsOf = parts.map(\.positions)
            } else {
                if parts.count > 1 {
                    problems.append(
                        "\(representations[first.members[0]].path): \(sides.count) interventions act at its site, "
                            + "the positions '\(positions)' have \(parts.count) sides; as many are needed, or one")
                }
                positionsOf = sides.map { _ in positions }
            }
            let run = places.run(of: first.members[0])
            let isOne = sides.count > 1 && sides.count == parts.count && Self.sameEdits(sides, edits)
            if isOne {
                declarations[run, default: []].append(
                    declaration(sides, representations, edits, positions, options))
            } else {
                for (side, positions) in zip(sides, positionsOf) {
                    declarations[run, default: []].append(
                        declaration([side], representations, edits, positions, options))
                }
            }
        }
        runs = places.names.map { ProgramRun(name: $0, declarations: declarations[$0] ?? []) }
        checkLinks(representations)
    }

    /// The intervention that made the `side`-th application of a declaration at its `place`-th layer.
    func intervention(of declaration: String, place: Int, side: Int) -> Int? {
        guard let grid = interventions[declaration], grid.indices.contains(side), grid[side].indices.contains(place)
        else {
            return nil
        }
        return grid[side][place]
    }

    // MARK: Segments

    private static func segments(
        _ representations: [PyveneRepresentation], _ edits: [PeerEdit], _ places: PyveneRuns
    ) -> [Segment] {
        var segments: [Segment] = []
        for place in representations.indices {
            let layer = representations[place].layer
            if let last = segments.last, let member = last.members.last, last.layers.allSatisfy({ $0 < layer }),
                isAlike(representations[member], representations[place]),
                AnyHashable(edits[member].intervention) == AnyHashable(edits[place].intervention),
                edits[member].subspace == edits[place].subspace, places.run(of: member) == places.run(of: place)
            {
                segments[segments.count - 1].members.append(place)
                segments[segments.count - 1].layers.append(layer)
            } else {
                segments.append(Segment(members: [place], layers: [layer]))
            }
        }
        return segments
    }

    private static func isAlike(_ left: PyveneRepresentation, _ right: PyveneRepresentation) -> Bool {
        // Of a module path the layer means nothing, and there is one place of it.
        left.component == right.component && left.unit == right.unit && !left.component.contains(".")
    }

    private static func sameSites(
        _ first: Segment, _ second: Segment, _ representations: [PyveneRepresentation], _ places: PyveneRuns
    ) -> Bool {
        let (left, right) = (representations[first.members[0]], representations[second.members[0]])
        let isOneSite = left.component == right.component && left.unit == right.unit
        return isOneSite && (left.component.contains(".") || first.layers == second.layers)
            && places.run(of: first.members[0]) == places.run(of: second.members[0])
    }

    private static func sameEdits(_ sides: [Segment], _ edits: [PeerEdit]) -> Bool {
        let first = edits[sides[0].members[0]]
        return sides.allSatisfy { side in
            let edit = edits[side.members[0]]
            return AnyHashable(edit.intervention) == AnyHashable(first.intervention) && edit.subspace == first.subspace
        }
    }

    // MARK: Declarations

    private mutating func declaration(
        _ sides: [Segment], _ representations: [PyveneRepresentation], _ edits: [PeerEdit], _ positions: Positions,
        _ options: PyveneOptions
    ) -> Declaration {
        let member = sides[0].members[0]
        let representation = representations[member]
        let edit = edits[member]
        let name = unique(edit.intervention.defaultName)
        interventions[name] = sides.map(\.members)
        var ties = ties(of: sides, representations)
        if sides.count == 1, positions.parts.count > 1 { ties.insert(.positions) }
        if (options.heads?.count ?? 0) > 1, representation.unit.hasPrefix("h") { ties.insert(.heads) }
        let heads = representation.unit.hasPrefix("h") ? options.heads : nil
        let place: Place =
            representation.component.contains(".")
            ? .module(representation.component)
            : .layers(representation.ourComponent, Layers(sides[0].layers), heads: heads)
        return Declaration(
            edit.intervention, on: place, at: representation.unit == "h" ? .all : positions, name: name, ties: ties,
            subspace: edit.subspace, location: .file(path: representation.path))
    }

    private mutating func unique(_ stem: String) -> String {
        var name = stem
        var count = 1
        while !names.insert(name).inserted {
            count += 1
            name = "\(stem)-\(count)"
        }
        return name
    }

    /// What link keys share within one declaration.
    private mutating func ties(of sides: [Segment], _ representations: [PyveneRepresentation]) -> Set<TieAxis> {
        let keys = sides.map { side in side.members.map { representations[$0].linkKey } }
        let given = keys.joined().compactMap { $0 }
        if Set(given).count == given.count { return [] }
        let isShared = keys.joined().allSatisfy { $0 == keys[0][0] }
        let perSide = keys.allSatisfy { side in side.allSatisfy { $0 != nil && $0 == side[0] } }
        let perLayer = keys[0].indices.allSatisfy { place in
            keys.allSatisfy { $0[place] != nil && $0[place] == keys[0][place] }
        }
        if isShared { return keys.count > 1 ? [.layers, .positions] : [.layers] }
        if perSide, Set(keys.map { $0[0] }).count == keys.count { return [.layers] }
        if perLayer, Set(keys[0]).count == keys[0].count { return [.positions] }
        problems.append(
            "\(representations[sides[0].members[0]].path).intervention_link_key: the links \(given.joined(separator: ", ")) "
                + "of these interventions share neither all layers nor all sides of the positions; that can not be expressed"
        )
        return []
    }

    /// Links between declarations, and the way in which pyvene's differ.
    private mutating func checkLinks(_ representations: [PyveneRepresentation]) {
        var owners: [String: Set<String>] = [:]
        for (name, grid) in interventions {
            for member in grid.joined() {
                if let key = representations[member].linkKey { owners[key, default: []].insert(name) }
            }
        }
        for (key, names) in owners.sorted(by: { $0.key < $1.key }) where names.count > 1 {
            let members = names.flatMap { interventions[$0]?.joined().map { $0 } ?? [] }
            guard !members.allSatisfy({ representations[$0].linkKey == key }) else {
                // Whole declarations: the later ones use the parameters of the first.
                let first = names.min { (interventions[$0]?[0][0] ?? 0) < (interventions[$1]?[0][0] ?? 0) }
                runs = runs.map { run in
                    ProgramRun(
                        name: run.name,
                        declarations: run.declarations.map { declaration in
                            var linked = declaration
                            if let name = declaration.name, names.contains(name), name != first {
                                linked.shares = first
                            }
                            return linked
                        })
                }
                continue
            }
            problems.append(
                "intervention_link_key \(key): it links the interventions that become "
                    + "\(names.sorted().joined(separator: " and ")); only those of one declaration can be linked")
        }
        let counts = Dictionary(representations.compactMap { $0.linkKey.map { ($0, 1) } }, uniquingKeysWith: +)
        if counts.values.contains(where: { $0 > 1 }) {
            notes.append(
                "linked interventions share their parameters here; in pyvene the rows that one has edited also become "
                    + "the rows that the next one is given, wherever it acts")
        }
    }
}

extension PyveneRepresentation {
    /// The component under the name that it has here.
    var ourComponent: Component {
        Component(rawValue: component == "attention_weight" ? "attention_pattern" : component)
    }
}

/// The runs of a configuration: in parallel all sources are put into the base, in series each into the next.
struct PyveneRuns {
    /// The source runs, then the base.
    let names: [String]
    private let groups: [Int]
    private let configuration: PyveneConfiguration
    private let sharesSource: Bool

    init(_ configuration: PyveneConfiguration, _ options: PyveneOptions) {
        self.configuration = configuration
        sharesSource = options.sharesSource && configuration.mode == .parallel
        let representations = configuration.representations
        if representations.contains(where: { $0.groupKey != nil }) {
            var keys = Array(Set(representations.map { $0.groupKey ?? "" }))
            let numbers = keys.compactMap(Int.init)
            keys = numbers.count == keys.count ? numbers.sorted().map(String.init) : keys.sorted()
            groups = representations.map { keys.firstIndex(of: $0.groupKey ?? "") ?? 0 }
        } else {
            groups = Array(representations.indices)
        }
        let readers = representations.indices.filter { PeerType.readsSource(representations[$0]) }
        let read = Set(readers.map { [groups] place in groups[place] }).sorted().map { "source-\($0)" }
        names = (sharesSource ? (readers.isEmpty ? [] : ["source"]) : read) + [Program.baseName]
    }

    /// The run in which an intervention acts.
    func run(of place: Int) -> String {
        let next = groups[place] + 1
        return configuration.mode == .serial && names.contains("source-\(next)") ? "source-\(next)" : Program.baseName
    }

    /// The run whose rows an intervention reads.
    func source(of place: Int) -> String { sharesSource ? "source" : "source-\(groups[place])" }
}
