import Diagnostics
import Graph
import InterventionDSL

extension Session {
    /// The sites that spellings mean: `block_output` (all layers), `block_output.3`, `clean:block_output.3` in a source
    /// run, or a module path, `model.layers[3].mlp.output`.
    /// - Throws: ``SessionError/unknownSite(given:nearest:known:)``.
    public func sites(matching spellings: [String]) throws -> [SiteID] {
        let graph = try modelGraph(usesKeyValueStore: false).graph
        let sites = graph.sites + graph.moduleSites
        return try spellings.flatMap { given in
            let spelling = given.filter { !$0.isWhitespace }
            let found = sites.filter { site in
                let component = SiteID(site.id.component, run: site.id.run)
                return ["\(site.id)", "\(component)", site.modulePath].contains(spelling)
            }
            // The component's name comes before its module's.
            if let module = found.first(where: { $0.modulePath == spelling }) { return [module.id] }
            guard !found.isEmpty else { throw unknownSite(spelling, among: graph.sites) }
            return found.map(\.id)
        }
    }

    func unknownSite(_ given: String, among sites: [Site]) -> SessionError {
        let components = Set(sites.map(\.id.component.rawValue)).sorted()
        return .unknownSite(
            given: given,
            nearest: nearestName(to: given, among: components + sites.map { "\($0.id)" } + sites.map(\.modulePath)),
            known: components)
    }
}
