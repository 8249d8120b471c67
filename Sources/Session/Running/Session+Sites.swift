import Diagnostics
import Graph
import InterventionDSL
import Models

extension Model {
    /// The sites, or single heads, that a selector matches: `layers[4-8].attention_output`, `block_output`, `mlp_*.3`,
    /// `layers[*].self_attn.*`, `head_output.5.h0,3`. The grammar is that of ``Graph/ComputationGraph/sites(matching:run:)``.
    ///
    /// ```swift
    /// let sites = try model.sites(matching: "layers[4-8].attention_output")
    /// print(sites.count, sites.map(\.width))
    /// ```
    /// - Throws: `InterventionError` with the nearest name for what matches nothing; ``ModelError``.
    public func sites(matching selector: String) throws -> [SelectedSite] {
        try graph().graph.sites(matching: selector)
    }

    /// The frozen tensors whose checkpoint names a pattern matches: `model.layers[*].mlp.down_proj.weight`. Reads none.
    /// - Throws: `InterventionError` with the nearest name for what matches nothing; ``ModelError``.
    public func weights(matching pattern: String) throws -> [WeightLeaf] {
        try graph().graph.weights(matching: pattern)
    }
}

extension Session {
    /// The sites that a selector matches in the base run, or in another run of the graph: `clean:block_output.3` in a
    /// source run, `encoder:block_output.3` in the encoder of an encoder-decoder model.
    /// - Throws: `InterventionError` with the nearest name for what matches nothing.
    public func sites(matching selector: String) throws -> [SelectedSite] {
        let graph = try modelGraph(usesKeyValueStore: false).graph
        if let colon = selector.firstIndex(of: ":") {
            let run = selector[..<colon].filter { !$0.isWhitespace }
            let runs = graph.sites.reduce(into: [String]()) { if !$0.contains($1.id.run) { $0.append($1.id.run) } }
            if runs.contains(run) {
                return try graph.sites(matching: String(selector[selector.index(after: colon)...]), run: run)
            }
            // The colon of a path stands within brackets: `qkv_proj.output[0:32]`.
            if !run.contains(where: { ".[*".contains($0) }) {
                throw InterventionError.unknownRun(name: run, known: runs)
            }
        }
        return try graph.sites(matching: selector)
    }

    /// The sites that selectors match, one selector after another; whole sites, as single heads are collected by declarations.
    /// - Throws: `InterventionError`.
    public func sites(matching selectors: [String]) throws -> [SiteID] {
        var sites: [SiteID] = []
        for selector in selectors {
            for selected in try self.sites(matching: selector) {
                guard selected.head == nil else {
                    throw InterventionError.unreadable(
                        what: "site", given: selector, part: selector,
                        allowed: "whole sites; declare Collect to read single heads")
                }
                sites.append(selected.site.id)
            }
        }
        return sites
    }

    func unknownSite(_ given: String, among sites: [Site]) -> SessionError {
        let components = Set(sites.map(\.id.component.rawValue)).sorted()
        return .unknownSite(
            given: given,
            nearest: nearestName(to: given, among: components + sites.map { "\($0.id)" } + sites.map(\.modulePath)),
            known: components)
    }
}
