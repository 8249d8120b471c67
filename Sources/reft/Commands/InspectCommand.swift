import ArgumentParser
import Foundation
import SwiftReFT

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows a model: sizes, storage types, and every site that can be read and edited.",
        discussion: """
            Reads no weights. With --select or --weights, shows and counts what a selector of sites or a pattern of tensor \
            names matches: names and numbers between dots or brackets, * for letters or a part, spans such as [4-8].

            EXAMPLES
              reft inspect SmolLM2-135M-Instruct
              reft inspect model.gguf --modules
              reft inspect model.gguf --json
              reft inspect MODEL --select 'layers[4-8].attention_output'
              reft inspect MODEL --select 'layers[*].self_attn.*'
              reft inspect MODEL --select 'head_output.5.h0,3'
              reft inspect MODEL --weights 'model.layers[*].mlp.down_proj.weight'
            """)

    @OptionGroup var options: ModelOptions
    @Flag(help: "Show the inputs and outputs of all modules too, which are meant by their paths.") var modules = false
    @Option(help: "Show the sites that a selector matches.") var select: String?
    @Option(help: "Show the tensors whose names a pattern matches.") var weights: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if select != nil, weights != nil { throw ValidationError("give either --select or --weights") }
    }

    func run() throws {
        let model = try options.open()
        if let select { return try SelectionReport(sites: model.sites(matching: select), select).show(asJSON: json) }
        if let weights { return try WeightReport(try model.weights(matching: weights), weights).show(asJSON: json) }
        let description = try model.describe(modules: modules)
        if json { return try Terminal.show(json: description) }
        Terminal.show(description.summary)
        Terminal.show("")
        Terminal.show(description.siteTable)
        if let modules = description.moduleTable {
            Terminal.show("")
            Terminal.show(modules)
        }
    }
}

extension ModelDescription {
    fileprivate var summary: String {
        let sizes = sizes
        var rows: [(String, String)] = [
            ("model", name), ("path", path), ("architecture", "\(modelType), \(kind)"),
            ("layers", "\(sizes.layers)"), ("hidden", "\(sizes.hidden)"), ("intermediate", "\(sizes.intermediate)"),
            ("heads", "\(sizes.heads) of \(sizes.headSize), \(sizes.keyHeads) key/value"),
            ("vocabulary", "\(sizes.vocabulary)"), ("context", "\(sizes.context)"),
            ("parameters", "\(parameterCount)"),
            (
                "stored as",
                storage.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            ),
            ("tokenizer", tokenizerVocabulary.map { "\($0) tokens" } ?? "none"),
            ("chat template", hasChatTemplate ? "yes" : "no"),
        ]
        if let labels { rows.append(("labels", labels.joined(separator: ", "))) }
        return TextTable(rows.map { [$0.0, $0.1] }).text
    }

    fileprivate var moduleTable: String? {
        guard let modules else { return nil }
        let header = ["module (Hugging Face)", "layers", "width", "rows"]
        return TextTable([header] + modules.map { [$0.shownPath, $0.shownLayers, "\($0.width)", $0.rows] }).text
    }

    fileprivate var siteTable: String {
        let header = ["component (pyvene)", "layers", "width", "heads", "rows", "module (Hugging Face)"]
        let rows = sites.map { site in
            [
                site.component, site.shownLayers, "\(site.width)", site.heads.map(String.init) ?? "–", site.rows,
                site.shownPath,
            ]
        }
        return TextTable([header] + rows).text
    }
}

extension SiteDescription {
    fileprivate var shownLayers: String {
        layers.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" } ?? "–"
    }

    fileprivate var shownPath: String { modulePath.replacingOccurrences(of: "%s", with: "l") }
}
