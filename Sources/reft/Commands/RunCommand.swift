import ArgumentParser
import Foundation
import SwiftReFT

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a model with a program on token sequences and writes what it computes.",
        discussion: """
            FILE is JSON: {"sequences": [[ids…],…], "labels": [[…],…]}, optionally with "prompt_lengths", \
            "token_types", "positions" {"name": [[…],…]} and "sources" {"run": {"sequences": [[…],…]}}; or text, one \
            sequence a line.

            OUT holds logits (the rows of all sequences one after another, or one row per sequence for a classifier), \
            offsets (i64), the collected sites such as block_output.3, and gradient.<parameter>. The loss, if there are \
            labels, is printed.

            EXAMPLES
              reft run MODEL --input tokens.json --output out.safetensors
              reft run MODEL --input tokens.json --output out.safetensors --collect block_output,mlp_output.3
              reft run MODEL --input tokens.json --output out.safetensors --adapter my-adapter --gradients
            """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Option(help: "Sequences: JSON, or text with one sequence a line.", completion: .file()) var input: String
    @Option(help: "The safetensors file to write.", completion: .file(extensions: ["safetensors"])) var output: String
    @Option(help: "Sites to write, with commas between: block_output (all layers), block_output.3, model.layers[3].mlp.output.")
    var collect: String?
    @Flag(help: "Write the gradient of the loss with respect to each parameter.") var gradients = false
    @Flag(help: "Print JSON.") var json = false

    struct Report: Encodable {
        var loss: Double?
        var labels: Int
        var rows: Int
        var tensors: [String: [Int]]
        var output: String
    }

    func run() throws {
        let model = try options.open()
        let session = try programOptions.session(model)
        let sites = try collect.map { try session.sites(matching: $0.split(separator: ",").map(String.init)) } ?? []
        let input = try RunInput(contentsOf: input, model: model)
        let result = try session.run(
            input.examples, sources: input.sources, collecting: sites, gradients: gradients)
        let tensors = try result.tensors()
        try SafetensorsWriter.write(tensors, metadata: ["format": "swift-reft/run"], to: URL(fileURLWithPath: output))
        let report = Report(
            loss: result.loss, labels: result.labelCount, rows: result.offsets.last ?? 0,
            tensors: Dictionary(tensors.map { ($0.name, $0.shape) }) { $1 }, output: output)
        if json { return try Terminal.show(json: report) }
        if let loss = result.loss { Terminal.show("loss \(loss) over \(result.labelCount) labels") }
        for tensor in tensors { Terminal.show("\(tensor.name)  \(tensor.shape)") }
        Terminal.report("wrote \(output)")
    }
}

extension RunResult {
    /// The tensors of the file.
    fileprivate func tensors() throws -> [NamedTensor] {
        let matrices = (logits.map { [$0] } ?? []) + collected + gradients.map { gradient in
            var named = gradient
            named.name = "gradient.\(gradient.name)"
            return named
        }
        let offsets = try NamedTensor("offsets", shape: [offsets.count], integers: offsets.map(Int64.init))
        return try matrices.map { try NamedTensor($0.name, shape: [$0.rows, $0.columns], floats: $0.values) } + [offsets]
    }
}
