import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What a parser of XML finds in a drawing.
final class DrawnDocument: NSObject, XMLParserDelegate {
    struct Badge: Equatable {
        var title = ""
        var texts: [String] = []
        /// x, y, width and height.
        var box: [Int] = []

        func overlaps(_ other: Badge) -> Bool {
            box[0] < other.box[0] + other.box[2] && other.box[0] < box[0] + box[2]
                && box[1] < other.box[1] + other.box[3] && other.box[1] < box[1] + box[3]
        }
    }

    private(set) var badges: [Badge] = []
    /// Every text outside the badges.
    private(set) var texts: [String] = []
    /// The `class` of every path.
    private(set) var paths: [String] = []
    private(set) var size: [Int] = []
    private var groups: [String] = []
    private var text = ""

    init(_ svg: String) throws {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        try #require(parser.parse(), "not well formed: \(String(describing: parser.parserError))")
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        text = ""
        let numbers = ["x", "y", "width", "height"].compactMap { attributes[$0].flatMap { Int($0) } }
        switch name {
        case "svg": size = numbers
        case "g":
            groups.append(attributes["class"] ?? "")
            if groups.last == "edit" { badges.append(Badge()) }
        case "rect":
            if groups.last == "edit", badges[badges.count - 1].box.isEmpty { badges[badges.count - 1].box = numbers }
        case "path": paths.append(attributes["class"] ?? "")
        default: break
        }
    }

    func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        switch (name, groups.last) {
        case ("g", _): groups.removeLast()
        case ("title", "edit"): badges[badges.count - 1].title = text
        case ("text", "edit"): badges[badges.count - 1].texts.append(text)
        case ("text", _): texts.append(text)
        default: break
        }
    }
}
