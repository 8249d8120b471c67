import Foundation
import SwiftReFT

/// Shows what a training would do: which positions of the first examples are edited, which carry a label.
struct TrainingPreview {
    let session: Session
    let examples: [Example]
    /// How many examples are shown.
    var shown = 3

    func show() throws {
        try session.checkTrainingData(examples, file: "data")
        let rows = examples.reduce(0) { $0 + $1.tokens.count }
        let labels = examples.reduce(0) { $0 + $1.labelledPositions.count }
        Terminal.show("\(examples.count) examples, \(rows) tokens, \(labels) of them labels")
        Terminal.show("\(session.trainedParameterCount) parameters to train:")
        for specification in session.parameters.specifications {
            Terminal.show("  \(specification.name)  [\(specification.rows), \(specification.columns)]  \(specification.count)")
        }
        for (index, example) in examples.prefix(shown).enumerated() { try show(example, index) }
        if examples.count > shown { Terminal.show("… and \(examples.count - shown) more examples") }
    }

    private func show(_ example: Example, _ index: Int) throws {
        let edited = try session.editedRows(of: example, index: index)
        Terminal.show("")
        Terminal.show("example \(index): \(example.tokens.count) tokens, prompt of \(example.promptLength)")
        let labelled = Set(example.labelledPositions)
        let tokenizer = session.model.tokenizer
        var table = [["position", "token", "text", "edited by", "label"]]
        for (position, token) in example.tokens.enumerated() {
            let parts = edited.filter { $0.rows.contains(position) }.map(\.positions).joined(separator: " ")
            let text = tokenizer.map { $0.decode([token], skipSpecialTokens: false).debugDescription } ?? ""
            table.append(["\(position)", "\(token)", text, parts, labelled.contains(position) ? "label" : ""])
        }
        Terminal.show(TextTable(table).text)
    }
}

extension Example {
    /// The positions of the tokens that are predicted.
    fileprivate var labelledPositions: [Int] { judgedRows.map { $0.row + 1 } }
}
