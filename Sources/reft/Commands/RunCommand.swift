import ArgumentParser
import Foundation
import SwiftReFT

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a model with a program on token sequences and writes what it computes.",
        discussion: """
            FILE is JSON: {"sequences": [[ids…],…], "labels": [[…],…]}, optionally with "prompt_lengths", \
            "token_types", "positions" {"name": [[…],…]}, "subspaces" {"declaration": [["part"] or [coordinates],…]} and \
            "sources" {"run": {"sequences": [[…],…], "example_map": […]}}, of which all read the one sequence, each its \
            own, or the one that example_map names; or text, one sequence a line.

            A sequence that comes more than once, as in a sweep over positions, is run once where no edit reaches.

            OUT holds logits (the rows of all sequences one after another, or one row per sequence for a classifier), \
            offsets (i64), the collected sites such as block_output.3, gradient.<parameter>, and with --unedited the \
            logits and sites as they are without the program, as unedited.<name>. The loss, if there are labels, is \
            printed.

            EXAMPLES
              reft run MODEL --input tokens.json --output out.safetensors
              reft run MODEL --input tokens.json --output out.safetensors --collect block_output,mlp_output.3
              reft run MODEL --input tokens.json --output out.safetensors --adapter my-adapter --gradients
              reft run MODEL --input tokens.json --output out.safetensors --bank politeness --bank brevity
              reft run MODEL --input tokens.json --output out.safetensors --program patch.json --unedited
              reft run MODEL --input cells.json --output out.safetensors --program restore.json --logits last
              reft run MODEL --input tokens.json --output out.safetensors --program program.json --receipt -
            """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Option(help: "Sequences: JSON, or text with one sequence a line.", completion: .file()) var input: String
    @Option(help: "The safetensors file to write.", completion: .file(extensions: ["safetensors"])) var output: String
    @Option(
        help:
            "Sites to write, with commas between: block_output (all layers), block_output.3, layers[4-8].mlp_*, model.layers[3].mlp.output."
    )
    var collect: String?
    @Option(help: "The rows whose logits are read: all, labelled or last. Others are not computed.")
    var logits = Demand.everyRow
    @Flag(help: "Write the logits and the sites without the program too, as unedited.logits and so on.")
    var unedited = false
    @Option(parsing: .unconditional, help: "What noise and other draws are keyed with.") var seed: UInt32 = 0
    @Flag(help: "Write the gradient of the loss with respect to each parameter.") var gradients = false
    @OptionGroup var computing: ComputingOptions
    @OptionGroup var reuse: ReuseOptions
    @OptionGroup var receipts: ReceiptOptions
    @Flag(help: "Print JSON.") var json = false

    struct Report: Encodable {
        var loss: Double?
        var labels: Int
        var rows: Int
        var tensors: [String: [Int]]
        var output: String
    }

    func run() throws {
        try OutputPaths.check(
            [("--output", output), ("--receipt", receipts.receipt)],
            reading: [("MODEL", options.model), ("--input", input)] + programOptions.inputs)
        // A place that can not be written is found before the work is done.
        _ = try AtomicFile(replacing: URL(fileURLWithPath: output))
        try receipts.check(printsJSON: json)
        let model = try options.open()
        let session = try programOptions.session(model)
        computing.apply(to: session)
        let sites = try collect.map { try Self.sites($0, session) } ?? []
        if gradients && session.parameters.specifications.isEmpty {
            Terminal.warn("--gradients: there is no parameter; give a --program or an --adapter that has some")
        }
        let examples = try RunInput(contentsOf: input, model: model)
        session.activations = reuse.activations(for: examples.examples)
        let result = try session.run(
            examples.examples, logits: logits, collecting: sites, gradients: gradients, unedited: unedited, seed: seed,
            receipt: receipts.isWanted, inputName: input)
        computing.show(session)
        result.warnings.forEach(Terminal.warn)
        let tensors = try result.tensors()
        try SafetensorsWriter.write(tensors, metadata: ["format": "swift-reft/run"], to: URL(fileURLWithPath: output))
        try receipts.show(result.receipt)
        let report = Report(
            loss: result.loss, labels: result.labelCount, rows: result.offsets.last ?? 0,
            tensors: Dictionary(tensors.map { ($0.name, $0.shape) }) { $1 }, output: output)
        if json { return try Terminal.show(json: report) }
        if let loss = result.loss { Terminal.show("loss \(loss) over \(result.labelCount) labels") }
        for tensor in tensors { Terminal.show("\(tensor.name)  \(tensor.shape)") }
        Terminal.report("wrote \(output)")
    }

    /// The sites of a list with commas, each once; the logits are written in any case.
    private static func sites(_ list: String, _ session: Session) throws -> [SiteID] {
        let spellings = selectorList(list)
        guard !spellings.contains(where: { $0.allSatisfy(\.isWhitespace) }) else {
            throw CommandError(
                "--collect '\(list)': a name is empty; give sites with commas between, such as block_output.3")
        }
        var sites: [SiteID] = []
        for site in try session.sites(matching: spellings) where !sites.contains(site) && "\(site)" != "logits" {
            sites.append(site)
        }
        return sites
    }
}

extension RunResult {
    /// The tensors of the file.
    fileprivate func tensors() throws -> [NamedTensor] {
        let matrices =
            (logits.map { [$0] } ?? []) + collected
            + gradients.map { gradient in
                var named = gradient
                named.name = "gradient.\(gradient.name)"
                return named
            }
            + unedited.map { matrix in
                var named = matrix
                named.name = "unedited.\(matrix.name)"
                return named
            }
        let offsets = try NamedTensor("offsets", shape: [offsets.count], integers: offsets.map(Int64.init))
        return try matrices.map { try NamedTensor($0.name, shape: [$0.rows, $0.columns], floats: $0.values) } + [
            offsets
        ]
    }
}
