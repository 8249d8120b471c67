/// Collects the elements of an SVG document; the only place where text is escaped.
struct SVGWriter {
    private(set) var lines: [String] = []
    private var depth = 1

    /// An element without children.
    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String>) {
        lines.append(indent + "<\(name)\(Self.text(attributes))/>")
    }

    /// An element that holds text.
    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String>, text: String) {
        lines.append(indent + "<\(name)\(Self.text(attributes))>\(Self.escaped(text))</\(name)>")
    }

    /// An element around others.
    mutating func group(
        _ attributes: KeyValuePairs<String, String>, title: String? = nil, _ content: (inout SVGWriter) -> Void
    ) {
        lines.append(indent + "<g\(Self.text(attributes))>")
        depth += 1
        if let title { element("title", [:], text: title) }
        content(&self)
        depth -= 1
        lines.append(indent + "</g>")
    }

    mutating func text(_ text: String, x: Int, y: Int, _ style: String) {
        element("text", ["class": style, "x": "\(x)", "y": "\(y)"], text: text)
    }

    mutating func box(_ box: Box, _ attributes: KeyValuePairs<String, String>) {
        lines.append(
            indent + "<rect x=\"\(box.x)\" y=\"\(box.y)\" width=\"\(box.width)\" height=\"\(box.height)\""
                + "\(Self.text(attributes))/>")
    }

    mutating func path(_ path: String, _ attributes: KeyValuePairs<String, String>) {
        lines.append(indent + "<path d=\"\(path)\"\(Self.text(attributes))/>")
    }

    private var indent: String { String(repeating: " ", count: depth) }

    private static func text(_ attributes: KeyValuePairs<String, String>) -> String {
        attributes.map { " \($0)=\"\(escaped($1))\"" }.joined()
    }

    /// The text with the characters of markup replaced, and those that XML 1.0 does not allow.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "\t", "\n", "\r": escaped += " "
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// A rectangle in pixels.
struct Box: Hashable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int

    var right: Int { x + width }
    var bottom: Int { y + height }
    var middleX: Int { x + width / 2 }
    var middleY: Int { y + height / 2 }
}

/// The styles of text in the drawing, with widths that are safe in the usual sans-serif and monospaced fonts.
enum TextStyle: String {
    case bold, plain, quiet, mono

    /// The width in pixels.
    func width(of text: String) -> Int {
        switch self {
        case .mono: (text.unicodeScalars.reduce(0) { $0 + ($1.isWide ? 1000 : 605) } * 10 + 999) / 1000
        case .bold: (text.unicodeScalars.reduce(0) { $0 + $1.sansWidth + 55 } * 12 + 999) / 1000
        case .plain, .quiet: (text.unicodeScalars.reduce(0) { $0 + $1.sansWidth } * 11 + 999) / 1000
        }
    }

    /// The text, cut and ended by … where it is wider than a limit.
    func cut(_ text: String, to limit: Int) -> String {
        guard width(of: text) > limit else { return text }
        var cut = text
        while !cut.isEmpty, width(of: cut + "…") > limit { cut.removeLast() }
        return cut + "…"
    }
}

extension Unicode.Scalar {
    fileprivate var isWide: Bool { value >= 0x1100 && properties.isAlphabetic && value >= 0x2E80 || value >= 0x1F000 }

    /// In thousandths of the font size.
    fileprivate var sansWidth: Int {
        switch self {
        case "i", "j", "l", "'", ".", ",", ":", ";", "|", "!": 330
        case "f", "r", "t", " ", "(", ")", "[", "]", "-", "/": 420
        case "m", "w", "M", "W", "@", "%": 920
        case "A"..."Z": 720
        case "_", "c", "k", "s", "v", "x", "y", "z": 590
        default: isWide ? 1050 : 630
        }
    }
}
