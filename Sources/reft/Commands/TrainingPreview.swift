import Foundation
import SwiftReFT

/// Shows what a training would do: which positions of the first examples are edited, which carry a label.
struct TrainingPreview {
    let session: Session
    let examples: [Example]
    /// What errors call the examples.
    let dataName: String
    let settings: TrainingSettings
    /// How many examples are shown.
    var shown = 3

    struct Report: Encodable {
        var examples: Int
        var tokens: Int
        var labels: Int
        var trainedParameters: Int
        var parameters: [Parameter]
        /// The memory of a batch of the longest examples, and what computing values again costs.
        var recomputation: RecomputationReport
        /// What an epoch computes of the model.
        var work: WorkSummary
        var firstExamples: [Preview]
    }

    struct Parameter: Encodable {
        var name: String
        var shape: [Int]
    }

    struct Preview: Encodable {
        var promptLength: Int
        var tokens: [Token]
    }

    struct Token: Encodable {
        var id: Int32
        var text: String?
        /// The parts of the program's positions that name the token.
        var editedBy: [String]
        var isLabel: Bool
    }

    func show(asJSON: Bool) throws {
        try session.checkTrainingData(examples, file: dataName)
        let report = try report()
        if asJSON { return try Terminal.show(json: report) }
        Terminal.show("\(report.examples) examples, \(report.tokens) tokens, \(report.labels) labels")
        Terminal.show("\(report.trainedParameters) parameters to train:")
        for parameter in report.parameters {
            Terminal.show("  \(parameter.name)  \(parameter.shape)  \(parameter.shape.reduce(1, *))")
        }
        Terminal.show("\(report.recomputation)")
        Terminal.show("An epoch \(try session.workReport(for: examples, .training))")
        for (index, preview) in report.firstExamples.enumerated() { show(preview, index) }
        let rest = examples.count - report.firstExamples.count
        if rest > 0 { Terminal.show("… and \(rest) more example\(rest == 1 ? "" : "s")") }
    }

    private func report() throws -> Report {
        Report(
            examples: examples.count, tokens: examples.reduce(0) { $0 + $1.tokens.count },
            labels: RaggedBatch(examples, demand: .labelledRows).labelCount,
            trainedParameters: session.trainedParameterCount,
            parameters: session.parameters.specifications.map {
                Parameter(name: $0.name, shape: [$0.rows, $0.columns])
            },
            recomputation: try Trainer(session, examples: examples, settings: settings, dataName: dataName)
                .memory(),
            work: WorkSummary(try session.workReport(for: examples, .training)),
            firstExamples: try examples.prefix(shown).enumerated().map { try preview($0.element, $0.offset) })
    }

    private func preview(_ example: Example, _ index: Int) throws -> Preview {
        let edited = try session.editedRows(of: example, index: index)
        let labelled = Set(example.judgedRows.map { $0.row + 1 })
        let tokens = example.tokens.enumerated().map { position, token in
            Token(
                id: token, text: session.model.tokenizer?.decode([token], skipSpecialTokens: false),
                editedBy: edited.filter { $0.rows.contains(position) }.map(\.positions),
                isLabel: labelled.contains(position))
        }
        return Preview(promptLength: example.promptLength, tokens: tokens)
    }

    private func show(_ preview: Preview, _ index: Int) {
        Terminal.show("")
        Terminal.show("example \(index): \(preview.tokens.count) tokens, prompt of \(preview.promptLength)")
        var table = [["position", "token", "text", "edited by", "label"]]
        for (position, token) in preview.tokens.enumerated() {
            table.append([
                "\(position)", "\(token.id)", token.text?.debugDescription ?? "", token.editedBy.joined(separator: " "),
                token.isLabel ? "label" : "",
            ])
        }
        Terminal.show(TextTable(table).text)
    }
}
