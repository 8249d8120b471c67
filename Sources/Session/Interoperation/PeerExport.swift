import Graph
import InterventionDSL
import JSON
import ReFTPresets

/// The interventions of an adapter as the peers write them.
struct PeerExport {
    /// One intervention of a pyvene configuration.
    struct Entry {
        var type: PeerType
        var record: PeerRecord
        var key: String
        var layer: Int
        var component: String
        var unit: String
        var width: Int
        var partition: [[Int]]?
        var dimension: Int
        var sourceRun: String?
        var group: Int?
        var hook: Hook
    }

    private(set) var entries: [Entry] = []
    private(set) var problems: [String] = []
    private(set) var notes: [String] = []
    private let model: PeerModel
    private let readTensor: TensorReader

    init(_ adapter: Adapter, _ graph: HookGraph, _ model: PeerModel, _ readTensor: TensorReader) {
        self.model = model
        self.readTensor = readTensor
        for hooks in Self.ordered(graph.hooks) {
            for hook in hooks { append(hook, adapter) }
        }
        var counts: [String: Int] = [:]
        for place in entries.indices {
            let stem = Self.stem(entries[place])
            entries[place].key = "\(stem)#\(counts[stem] ?? 0)"
            counts[stem, default: 0] += 1
        }
        describe(graph, adapter)
    }

    mutating func add(note: String) { notes.append(note) }

