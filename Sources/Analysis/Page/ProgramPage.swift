import Graph
import InterventionDSL
import JSON
import Session

/// A bound program as one HTML page without any outside resource: the drawing, the declarations, and the computation
/// graph before and after, which can be searched, folded and filtered by declaration.
///
/// ```swift
/// try Data(ProgramPage(session).html.utf8).write(to: URL(fileURLWithPath: "program.html"))
/// ```
/// The same program on the same model gives the same text. The page works without scripts too, but for the graph.
public struct ProgramPage: Sendable {
    private let drawing: HookGraphDrawing
    private let hookGraph: HookGraph
    private let difference: SplicedDifference
    private let modelName: String

    /// The page of a session's program.
    /// - Throws: `ProgramErrors`, or what building the model's graph throws.
    public init(_ session: Session) throws {
        try self.init(
            hookGraph: session.hookGraph, graph: session.unsplicedGraph(), modelName: session.model.name)
    }

    /// The page of a program that is bound to a graph.
    /// - Parameters:
    ///   - graph: The graph with every run of the program.
    ///   - modelName: The title.
    /// - Throws: `ProgramErrors`.
    public init(hookGraph: HookGraph, graph: ComputationGraph, modelName: String) throws(ProgramErrors) {
        self.hookGraph = hookGraph
        self.modelName = modelName
        drawing = HookGraphDrawing(hookGraph: hookGraph, graph: graph, modelName: modelName)
        difference = try hookGraph.splice(into: graph, mode: .evaluate).difference(from: graph)
    }

    /// The document.
    public var html: String {
        let title = SVGWriter.escaped(modelName)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title)</title>
            <style>
            \(PageStyle.text)</style>
            </head>
            <body>
            <header>
            <h1>\(title)</h1>
            <p>\(SVGWriter.escaped(drawing.summary)); \(difference.summary)</p>
            </header>
            <details class="panel" open><summary>Program</summary>
            \(declarations)</details>
            <details class="panel" open><summary>Where it acts</summary>
            <div class="drawing">
            \(drawing.svg)</div>
            </details>
            <details class="panel" open><summary>Computation graph</summary>
            \(PageStyle.controls)<div id="graph"><p class="quiet">The graph is shown by a script.</p></div>
            </details>
            <script type="application/json" id="computation">
            \(Self.embedded(difference.after.json()))</script>
            <script type="application/json" id="changes">
            \(Self.embedded(changes.line))
            </script>
            <script>
            \(PageScript.text)</script>
            </body>
            </html>

            """
    }

    /// JSON within a script element: a closing tag in a name must not end it.
    private static func embedded(_ json: String) -> String { json.replacing("</", with: "<\\/") }

    /// What the script needs to know besides the graph itself.
    private var changes: JSONValue {
        var added: [JSONValue] = []
        var rewired: [JSONValue.Member] = []
        for id in difference.changedNodes {
            switch difference.changes[id] {
            case .kept: break
            case .added: added.append(.integer(id))
            case .rewired(let before): rewired.append(.init("\(id)", .array(before.map { .string("\($0)") })))
            }
        }
        let colours = drawing.program.declarations.map { declared in
            JSONValue.Member(declared.name, .array([.string(declared.colour.fill), .string(declared.colour.stroke)]))
        }
        return .object([
            .init("added", .array(added)), .init("rewired", .object(rewired)), .init("colours", .object(colours)),
        ])
    }

    // MARK: - Declarations

    private var declarations: String {
        let program = drawing.program
        guard !program.declarations.isEmpty else { return "<p class=\"quiet\">Nothing is declared.</p>\n" }
        var lines: [String] = []
        for declared in program.declarations {
            let edits = program.edits.filter { $0.hook.name == declared.name }
            lines.append(
                "<details class=\"declaration\" data-name=\"\(SVGWriter.escaped(declared.name))\" "
                    + "style=\"border-left-color:\(declared.colour.stroke)\"><summary>"
                    + "<b style=\"background:\(declared.colour.fill)\">\(SVGWriter.escaped(declared.name))</b> "
                    + "\(SVGWriter.escaped(declared.kind)) \(SVGWriter.escaped(declared.text)) "
                    + "<span class=\"quiet\">\(declared.edits) edit\(declared.edits == 1 ? "" : "s"), "
                    + "\(SVGWriter.escaped(declared.location))</span> "
                    + "<button type=\"button\" class=\"only\">its nodes</button></summary>")
            lines.append("<table><tr><th>order<th>site<th>width<th>positions<th>average<th>reads<th>parameters</tr>")
            lines += edits.map(Self.row)
            lines.append("</table></details>")
        }
        for note in hookGraph.notes { lines.append("<p class=\"note\">\(SVGWriter.escaped("\(note)"))</p>") }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func row(_ edit: DrawnEdit) -> String {
        let parameters = edit.parameters.map { parameters in
            "\(parameters.prefix): " + parameters.tensors.joined(separator: ", ")
                + (parameters.mark.map { " (shared, \($0))" } ?? "")
        }
        let cells = [
            "\(edit.order)", "\(edit.hook.shape)", "\(edit.hook.shape.width)", "\(edit.hook.positions)",
            edit.averages.joined(separator: ", "),
            edit.reads.map { $0.dropFirst().joined(separator: " ") }.joined(separator: "; "), parameters ?? "",
        ]
        return "<tr>" + cells.map { "<td>\(SVGWriter.escaped($0))" }.joined() + "</tr>"
    }
}
