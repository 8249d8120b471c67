/// The badge of one edit: name, type, positions, what it reads and its parameters, wrapped to a width.
struct EditBadge {
    struct Segment {
        var text: String
        var style: TextStyle
        /// Whether it names shared parameters or an average and so gets a frame.
        var isMark = false

        var width: Int { style.width(of: text) + (isMark ? 8 : 0) }
    }

    static let lineHeight = 15
    static let gap = 7
    /// Left of the text: the coloured edge with the order number.
    static let textStart = 28

    let edit: DrawnEdit
    private let paragraphs: [[Segment]]
    private(set) var lines: [[Segment]] = []

    init(_ edit: DrawnEdit) {
        self.edit = edit
        let hook = edit.hook
        var head = [Segment(text: hook.name, style: .bold), Segment(text: edit.kind, style: .quiet)]
        head += edit.qualifiers.map { Segment(text: $0, style: .plain) }
        head += edit.averages.map { Segment(text: $0, style: .bold, isMark: true) }
        if let parameters = edit.parameters, let mark = parameters.mark {
            head.append(Segment(text: mark, style: .bold, isMark: true))
            head.append(Segment(text: "shared by \(parameters.sharedBy) edits", style: .quiet))
        }
        var paragraphs = [head]
        paragraphs += edit.reads.map { $0.map { Segment(text: $0, style: .plain) } }
        if let parameters = edit.parameters {
            let texts = [parameters.prefix] + parameters.tensors + ["= \(parameters.count.grouped)"]
            paragraphs.append(texts.map { Segment(text: $0, style: .mono) })
        }
        self.paragraphs = paragraphs
    }

    /// The width at which nothing is wrapped.
    var naturalWidth: Int { Self.textStart + (paragraphs.map(Self.width).max() ?? 0) + 8 }

    var height: Int { lines.count * Self.lineHeight + 7 }

    /// Breaks the lines to a width; text that is wider alone is cut.
    mutating func wrap(to width: Int) {
        let limit = width - Self.textStart - 8
        lines = []
        for paragraph in paragraphs {
            var line: [Segment] = []
            for segment in paragraph {
                if !line.isEmpty, Self.width(line + [segment]) > limit {
                    lines.append(line)
                    line = []
                }
                var fitting = segment
                fitting.text = segment.style.cut(segment.text, to: limit)
                line.append(fitting)
            }
            lines.append(line)
        }
    }

    private static func width(_ line: [Segment]) -> Int {
        line.reduce(0) { $0 + $1.width } + gap * max(line.count - 1, 0)
    }

    /// All of it in words, for the tooltip.
    var title: String {
        var parts = ["edit \(edit.order): \(edit.hook.name), \(edit.kind) on \(edit.hook.shape)"]
        parts += edit.qualifiers.filter { !$0.hasPrefix("head ") } + edit.averages.map { "member of an average \($0)" }
        parts += edit.reads.map { $0.joined(separator: " ") }
        if let parameters = edit.parameters { parts.append("parameters " + parameters.names.joined(separator: " ")) }
        return parts.joined(separator: ", ") + " (\(edit.hook.location))"
    }

    func draw(in box: Box, _ writer: inout SVGWriter) {
        let colour = edit.colour
        writer.group(["class": "edit"], title: title) { writer in
            writer.box(box, ["rx": "4", "fill": colour.fill, "stroke": colour.stroke])
            let number = Box(x: box.x, y: box.y, width: Self.textStart - 6, height: box.height)
            writer.path(
                "M\(number.right) \(box.y)H\(box.x + 4)a4 4 0 0 0 -4 4V\(box.bottom - 4)a4 4 0 0 0 4 4"
                    + "H\(number.right)Z",
                ["fill": colour.stroke])
            writer.text("\(edit.order)", x: number.middleX, y: box.y + 15, "order")
            for (place, line) in lines.enumerated() {
                var x = box.x + Self.textStart
                let baseline = box.y + 15 + place * Self.lineHeight
                for segment in line {
                    if segment.isMark {
                        let frame = Box(x: x, y: baseline - 11, width: segment.width, height: 14)
                        writer.box(frame, ["rx": "7", "fill": "#ffffff", "stroke": colour.stroke])
                        writer.text(segment.text, x: x + 4, y: baseline, segment.style.rawValue)
                    } else {
                        writer.text(segment.text, x: x, y: baseline, segment.style.rawValue)
                    }
                    x += segment.width + Self.gap
                }
            }
        }
    }
}
