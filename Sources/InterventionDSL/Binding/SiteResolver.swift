import Diagnostics
import Graph

/// Finds the sites of one run of a model that a place means.
struct SiteResolver {
    typealias Target = SelectedSite

    private let graph: ComputationGraph
    private let run: String
    private let sites: [Site]
    private let sitesByComponent: [Component: [Site]]
    private let names: SiteNameCache

    init(_ graph: ComputationGraph, run: String) {
        (self.graph, self.run) = (graph, run)
        sites = graph.sites.filter { $0.id.run == run }
        sitesByComponent = Dictionary(grouping: sites) { $0.id.component }
        names = SiteNameCache()
    }

    /// Made at the first selector: most programs have none.
    private final class SiteNameCache {
        var names: SiteNames?
    }

    var isEmpty: Bool { sites.isEmpty }

    /// The targets in the order of layers, then heads; the first thing wrong otherwise.
    func targets(of place: Place) throws(InterventionError) -> [Target] {
        switch place {
        case .module(let path):
            return [Target(site: try site(atPath: path))]
        case .matching(let selector):
            return try targets(matching: selector)
        case .model(let component):
            if let alias = HeadComponent.spellings[component.rawValue] {
                throw .needsLayer(component: "\(alias.component)")
            }
            let found = try sites(of: Component.spellings[component.rawValue] ?? component)
            guard let site = found.first(where: { $0.id.layer == nil }) else {
                throw .needsLayer(component: "\(component)")
            }
            return [Target(site: site)]
        case .layers(let component, let layers, let heads):
            return try targets(component, layers, heads)
        }
    }

    /// What a selector matches; of several names of one value the first.
    private func targets(matching selector: String) throws(InterventionError) -> [Target] {
        struct Edited: Hashable {
            var value: ValueID
            var head: Int?
        }
        let names = names.names ?? SiteNames(graph, run: run)
        self.names.names = names
        var seen: Set<Edited> = []
        return try names.select(PathPattern(selector)).filter {
            seen.insert(Edited(value: $0.site.value, head: $0.head)).inserted
        }
    }

    private func targets(
        _ given: Component, _ layers: Layers, _ heads: [Int]?
    ) throws(InterventionError) -> [Target] {
        let alias = HeadComponent.spellings[given.rawValue]
        let component = alias?.component ?? Component.spellings[given.rawValue] ?? given
        let found = try sites(of: component)
        let existing = found.compactMap(\.id.layer).sorted()
        guard !existing.isEmpty else { throw .hasNoLayers(component: "\(component)", layers: "\(layers)") }
        let wanted = layers.resolved(among: existing)
        guard !wanted.isEmpty else { throw .neverFires(reason: "its list of layers is empty") }
        var targets: [Target] = []
        for layer in wanted {
            guard let site = found.first(where: { $0.id.layer == layer }) else {
                throw .unknownLayer(component: "\(component)", layer: layer, known: "\(Layers(existing))")
            }
            guard heads != nil || alias != nil else {
                targets.append(Target(site: site))
                continue
            }
            guard let count = site.heads, count > 0 else {
                let known = Set(sites.filter { $0.heads != nil }.map(\.id.component.rawValue)).sorted()
                throw .hasNoHeads(component: "\(component)", known: known)
            }
            let chosen = heads ?? Array(0..<count)
            guard !chosen.isEmpty else { throw .neverFires(reason: "its list of heads is empty") }
            for head in Set(chosen).sorted() {
                guard (0..<count).contains(head) else {
                    throw .unknownHead(site: "\(site.id)", head: head, count: count)
                }
                targets.append(Target(site: site, head: head))
            }
        }
        return targets
    }

    private func sites(of component: Component) throws(InterventionError) -> [Site] {
        let known = sitesByComponent[component] ?? []
        // `mlp.gate_proj.output` means that module in every layer.
        let found =
            known.isEmpty ? graph.moduleSites.filter { $0.id.component == component && $0.id.run == run } : known
        guard !found.isEmpty else {
            var known: [String] = []
            for name in sites.map(\.id.component.rawValue) where !known.contains(name) { known.append(name) }
            throw .unknownComponent(name: "\(component)", known: known)
        }
        return found
    }

    /// `model.layers[3].mlp`, `model.layers.3.mlp.output` and `layers.3.mlp.output` all mean the same.
    private func site(atPath given: String) throws(InterventionError) -> Site {
        let matches = graph.sites(atPath: given, run: run)
        if matches.count == 1 { return matches[0] }
        guard matches.isEmpty else { throw .ambiguousModule(path: given, matches: matches.map(\.modulePath)) }
        let components = sites.map(\.modulePath)
        let modules = graph.moduleSites.filter { $0.id.run == run }.map(\.modulePath)
        throw .unknownModule(path: given, known: components + modules)
    }
}
