import ArgumentParser
import Foundation
import SwiftReFT

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Says how much of a model a program computes, and how much it reuses.",
        discussion: """
            Nothing is run. For each layer: the rows that are computed each time, the rows that no edit reaches and that \
            are read from the activation store where their sequence comes again (in later epochs, in other cells of a \
            sweep), and the rows that nobody reads. A row counts by the part of the layer's matrices that it meets.

            FILE is what reft run reads. For the data of a training see reft train --check.

            EXAMPLES
              reft explain MODEL --program patch.json --input tokens.json --logits last
              reft explain MODEL --adapter my-adapter --input tokens.json --for training
              reft explain MODEL --adapter my-adapter --input tokens.json --for prompts --json
            """)

    /// What is explained.
    enum Purpose: String, ExpressibleByArgument, CaseIterable {
        case run, training, prompts
    }

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Option(help: "Sequences: JSON, or text with one sequence a line.", completion: .file()) var input: String
    @Option(name: .customLong("for"), help: "run, training (an epoch), or prompts (of a generation).")
    var purpose = Purpose.run
    @Option(help: "For run: the rows whose logits are read: all, labelled or last.") var logits = Demand.everyRow
    @OptionGroup var reuse: ReuseOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let model = try options.open()
        let session = try programOptions.session(model)
        session.activations = reuse.activations
        let examples = try RunInput(contentsOf: input, model: model).examples
        let report =
            switch purpose {
            case .run: try session.workReport(for: examples, .run(logits))
            case .training: try session.workReport(for: examples, .training)
            case .prompts: try session.workReport(for: examples, .prompts)
            }
        if json { return try Terminal.show(json: WorkSummary(report)) }
        report.show()
    }
}

/// A report with its sums.
struct WorkSummary: Encodable {
    var rowsTimesLayers: Int
    var computed: Double
    var reused: Double
    var notRead: Double
    var layers: [WorkReport.Layer]

    init(_ report: WorkReport) {
        (rowsTimesLayers, layers) = (report.whole, report.layers)
        (computed, reused, notRead) = (report.computed, report.reused, report.notRead)
    }
}

extension WorkReport {
    /// The sums, then a line for each layer.
    func show() {
        Terminal.show("\(self)")
        let rows = layers.map { layer in
            [
                layer.run, "\(layer.layer)", "\(layer.rows)", Self.text(layer.computed), Self.text(layer.reused),
                Self.text(layer.notRead),
            ]
        }
        Terminal.show(TextTable([["run", "layer", "rows", "computed", "reused", "not read"]] + rows).text)
    }
}

extension Demand: ExpressibleByArgument {
    public init?(argument: String) {
        guard let known = Self.named.first(where: { $0.name == argument }) else { return nil }
        self = known.demand
    }

    public static var allValueStrings: [String] { named.map(\.name) }
    public var defaultValueDescription: String { Self.named.first { $0.demand == self }?.name ?? "" }

    private static var named: [(name: String, demand: Demand)] {
        [("all", .everyRow), ("labelled", .labelledRows), ("last", .lastRows)]
    }
}
