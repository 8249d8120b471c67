/// The badges of one row of the model, in lines from left to right; each site starts a line.
struct BadgeFlow {
    struct Placed {
        var badge: EditBadge
        var box: Box
    }

    static let gap = 6
    /// Relative to the upper left corner of the area.
    private(set) var placed: [Placed] = []
    private(set) var height = 0

    /// - Parameters:
    ///   - groups: The edits of each site, the topmost site first.
    ///   - columns: How many badges may stand side by side, the most first.
    init(_ groups: [[DrawnEdit]], width: Int, columns: [Int] = [4, 3, 2, 1]) {
        var y = 0
        for group in groups {
            var x = 0
            var lineHeight = 0
            for edit in group {
                var badge = EditBadge(edit)
                let badgeWidth = Self.width(badge.naturalWidth, in: width, columns)
                badge.wrap(to: badgeWidth)
                if x > 0, x + badgeWidth > width {
                    y += lineHeight + Self.gap
                    (x, lineHeight) = (0, 0)
                }
                placed.append(Placed(badge: badge, box: Box(x: x, y: y, width: badgeWidth, height: badge.height)))
                lineHeight = max(lineHeight, badge.height)
                x += badgeWidth + Self.gap
            }
            y += lineHeight + Self.gap
        }
        height = max(y - Self.gap, 0)
    }

    /// A quarter, a third, a half or all of the area, so that badges stand in columns.
    private static func width(_ natural: Int, in area: Int, _ columns: [Int]) -> Int {
        for parts in columns {
            let part = (area - (parts - 1) * gap) / parts
            if natural <= part || parts == 2 && part >= 300 { return part }
        }
        return area
    }
}
