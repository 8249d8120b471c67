import Graph
import InterventionDSL

/// Draws the rows of one run and remembers where its touched sites are.
struct RunColumnDrawing {
    let run: String
    let column: DrawingColumns.Column
    let stream: Int
    /// The edits of each site of the run.
    let edits: [SiteID: [DrawnEdit]]
    /// Sites of the run that are read.
    let read: Set<SiteID>
    private(set) var anchors: [SiteID: SiteAnchor] = [:]
    /// Whether an edit was met further down.
    private var isEdited = false

    init(_ program: DrawnProgram, run: String, column: DrawingColumns.Column, stream: Int) {
        self.run = run
        self.column = column
        self.stream = stream
        edits = Dictionary(grouping: program.edits.filter { $0.hook.site.run == run }, by: \.hook.site)
        read = Set(program.edits.flatMap(\.hook.sources).map(\.site).filter { $0.run == run })
    }

    func isTouched(_ site: SiteID) -> Bool { edits[site] != nil || read.contains(site) }

    func touched(_ row: ModelOutline.Row) -> Set<Component> {
        Set(row.components.filter { isTouched(site($0, row)) })
    }

    func site(_ component: Component, _ row: ModelOutline.Row) -> SiteID {
        if case .layer(let layer) = row.content { return SiteID(component, layer: layer, run: run) }
        return SiteID(component, run: run)
    }

    /// The height that the base run needs for a row.
    func height(_ row: ModelOutline.Row) -> Int {
        switch row.content {
        case .component: 18
        case .folded: 24
        case .layer: LayerParts(components: row.components, touched: touched(row)).height
        }
    }
}

// MARK: - The base run

extension RunColumnDrawing {
    /// A row of the base run with what is inside it.
    mutating func drawDetailed(_ row: ModelOutline.Row, in band: Box, _ writer: inout SVGWriter) {
        let start = band.middleY - height(row) / 2
        switch row.content {
        case .component(let component):
            drawStream(band, from: mark(component, row, at: band.middleY), &writer)
            chip(component, row, y: band.middleY, &writer)
        case .folded(let layers):
            drawStream(band, from: nil, &writer)
            writer.text(layers.name, x: DrawingColumns.margin, y: band.middleY + 4, "plain")
            let box = Box(x: stream - 20 - 150, y: band.middleY - 9, width: 150, height: 18)
            writer.box(Box(x: box.x + 3, y: box.y - 3, width: box.width, height: box.height), ["class": "branch"])
            writer.box(box, ["class": "branch"])
            writer.text(isEdited ? "not edited" : "unchanged", x: box.middleX, y: box.middleY + 4, "inside")
        case .layer(let layer):
            let parts = LayerParts(components: row.components, touched: touched(row))
            drawStream(band, from: firstMark(parts, row, start: start), &writer)
            writer.text("layer \(layer)", x: DrawingColumns.margin, y: band.middleY + 4, "bold")
            var y = start + 2
            for component in parts.above {
                chip(component, row, y: y + LayerParts.stripHeight / 2, &writer)
                y += LayerParts.stripHeight
            }
            for branch in parts.branches {
                y += branch.gap
                draw(branch, row, y: y, &writer)
                y += branch.height
            }
            for component in parts.below {
                chip(component, row, y: y + LayerParts.stripHeight / 2, &writer)
                y += LayerParts.stripHeight
            }
        }
    }

    private func edits(_ component: Component, _ row: ModelOutline.Row) -> [DrawnEdit] {
        edits[site(component, row)] ?? []
    }

    /// The height from which on the stream differs, if the component is edited.
    private func mark(_ component: Component, _ row: ModelOutline.Row, at y: Int) -> Int? {
        edits(component, row).contains(where: \.changesRows) ? y : nil
    }

    /// The lowest height of a layer at which an edit reaches the stream.
    private func firstMark(_ parts: LayerParts, _ row: ModelOutline.Row, start: Int) -> Int? {
        var marks: [Int?] = []
        var y = start + 2
        for component in parts.above {
            marks.append(mark(component, row, at: y + LayerParts.stripHeight / 2))
            y += LayerParts.stripHeight
        }
        for branch in parts.branches {
            y += branch.gap
            marks += branch.touched.map { mark($0, row, at: y + branch.height / 2 - 3) }
            y += branch.height
        }
        for component in parts.below {
            marks.append(mark(component, row, at: y + LayerParts.stripHeight / 2))
            y += LayerParts.stripHeight
        }
        return marks.compactMap { $0 }.max()
    }

