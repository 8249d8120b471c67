import Graph

/// The rows of a drawn model from bottom to top: embedding, layers, final norm, logits.
///
/// Layers that nobody touches are folded into one row for each unbroken run of them.
struct ModelOutline: Sendable {
    struct Row: Hashable, Sendable {
        enum Content: Hashable, Sendable {
            /// A component that exists once per model.
            case component(Component)
            case layer(Int)
            /// Layers that are neither edited nor read.
            case folded(ClosedRange<Int>)
        }

        let content: Content
        /// The components of a layer in the order in which they are computed.
        let components: [Component]
    }

    let rows: [Row]
    private let places: [SiteKey: Int]

    private struct SiteKey: Hashable {
        var component: Component
        var layer: Int?
    }

    /// The runs of a program are runs of one model, so that any of them tells its sites.
    init(_ graph: ComputationGraph, touched: [SiteID]) {
        var below: [Component] = []
        var above: [Component] = []
        var layers: [Int: [Component]] = [:]
        for site in graph.sites.map(\.id) + touched {
            if let layer = site.layer {
                if !layers[layer, default: []].contains(site.component) {
                    layers[layer, default: []].append(site.component)
                }
            } else if !below.contains(site.component), !above.contains(site.component) {
                if layers.isEmpty { below.append(site.component) } else { above.append(site.component) }
            }
        }
        let touchedLayers = Set(touched.compactMap(\.layer))
        var rows = below.map { Row(content: .component($0), components: [$0]) }
        var folded: ClosedRange<Int>?
        func unfold() {
            if let range = folded { rows.append(Row(content: .folded(range), components: [])) }
            folded = nil
        }
        for layer in layers.keys.sorted() {
            if touchedLayers.contains(layer) {
                unfold()
                rows.append(Row(content: .layer(layer), components: layers[layer] ?? []))
            } else if let range = folded, range.upperBound + 1 == layer {
                folded = range.lowerBound...layer
            } else {
                unfold()
                folded = layer...layer
            }
        }
        unfold()
        rows += above.map { Row(content: .component($0), components: [$0]) }
        var places: [SiteKey: Int] = [:]
        for (place, row) in rows.enumerated() {
            switch row.content {
            case .component(let component): places[SiteKey(component: component)] = place
            case .layer(let layer):
                for component in row.components { places[SiteKey(component: component, layer: layer)] = place }
            case .folded: break
            }
        }
        self.rows = rows
        self.places = places
    }

    /// The row of a site, counted from the bottom.
    func row(of site: SiteID) -> Int? { places[SiteKey(component: site.component, layer: site.layer)] }

    /// Sites in the order in which the model computes them.
    func order(of site: SiteID) -> (row: Int, place: Int) {
        guard let row = row(of: site) else { return (rows.count, 0) }
        return (row, rows[row].components.firstIndex(of: site.component) ?? 0)
    }
}