    /// The hooks of each declaration; the sides of its positions one after another, as pyreft lists them.
    private static func ordered(_ hooks: [Hook]) -> [[Hook]] {
        var groups: [[Hook]] = []
        for hook in hooks {
            if let last = groups.last?.last, last.name == hook.name {
                groups[groups.count - 1].append(hook)
            } else {
                groups.append([hook])
            }
        }
        return groups.map { hooks in
            var counts: [SiteShape: Int] = [:]
            let sides = hooks.map { hook -> Int in
                counts[hook.shape, default: 0] += 1
                return counts[hook.shape] ?? 0
            }
            return zip(hooks, sides).enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }
                .map(\.element.0)
        }
    }

    private static func stem(_ entry: Entry) -> String {
        let unit = entry.unit.replacing(".", with: "_")
        let place =
            entry.component.contains(".")
            ? "comp_" + entry.component.replacing(".", with: "_") : "layer_\(entry.layer)_comp_\(entry.component)"
        return "\(place)_unit_\(unit)_nunit_1"
    }

    private mutating func append(_ hook: Hook, _ adapter: Adapter) {
        func refuse(_ problem: String) { problems.append("'\(hook.name)' on \(hook.shape): \(problem)") }
        if hook.site.run != Program.baseName {
            refuse("it edits the source run '\(hook.site.run)'; only edits of the base run are written")
        }
        if hook.scale != 1 { refuse("it is scaled by \(hook.scale), which the format can not hold") }
        if let source = hook.sources.first,
            source.site.component != hook.site.component || source.site.layer != hook.site.layer
        {
            refuse("it reads \(source.site), another place than it edits, which the format can not hold")
        }
        var parameters: [String: Adapter.ParameterValues] = [:]
        for parameter in hook.parameters {
            parameters[parameter.specification.name] = adapter.parameters[parameter.fullName]
        }
        var (partition, dimension) = ([[Int]]?.none, hook.shape.width)
        var fixed: [Int]?
        // Of this class pyvene counts latents.
        if let autoencoder = hook.intervention as? JumpReLUAutoencoder { dimension = autoencoder.latents }
        switch hook.subspace {
        case nil: break
        case .fixed(let coordinates, of: _)?:
            fixed = coordinates
            if coordinates == Array(0..<coordinates.count) || hook.intervention is Autoencoder {
                dimension = coordinates.count
            } else {
                refuse("its subspace is \(Subspace.fixed(coordinates)); only the first coordinates can be written")
            }
        case .perExample(let mask)?:
            let parts = mask.parts.values.sorted { ($0.first ?? 0) < ($1.first ?? 0) }
            partition = parts.map { part in
                // Two numbers are a range for the peers.
                part == Array((part.first ?? 0)..<(part.last ?? 0) + 1) ? [part[0], part[part.count - 1] + 1] : part
            }
            if zip(parts, partition ?? []).contains(where: { $0 == $1 && $0.count == 2 }) {
                refuse(
                    "a part of its subspace has two coordinates that are not neighbours, which the peers take as a range"
                )
            }
        }
        let writer = PeerWriter(
            width: hook.shape.width, dimension: dimension, coordinates: fixed, parameters: parameters,
            readTensor: readTensor)
        guard
            let found = PeerType.all.lazy.compactMap({ type in type.write(hook.intervention, writer).map { (type, $0) }
            }).first
        else { return refuse(Self.reasonAgainst(hook.intervention)) }
        guard let component = model.component(hook.site, isHead: hook.shape.head != nil) ?? modulePath(hook) else {
            return refuse("the peers have no name for this place")
        }
        if PeerType.reft.contains(where: { $0.name == found.0.name }), case .fixed? = hook.subspace {
            refuse("pyreft's classes act in all of their coordinates, its subspace is fixed")
        }
        entries.append(
            Entry(
                type: found.0, record: found.1, key: "", layer: component.contains(".") ? 0 : hook.site.layer ?? 0,
                component: component, unit: hook.shape.head == nil ? "pos" : "h.pos", width: hook.shape.width,
                partition: partition, dimension: dimension, sourceRun: hook.sources.first?.site.run, group: nil,
                hook: hook))
    }

    /// Why no class of the peers stands for an intervention.
    private static func reasonAgainst(_ intervention: any Intervention) -> String {
        if intervention is PCARotatedSpace {
            return
                "pyvene saves neither the components nor the mean and the deviation of PCARotatedSpaceIntervention, so "
                + "that no folder can hold it"
        }
        return "the peers have no class for \(Swift.type(of: intervention).kind) as it is here"
    }

    private func modulePath(_ hook: Hook) -> String? { hook.shape.head == nil ? model.path(hook.site) : nil }

    /// Groups, where several interventions read one source; otherwise each has a source of its own.
    mutating func assignSources() {
        let runs = entries.compactMap(\.sourceRun)
        guard Set(runs).count < runs.count else {
            for (place, entry) in entries.enumerated() {
                if let run = entry.sourceRun {
                    notes.append("source \(place) of the list of sources is the run '\(run)'")
                }
            }
            return
        }
        var order: [String] = []
        for run in runs where !order.contains(run) { order.append(run) }
        var group = 0
        for place in entries.indices {
            if let run = entries[place].sourceRun { group = order.firstIndex(of: run) ?? 0 }
            entries[place].group = group
        }
        let sorted = entries.enumerated().sorted {
            ($0.element.group ?? 0, $0.offset) < ($1.element.group ?? 0, $1.offset)
        }
        for (place, entry) in sorted.enumerated() {
            let overtaken = sorted[..<place].contains { other in
                other.offset > entry.offset && other.element.hook.shape == entry.element.hook.shape
            }
            if overtaken {
                problems.append(
                    "'\(entry.element.hook.name)' on \(entry.element.hook.shape): it comes before an edit that reads an "
                        + "earlier source; the peers go through their sources in order")
            }
        }
        entries = sorted.map(\.element)
        notes.append(
            "the sources, in the order of the list of sources: \(order.map { "'\($0)'" }.joined(separator: ", "))")
    }

    // MARK: What is lost

    private mutating func describe(_ graph: HookGraph, _ adapter: Adapter) {
        func list(_ names: [String]) -> String { names.joined(separator: ", ") }
        for declaration in graph.program.declarations {
            notes.append(
                "'\(declaration.name ?? "")': the positions \(declaration.positions) are not written: give them as "
                    + "unit_locations")
            if !declaration.ties.subtracting([.positions]).isEmpty {
                notes.append(
                    "'\(declaration.name ?? "")': that its parameters are shared across "
                        + "\(list(declaration.ties.map(\.rawValue).sorted())) is not written; every file holds them")
            }
            if case .perExample(let parts)? = declaration.subspace, !parts.isEmpty {
                notes.append("'\(declaration.name ?? "")': the names of the parts of its subspace are not written")
            }
        }
        for note in Set(
            entries.flatMap { entry in entry.record.notes.map { "'\(entry.hook.name)': not written: \($0)" } }
        )
        .sorted() {
            notes.append(note)
        }
        let halves = ["LoreftIntervention", "NoreftIntervention", "DireftIntervention", "NodireftIntervention"]
        if entries.contains(where: { halves.contains($0.type.name) }) {
            notes.append(
                "numbers are written as float32; pyreft's own load makes learned_source and proj_layer bfloat16 and rounds "
                    + "to that")
        }
        let paths = entries.filter { $0.component.contains(".") }.map(\.component)
        if !paths.isEmpty {
            notes.append(
                "pyreft's own load can not make interventions at module paths (\(list(Array(Set(paths)).sorted()))): make "
                    + "them with intervention=… and load their state")
        }
        for entry in entries where !entry.component.contains(".") {
            guard let width = model.width(entry.component), width != entry.width else { continue }
            notes.append(
                "\(entry.component) of layer \(entry.layer) is \(entry.width) wide; pyvene takes it to be \(width) wide "
                    + "and can not load it")
        }
        for entry in entries where entry.unit == "h.pos" {
            notes.append(
                "\(entry.key): the head \(entry.hook.shape.head ?? 0) is not written: give it with the positions as "
                    + "unit_locations")
        }
    }

    // MARK: Configuration

    /// `config.json`, with the keys that pyvene writes.
    var configuration: JSONValue {
        func optional(_ value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }
        let representations = entries.map { entry -> JSONValue in
            .array([
                .integer(entry.layer), .string(entry.component), .string(entry.unit), .integer(1),
                optional(entry.record.rank), .null, .null,
                entry.partition.map { .array($0.map { .array($0.map { .integer($0) }) }) } ?? .null,
                optional(entry.group), .null, .null, .null, entry.record.hasHiddenSource ? .bool(true) : .null,
                optional(entry.record.latents),
            ])
        }
        return .object([
            .init("intervention_constant_sources", .array(entries.map { .bool($0.record.isSourceConstant) })),
            .init("intervention_dimensions", .array(entries.map { dimension($0) })),
            .init("intervention_types", .array(entries.map { .string($0.type.path) })),
            .init("mode", .string("parallel")),
            .init("representations", .array(representations)),
            .init("sorted_keys", .array(entries.map { .string($0.key) })),
        ])
    }

    private func dimension(_ entry: Entry) -> JSONValue {
        if let list = entry.record.dimensionList { return .array(list.map { .integer($0) }) }
        return .integer(entry.dimension)
    }
}
