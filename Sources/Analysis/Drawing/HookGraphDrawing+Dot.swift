import Graph
import InterventionDSL

extension HookGraphDrawing {
    /// The drawing in Graphviz's language: `dot -Tsvg`.
    ///
    /// Grey boxes are sites, coloured boxes edits, notes trained tensors, cylinders constants; Σ names an average. Edits follow each other along bold edges in
    /// the order of acting, dashed edges are reads, dotted ones parameters; each run is a box of its own.
    public var dot: String {
        var lines = [
            "digraph program {", "  rankdir=BT;", "  label=\(quoted(["\(modelName): \(summary)"])); labelloc=t;",
            "  graph [fontname=\"Helvetica\", fontsize=11];",
            "  node [shape=box, fontname=\"Helvetica\", fontsize=10];", "  edge [fontname=\"Helvetica\", fontsize=8];",
        ]
        for (place, run) in program.runs.enumerated() {
            lines += [
                "  subgraph cluster_\(place) {", "    label=\(quoted(["run \(run)"])); color=\"#cbd5e1\";",
            ]
            let sites = self.sites(of: run)
            lines += sites.map { "    \(quoted(["\($0)"])) [style=filled, fillcolor=\"#f1f5f9\"];" }
            for edit in program.edits where edit.hook.site.run == run { lines.append("    " + node(edit)) }
            lines += zip(sites, sites.dropFirst()).map {
                "    \(quoted(["\($0)"])) -> \(quoted(["\($1)"])) [color=\"#94a3b8\"];"
            }
            let edits = program.edits.filter { $0.hook.site.run == run }
            lines += zip(edits, edits.dropFirst()).map {
                "    edit\($0.order) -> edit\($1.order) [style=bold, constraint=false];"
            }
            lines.append("  }")
        }
        var drawn: Set<[String]> = []
        for edit in program.edits {
            lines.append("  edit\(edit.order) -> \(quoted(["\(edit.hook.site)"])) [color=\"\(edit.colour.stroke)\"];")
            for source in edit.hook.sources {
                let rows = source.selection.map { "\($0.positions)" } ?? "all"
                lines.append(
                    "  \(quoted(["\(source.site)"])) -> edit\(edit.order) [style=dashed, label=\(quoted([rows]))];")
            }
            for (place, constant) in edit.constants.enumerated() {
                let name = "constant\(edit.order)_\(place)"
                lines.append("  \(name) [shape=cylinder, label=\(quoted(constant))];")
                lines.append("  \(name) -> edit\(edit.order) [style=dashed];")
            }
            guard let parameters = edit.parameters else { continue }
            let name = quoted(["parameters \(parameters.names.joined(separator: " "))"])
            if drawn.insert(parameters.names).inserted {
                let label = [parameters.prefix] + parameters.tensors + ["= \(parameters.count.grouped)"]
                lines.append("  \(name) [shape=note, label=\(quoted(label))];")
            }
            lines.append("  \(name) -> edit\(edit.order) [style=dotted];")
        }
        return (lines + ["}"]).map { $0 + "\n" }.joined()
    }

    /// The touched sites of a run in the order in which the model computes them.
    private func sites(of run: String) -> [SiteID] {
        var sites: [SiteID] = []
        for site in program.touchedSites where site.run == run && !sites.contains(site) { sites.append(site) }
        return sites.sorted { outline.order(of: $0) < outline.order(of: $1) }
    }

    private func node(_ edit: DrawnEdit) -> String {
        let label = [
            "\(edit.order) \(edit.hook.name)", ([edit.kind] + edit.qualifiers + edit.averages).joined(separator: " "),
        ]
        let colour = edit.colour
        return "edit\(edit.order) [label=\(quoted(label)), style=\"filled,rounded\", fillcolor=\"\(colour.fill)\", "
            + "color=\"\(colour.stroke)\"];"
    }

    /// Lines as one string of the dot language.
    private func quoted(_ lines: [String]) -> String {
        let escaped = lines.map { line in
            line.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : $0.isNewline ? " " : "\($0)" }.joined()
        }
        return "\"\(escaped.joined(separator: "\\n"))\""
    }
}
