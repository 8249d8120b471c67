import Graph
import InterventionDSL

/// Dashed arrows from the sites that are read to the sites that are edited with them.
struct SourceArrows {
    private let columns: DrawingColumns
    private let anchors: [SiteID: SiteAnchor]

    private struct Pair: Hashable {
        var from: SiteID
        var to: SiteID
        var colour: DrawingColour
    }

    init(_ columns: DrawingColumns, _ anchors: [SiteID: SiteAnchor]) {
        self.columns = columns
        self.anchors = anchors
    }

    func lines(_ edits: [DrawnEdit]) -> SVGWriter {
        var writer = SVGWriter()
        var drawn: Set<Pair> = []
        for edit in edits {
            for source in edit.hook.sources {
                let pair = Pair(from: source.site, to: edit.hook.site, colour: edit.colour)
                guard drawn.insert(pair).inserted, let from = anchors[pair.from], let to = anchors[pair.to] else {
                    continue
                }
                // Arrows between different heights have a vertical part each, within a run beside the names of layers.
                let isWithin = pair.from.run == pair.to.run
                let distance = isWithin ? 3 + 3 * (drawn.count % 2) : 8 + 4 * (drawn.count % 4)
                draw(from, to, gutter: columns.base.x - distance, edit.colour, within: isWithin, &writer)
            }
        }
        return writer
    }

    private func draw(
        _ from: SiteAnchor, _ to: SiteAnchor, gutter: Int, _ colour: DrawingColour, within: Bool,
        _ writer: inout SVGWriter
    ) {
        var path: String
        if let stream = from.stream, !within {
            path = "M\(stream + 5) \(from.y)"
        } else if from.stream != nil {
            path = "M\(from.chip.x) \(from.y)"
        } else {
            path = "M\(from.chip.x + 6) \(from.chip.y)V\(from.y)"
        }
        if from.y != to.y { path += "H\(gutter)V\(to.y)" }
        let tip: (x: Int, y: Int)
        if to.stream != nil {
            tip = (to.chip.x - 1, to.y)
            path += "H\(tip.x - 5)"
        } else {
            tip = (to.chip.x + 6, to.chip.y - 1)
            path += "H\(tip.x)V\(tip.y - 4)"
        }
        let head = to.stream != nil ? "l-7 -3.5v7z" : "l-3.5 -6h7z"
        writer.path(path, ["class": "read", "stroke": colour.stroke])
        writer.path("M\(tip.x) \(tip.y)\(head)", ["fill": colour.stroke])
    }
}
