import Graph
import InterventionDSL

/// Lays a bound program out and draws it.
struct SVGDrawing {
    private let drawing: HookGraphDrawing
    private let columns: DrawingColumns
    private var base: RunColumnDrawing
    private var sources: [RunColumnDrawing]
    private static let rowPadding = 4

    init(_ drawing: HookGraphDrawing) {
        self.drawing = drawing
        let columns = DrawingColumns(drawing.program)
        self.columns = columns
        base = RunColumnDrawing(
            drawing.program, run: Program.baseName, column: columns.base, stream: columns.stream)
        sources = columns.sources.map { run, column in
            RunColumnDrawing(drawing.program, run: run, column: column, stream: DrawingColumns.stream(column))
        }
    }

    /// The whole document.
    var document: String {
        var copy = self
        return copy.draw()
    }

    private mutating func draw() -> String {
        var header = DrawingHeader(drawing)
        let top = header.draw(columns)
        let bands = self.bands(from: top)
        var background = SVGWriter()
        var model = SVGWriter()
        for (place, band) in bands.enumerated() {
            if place % 2 == 1 { background.box(band, ["fill": "#f8fafc"]) }
            base.drawDetailed(drawing.outline.rows[place], in: band, &model)
            for source in sources.indices {
                sources[source].drawBrief(drawing.outline.rows[place], in: band, beside: base.anchors, &model)
            }
        }
        var badges = SVGWriter()
        var lines = SVGWriter()
        for (place, band) in bands.enumerated() {
            let leaders = BadgeLeaders(columns)
            leaders.place(groups(place, [base]), in: band, onRight: true, &badges, &lines)
            leaders.place(groups(place, sources), in: band, onRight: false, &badges, &lines)
        }
        let anchors = sources.reduce(base.anchors) { $0.merging($1.anchors) { first, _ in first } }
        let reads = SourceArrows(columns, anchors).lines(drawing.program.edits)
        let height = (bands.first?.bottom ?? top) + DrawingColumns.margin
        let opening =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(DrawingColumns.pageWidth)\" height=\"\(height)\""
            + " viewBox=\"0 0 \(DrawingColumns.pageWidth) \(height)\">"
        let page = " <rect width=\"\(DrawingColumns.pageWidth)\" height=\"\(height)\" fill=\"#ffffff\"/>"
        let content = [background, lines, model, reads, badges].flatMap(\.lines)
        return ([opening, DrawingHeader.style, page] + header.writer.lines + content + ["</svg>"])
            .map { $0 + "\n" }.joined()
    }

    /// The band of each row; the first row is the lowest.
    private func bands(from top: Int) -> [Box] {
        var bands: [Box] = []
        var y = top
        for place in drawing.outline.rows.indices.reversed() {
            let row = drawing.outline.rows[place]
            let right = BadgeFlow(groups(place, [base]).map(\.edits), width: columns.badges.width)
            let left = columns.sourceBadges.map {
                BadgeFlow(groups(place, sources).map(\.edits), width: $0.width, columns: [1]).height
            }
            let brief = sources.map { $0.touched(row).count * RunColumnDrawing.briefHeight }.max() ?? 0
            let height = [base.height(row), right.height, left ?? 0, brief].max() ?? 0
            let band = Box(
                x: DrawingColumns.margin / 2, y: y, width: DrawingColumns.pageWidth - DrawingColumns.margin,
                height: height + 2 * Self.rowPadding)
            bands.append(band)
            y = band.bottom
        }
        return bands.reversed()
    }

    /// The edits of each site of a row, the topmost site first.
    private func groups(_ place: Int, _ runs: [RunColumnDrawing]) -> [BadgeLeaders.Group] {
        let row = drawing.outline.rows[place]
        var groups: [BadgeLeaders.Group] = []
        for run in runs {
            // Within a branch the lines of the first sites run highest.
            let parts = LayerParts(components: row.components, touched: run.touched(row))
            var order = parts.above + parts.branches.flatMap(\.touched) + parts.below
            if case .component = row.content { order = row.components }
            for component in order {
                let site = run.site(component, row)
                if let edits = run.edits[site] {
                    groups.append(BadgeLeaders.Group(edits: edits, anchor: run.anchors[site]))
                }
            }
        }
        return groups
    }
}
