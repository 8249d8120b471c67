/// Places the badges of a row beside their run and leads a line from each site to its badges.
struct BadgeLeaders {
    struct Group {
        var edits: [DrawnEdit]
        var anchor: SiteAnchor?
    }

    private let columns: DrawingColumns

    init(_ columns: DrawingColumns) { self.columns = columns }

    func place(
        _ groups: [Group], in band: Box, onRight: Bool, _ badges: inout SVGWriter, _ lines: inout SVGWriter
    ) {
        guard !groups.isEmpty, let column = onRight ? columns.badges : columns.sourceBadges else { return }
        let flow = BadgeFlow(groups.map(\.edits), width: column.width, columns: onRight ? [4, 3, 2, 1] : [1])
        let top = band.middleY - flow.height / 2
        var placed = flow.placed[...]
        var leaders: [(colour: DrawingColour, anchor: SiteAnchor, heights: [Int])] = []
        for group in groups {
            var heights: [Int] = []
            for item in placed.prefix(group.edits.count) {
                var box = item.box
                box.x += column.x
                box.y += top
                item.badge.draw(in: box, &badges)
                if item.box.x == 0 {
                    heights.append(box.y + 11)
                } else {
                    // The next edit at the same site.
                    lines.path("M\(box.x - BadgeFlow.gap) \(box.y + 11)h\(BadgeFlow.gap)", ["class": "chain"])
                }
            }
            placed = placed.dropFirst(group.edits.count)
            if let anchor = group.anchor, let colour = group.edits.first?.colour {
                leaders.append((colour, anchor, heights))
            }
        }
        let order = Self.trunks(leaders.map { ($0.anchor.y, $0.heights.first ?? $0.anchor.y) })
        for (leader, trunk) in zip(leaders, order) {
            let path =
                onRight
                ? rightPath(leader.anchor, leader.heights, trunk: min(columns.stream + 12 + 7 * trunk, column.x - 6))
                : leftPath(leader.anchor, leader.heights, trunk: min(column.right + 8 + 6 * trunk, column.right + 24))
            lines.path(path, ["class": "leader", "stroke": leader.colour.stroke])
        }
    }

    private func rightPath(_ anchor: SiteAnchor, _ heights: [Int], trunk: Int) -> String {
        let chip = anchor.chip
        let start = anchor.stream.map { "M\($0) \(anchor.y)" } ?? "M\(chip.right - 6) \(chip.y)V\(anchor.y)"
        return heights.map { "\(start)H\(trunk)V\($0)H\(columns.badges.x)" }.joined()
    }

    private func leftPath(_ anchor: SiteAnchor, _ heights: [Int], trunk: Int) -> String {
        let end = columns.sourceBadges?.right ?? 0
        return heights.map { "M\(anchor.chip.x) \(anchor.y)H\(trunk)V\($0)H\(end)" }.joined()
    }

    /// The order of the vertical parts from left to right in which lines do not cross: those that go up, the lowest
    /// rightmost, and those that go down, the highest rightmost.
    static func trunks(_ lines: [(from: Int, to: Int)]) -> [Int] {
        let up = lines.indices.filter { lines[$0].to <= lines[$0].from }
        let down = lines.indices.filter { lines[$0].to > lines[$0].from }
        var order = [Int](repeating: 0, count: lines.count)
        for (place, line) in up.enumerated() { order[line] = place }
        for (place, line) in down.reversed().enumerated() { order[line] = place }
        return order
    }
}
