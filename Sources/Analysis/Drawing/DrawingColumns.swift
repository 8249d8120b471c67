import InterventionDSL

/// What stands where from left to right: names of layers, badges of source runs, source runs, the base run, its badges.
struct DrawingColumns {
    struct Column {
        var x: Int
        var width: Int

        var right: Int { x + width }
    }

    static let pageWidth = 1200
    static let margin = 24
    /// The names of the layers.
    static let labelWidth = 74
    static let baseWidth = 252
    /// Between a run and its badges, where the lines to them are led.
    static let gutter = 44

    /// Nil where no source run is edited.
    let sourceBadges: Column?
    let sources: [(run: String, column: Column)]
    let base: Column
    let badges: Column

    init(_ program: DrawnProgram) {
        var x = Self.margin + Self.labelWidth
        let sourceRuns = program.runs.filter { $0 != Program.baseName }
        if program.edits.contains(where: { $0.hook.site.run != Program.baseName }) {
            sourceBadges = Column(x: x, width: 200)
            x += 200 + 28
        } else {
            sourceBadges = nil
        }
        let widest = sourceRuns.count < 3 ? 170 : 300 / sourceRuns.count
        var sources: [(String, Column)] = []
        for run in sourceRuns {
            let names = program.touchedSites.filter { $0.run == run }.map(\.component.rawValue)
            let chip = names.map(TextStyle.mono.width).max() ?? 0
            let width = min(max(chip + 40, TextStyle.bold.width(of: "run \(run)") + 12), widest)
            sources.append((run, Column(x: x, width: width)))
            x += width + 8
        }
        if !sources.isEmpty { x += 22 }
        self.sources = sources
        base = Column(x: x, width: Self.baseWidth)
        let start = base.right + Self.gutter
        badges = Column(x: start, width: Self.pageWidth - Self.margin - start)
    }

    /// The residual stream of the base run.
    var stream: Int { base.x + 238 }

    /// The residual stream of a source run.
    static func stream(_ column: Column) -> Int { column.right - 12 }
}

/// Where the drawing shows a site, for lines to and from it.
struct SiteAnchor {
    var chip: Box
    /// Where the chip lies on the residual stream; nil for a chip inside attention or MLP.
    var stream: Int?
    /// The height at which lines to the site run: beside the chip on the stream, else above it.
    var y: Int
}