    /// Attention or MLP: takes from the stream, and adds to it higher up.
    private mutating func draw(
        _ branch: LayerParts.Branch, _ row: ModelOutline.Row, y: Int, _ writer: inout SVGWriter
    ) {
        let isOpen = !branch.touched.isEmpty
        let width = isOpen ? 216 : 70
        let box = Box(x: stream - 20 - width, y: y, width: width, height: branch.height)
        writer.path("M\(stream) \(box.middleY + 4)H\(box.right)", ["class": "wire"])
        writer.path("M\(box.right) \(box.middleY - 3)H\(stream)", ["class": "wire"])
        writer.box(box, ["class": "branch"])
        let plus = (x: stream, y: box.middleY - 3)
        writer.element("circle", ["class": "sum", "cx": "\(plus.x)", "cy": "\(plus.y)", "r": "4"])
        writer.path("M\(plus.x - 2) \(plus.y)h4m-2 -2v4", ["class": "wire"])
        guard isOpen else {
            return writer.text(branch.branch.rawValue, x: box.middleX, y: box.middleY + 4, "inside")
        }
        writer.text(branch.branch.rawValue, x: box.x + 5, y: box.middleY + 4, "lane")
        let present = branch.branch.sites.filter { row.components.contains($0.component) }
        var x = box.right - 4 - present.reduce(-4) { $0 + $1.width + 4 }
        for site in present {
            let chip = Box(x: x, y: box.y + 4, width: site.width, height: 16)
            draw(chip, site.label, self.site(site.component, row), &writer)
            if let place = branch.touched.firstIndex(of: site.component) {
                let lift = 5 + 4 * (branch.touched.count - 1 - place)
                anchors[self.site(site.component, row)] = SiteAnchor(chip: chip, stream: nil, y: box.y - lift + 1)
            }
            x += site.width + 4
        }
    }

    /// A site of the residual stream: a dot on it, and its name.
    private mutating func chip(
        _ component: Component, _ row: ModelOutline.Row, y: Int, _ writer: inout SVGWriter
    ) {
        let id = site(component, row)
        let limit = stream - 12 - column.x
        let name = TextStyle.mono.cut(component.rawValue, to: limit - 10)
        let width = TextStyle.mono.width(of: name) + 10
        let box = Box(x: stream - 12 - width, y: y - 7, width: width, height: 14)
        draw(box, name, id, &writer)
        writer.path("M\(box.right) \(y)H\(stream)", ["class": "wire"])
        let edited = edits[id]?.first?.colour.stroke
        writer.element(
            "circle",
            [
                "cx": "\(stream)", "cy": "\(y)", "r": isTouched(id) ? "5" : "3", "fill": edited ?? "#ffffff",
                "stroke": edited ?? "#475569",
            ])
        if isTouched(id) { anchors[id] = SiteAnchor(chip: box, stream: stream, y: y) }
    }

    /// A chip in the colours of those who edit its site.
    private func draw(_ box: Box, _ label: String, _ id: SiteID, _ writer: inout SVGWriter) {
        var colours: [DrawingColour] = []
        for edit in edits[id] ?? [] where !colours.contains(edit.colour) { colours.append(edit.colour) }
        writer.group(["class": "site"], title: "\(id)") { writer in
            writer.box(box, ["rx": "3", "fill": colours.first?.fill ?? "#ffffff"])
            for (place, colour) in colours.enumerated().dropFirst() {
                let x = box.x + box.width * place / colours.count
                writer.box(Box(x: x, y: box.y, width: box.right - x, height: box.height), ["fill": colour.fill])
            }
            let stroke = colours.first?.stroke ?? (read.contains(id) ? "#0f172a" : "#94a3b8")
            writer.box(
                box, ["rx": "3", "fill": "none", "stroke": stroke, "stroke-width": isTouched(id) ? "1.6" : "0.8"])
            writer.text(label, x: box.middleX, y: box.middleY + 3, isTouched(id) ? "touched" : "site")
        }
    }

    /// The residual stream through a band; darker from the first edit on.
    private mutating func drawStream(_ band: Box, from mark: Int?, _ writer: inout SVGWriter) {
        let changes = isEdited ? band.bottom : mark ?? band.y
        if changes < band.bottom { writer.path("M\(stream) \(band.bottom)V\(changes)", ["class": "stream"]) }
        if changes > band.y { writer.path("M\(stream) \(changes)V\(band.y)", ["class": "stream edited"]) }
        if mark != nil { isEdited = true }
    }
}

// MARK: - A source run

extension RunColumnDrawing {
    /// A row of a source run: its stream and the sites that are edited or read, at the heights of the base run's.
    mutating func drawBrief(
        _ row: ModelOutline.Row, in band: Box, beside other: [SiteID: SiteAnchor], _ writer: inout SVGWriter
    ) {
        let touched = row.components.filter { isTouched(site($0, row)) }
        var heights: [(component: Component, y: Int)] = touched.map { component in
            var twin = site(component, row)
            twin.run = Program.baseName
            return (component, other[twin]?.y ?? band.middleY)
        }
        heights.sort { $0.y < $1.y }
        for place in heights.indices.dropFirst() {
            heights[place].y = max(heights[place].y, heights[place - 1].y + Self.briefHeight)
        }
        let overflow = max(0, (heights.last?.y ?? 0) + Self.briefHeight / 2 - band.bottom)
        for place in heights.indices { heights[place].y -= overflow }
        drawStream(band, from: heights.compactMap { mark($0.component, row, at: $0.y) }.max(), &writer)
        for (component, y) in heights { chip(component, row, y: y, &writer) }
    }

    static let briefHeight = 18
}

extension ClosedRange<Int> {
    /// `layer 3`, `layers 4–7`.
    var name: String { count == 1 ? "layer \(lowerBound)" : "layers \(lowerBound)–\(upperBound)" }
}
