import InterventionDSL

/// Title, legend, the list of declarations and the names of the runs, above the model.
struct DrawingHeader {
    private let drawing: HookGraphDrawing
    private(set) var writer = SVGWriter()
    /// More declarations than this are counted instead of listed.
    private static let listed = 16

    init(_ drawing: HookGraphDrawing) { self.drawing = drawing }

    /// Draws everything and gives the height at which the model begins.
    mutating func draw(_ columns: DrawingColumns) -> Int {
        let left = DrawingColumns.margin
        let width = DrawingColumns.pageWidth - 2 * left
        // The title's font is twice the size that the style is measured at.
        writer.text(TextStyle.plain.cut(drawing.modelName, to: width / 2), x: left, y: 36, "title")
        writer.text(drawing.summary, x: left, y: 58, "summary")
        var y = 80
        drawLegend(x: left, y: y)
        y += 20
        if let note = positionsNote {
            writer.text(note, x: left, y: y + 4, "quiet")
            y += 18
        }
        y += 6
        for declaration in drawing.program.declarations.prefix(Self.listed) {
            draw(declaration, x: left, y: y, width: width)
            y += 18
        }
        let rest = drawing.program.declarations.count - Self.listed
        if rest > 0 {
            writer.text("and \(rest) more", x: left + 18, y: y, "quiet")
            y += 18
        }
        if !columns.sources.isEmpty {
            y += 12
            for (run, column) in columns.sources { drawName(of: run, column.x, column.width, y) }
            drawName(of: Program.baseName, columns.base.x, columns.base.width, y)
            y += 4
        }
        return y + 4
    }

    /// What the short forms of positions mean that the program uses.
    private var positionsNote: String? {
        let texts = Set(drawing.program.edits.map(\.hook.positions.description))
        func example(_ letter: Character, _ word: String) -> String? {
            texts.filter { $0.first == letter && Int($0.dropFirst()) != nil }
                .min { ($0.count, $0) < ($1.count, $1) }
                .map { "\($0): " + ($0.dropFirst() == "1" ? "\(word) row" : "\(word) \($0.dropFirst()) rows") }
        }
        let notes = [example("f", "first"), example("l", "last")].compactMap { $0 }
        return notes.isEmpty ? nil : "Positions: " + notes.joined(separator: ", ") + " of each prompt"
    }

    private mutating func drawName(of run: String, _ x: Int, _ width: Int, _ y: Int) {
        let name = TextStyle.bold.cut("run \(run)", to: width)
        writer.text(name, x: x + width, y: y, "run")
    }

    private mutating func draw(_ declaration: DrawnDeclaration, x: Int, y: Int, width: Int) {
        let colour = declaration.colour
        writer.box(
            Box(x: x, y: y - 10, width: 12, height: 12), ["rx": "2", "fill": colour.fill, "stroke": colour.stroke])
        var start = x + 18
        let edits = declaration.edits == 1 ? "1 edit" : "\(declaration.edits) edits"
        let texts: [(String, TextStyle)] = [
            (declaration.name, .bold), (declaration.kind, .quiet), (declaration.text, .plain),
            ("\(edits) · \(declaration.location)", .quiet),
        ]
        for (text, style) in texts {
            let room = x + width - start
            guard room > 40 else { break }
            let shown = style.cut(text, to: min(room, style == .bold ? 300 : room))
            writer.text(shown, x: start, y: y, style.rawValue)
            start += style.width(of: shown) + 10
        }
    }

    private mutating func drawLegend(x: Int, y: Int) {
        var x = x
        func next(_ text: String, sample width: Int, _ draw: (inout SVGWriter, Int) -> Void) {
            draw(&writer, x)
            writer.text(text, x: x + width + 6, y: y + 4, "quiet")
            x += width + 6 + TextStyle.quiet.width(of: text) + 16
        }
        let sample = DrawingColour.palette[0]
        next("site", sample: 24) { writer, x in
            writer.box(
                Box(x: x, y: y - 7, width: 24, height: 14),
                ["rx": "3", "fill": "#ffffff", "stroke": "#94a3b8", "stroke-width": "0.8"])
        }
        next("edited site", sample: 24) { writer, x in
            writer.box(
                Box(x: x, y: y - 7, width: 24, height: 14),
                ["rx": "3", "fill": sample.fill, "stroke": sample.stroke, "stroke-width": "1.6"])
        }
        next("edit, numbered in the order of acting", sample: 30) { writer, x in
            writer.box(
                Box(x: x, y: y - 7, width: 30, height: 14), ["rx": "3", "fill": sample.fill, "stroke": sample.stroke])
            writer.box(Box(x: x, y: y - 7, width: 14, height: 14), ["rx": "3", "fill": sample.stroke])
            writer.text("1", x: x + 7, y: y + 4, "order")
        }
        next("residual stream, unchanged", sample: 22) { writer, x in
            writer.path("M\(x) \(y)h22", ["class": "stream"])
        }
        next("above an edit", sample: 22) { writer, x in writer.path("M\(x) \(y)h22", ["class": "stream edited"]) }
        if drawing.program.edits.contains(where: { !$0.hook.sources.isEmpty }) {
            next("read", sample: 30) { writer, x in
                writer.path("M\(x) \(y)h24", ["class": "read", "stroke": "#334155"])
                writer.path("M\(x + 30) \(y)l-7 -3.5v7z", ["fill": "#334155"])
            }
        }
        if let mark = drawing.program.edits.lazy.compactMap(\.averages.first).first {
            let width = TextStyle.bold.width(of: mark) + 8
            next("member of an average, with its weight", sample: width) { writer, x in
                writer.box(
                    Box(x: x, y: y - 7, width: width, height: 14),
                    ["rx": "7", "fill": "#ffffff", "stroke": sample.stroke])
                writer.text(mark, x: x + 4, y: y + 4, "bold")
            }
        }
        if drawing.program.edits.contains(where: { $0.parameters?.mark != nil }) {
            next("the same letter: the same parameters", sample: 18) { writer, x in
                writer.box(
                    Box(x: x, y: y - 7, width: 18, height: 14),
                    ["rx": "7", "fill": "#ffffff", "stroke": sample.stroke])
                writer.text("A", x: x + 5, y: y + 4, "bold")
            }
        }
    }

    /// Fonts and lines; the widths in ``TextStyle`` belong to them.
    static let style = """
         <style>
          text { font-family: Inter, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #0f172a; }
          .title { font-size: 22px; font-weight: 700; }
          .summary { font-size: 13px; fill: #334155; }
          .bold, .run { font-size: 12px; font-weight: 600; }
          .run { text-anchor: end; }
          .plain, .quiet { font-size: 11px; }
          .quiet { fill: #475569; }
          .mono, .site, .touched { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
          .mono, .site, .touched { font-size: 10px; }
          .site, .touched, .inside, .order { text-anchor: middle; }
          .site { fill: #64748b; }
          .touched { font-weight: 600; }
          .inside, .lane { font-size: 10px; fill: #64748b; }
          .order { font-size: 10px; font-weight: 700; fill: #ffffff; }
          .branch { fill: #f1f5f9; stroke: #cbd5e1; rx: 4px; }
          .wire { stroke: #94a3b8; fill: none; }
          .sum { fill: #ffffff; stroke: #94a3b8; }
          .stream { stroke: #cbd5e1; stroke-width: 3; fill: none; }
          .edited { stroke: #334155; }
          .leader { stroke-width: 1.3; fill: none; }
          .chain { stroke: #64748b; fill: none; }
          .read { stroke-width: 1.6; stroke-dasharray: 5 3; fill: none; }
         </style>
        """
}
