import Graph
import InterventionDSL

/// A spliced computation graph as an SVG document: each node that a program added or that reads edited values is a box
/// of its own, what the model computes between them is folded.
///
/// ```swift
/// let spliced = try session.splicedGraph()
/// let svg = ComputationDrawing(spliced.difference(from: graph), of: session.program).svg
/// ```
/// Time runs downward. Added boxes have their declaration's colour, boxes that read edited values a dashed border; an
/// arrow that took another one's place is red. The same graph gives the same text.
public struct ComputationDrawing: Sendable {
    private let difference: SplicedDifference
    /// By the name of the declaration, as in drawings of the hook graph.
    private let colours: [String: DrawingColour]

    private static let width = 440
    private static let lineHeight = 16
    private static let gap = (x: 28, y: 34)
    private static let margin = 24

    /// Draws what a program, every declaration named, changed.
    public init(_ difference: SplicedDifference, of program: Program) {
        self.difference = difference
        let names = program.runs.flatMap(\.declarations).compactMap(\.name)
        colours = Dictionary(
            names.enumerated().map { ($1, DrawingColour.palette[$0 % DrawingColour.palette.count]) }
        ) { first, _ in first }
    }

    /// The document.
    public var svg: String {
        let items = ComputationBoxes(difference).items
        let boxes = Self.boxes(items)
        let width = (boxes.map(\.right).max() ?? 0) + 2 * Self.margin + 60
        let height = (boxes.map(\.bottom).max() ?? 0) + Self.margin
        var writer = SVGWriter()
        writer.text(difference.summary, x: Self.margin, y: 22, "bold")
        for (place, item) in items.enumerated() {
            for arrow in item.inputs { Self.draw(arrow, from: boxes[arrow.source], to: boxes[place], &writer) }
        }
        for (place, item) in items.enumerated() { draw(item, boxes[place], &writer) }
        let opening =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
            + "viewBox=\"0 0 \(width) \(height)\">"
        let page = " <rect width=\"\(width)\" height=\"\(height)\" fill=\"#ffffff\"/>"
        return ([opening, DrawingHeader.style, page] + writer.lines + ["</svg>"]).map { $0 + "\n" }.joined()
    }

    /// Boxes of one rank stand side by side; ranks follow each other downward.
    private static func boxes(_ items: [ComputationBoxes.Item]) -> [Box] {
        var boxes = [Box](repeating: Box(x: 0, y: 0, width: 0, height: 0), count: items.count)
        var y = 44
        let ranks = Dictionary(grouping: items.indices) { items[$0].rank }
        for rank in ranks.keys.sorted() {
            let row = (ranks[rank] ?? []).sorted()
            for (column, place) in row.enumerated() {
                boxes[place] = Box(
                    x: margin + column * (width + gap.x), y: y, width: width,
                    height: items[place].lines.count * lineHeight + 10)
            }
            y = (row.map { boxes[$0].bottom }.max() ?? y) + gap.y
        }
        return boxes
    }

    private static func draw(
        _ arrow: ComputationBoxes.Arrow, from source: Box, to target: Box, _ writer: inout SVGWriter
    ) {
        let start = (x: source.middleX, y: source.bottom)
        let end = (x: target.middleX, y: target.y)
        let distance = end.y - start.y
        // What passes other boxes goes around them on the right.
        let bend = distance > gap.y + 6 ? max(source.right, target.right) + 18 + min(distance / 40, 40) : nil
        let path: String
        if let bend {
            path =
                "M\(source.right - 40),\(start.y) C\(bend),\(start.y + 30) \(bend),\(end.y - 30) "
                + "\(target.right - 40),\(end.y)"
        } else {
            path = "M\(start.x),\(start.y) C\(start.x),\(start.y + 16) \(end.x),\(end.y - 16) \(end.x),\(end.y)"
        }
        writer.path(
            path,
            [
                "class": "flow", "fill": "none", "stroke": arrow.isRewired ? "#dc2626" : "#94a3b8",
                "stroke-width": arrow.isRewired ? "2" : "1",
            ])
        let tip = (x: bend == nil ? end.x : target.right - 40, y: end.y)
        writer.path(
            "M\(tip.x),\(tip.y) l-4,-7 l8,0 z",
            ["class": "tip", "fill": arrow.isRewired ? "#dc2626" : "#94a3b8"])
    }

    private func draw(_ item: ComputationBoxes.Item, _ box: Box, _ writer: inout SVGWriter) {
        var fill = "#f1f5f9"
        var stroke = "#94a3b8"
        if let colour = item.declaration.flatMap({ colours[$0] }) { (fill, stroke) = (colour.fill, colour.stroke) }
        var isRewired = false
        if case .rewired = item.change {
            isRewired = true
            (fill, stroke) = ("#ffffff", "#dc2626")
        }
        let isModule = item.isFolded
        writer.group(
            ["class": isModule ? "module" : isRewired ? "rewired" : "added"], title: item.lines.joined(separator: "\n")
        ) { writer in
            writer.box(
                box, ["rx": "4", "fill": fill, "stroke": stroke, "stroke-dasharray": isRewired ? "5 3" : "none"])
            for (place, line) in item.lines.enumerated() {
                let style: TextStyle = place == 0 ? (isModule ? .bold : .mono) : .quiet
                writer.text(
                    style.cut(line, to: box.width - 16), x: box.x + 8, y: box.y + 17 + place * Self.lineHeight,
                    style.rawValue)
            }
        }
    }
}
