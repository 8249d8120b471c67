import ArgumentParser
import Foundation
import SwiftReFT

struct FoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fold", abstract: "Writes a model with an adapter folded into its weights.",
        discussion: """
            The new model needs no adapter and gives the same results. It can be done where every edit is linear in the rows, \
            acts at all positions, and sits at a projection's output: attention_output, mlp_output, query_output, …. \
            Otherwise every reason against it is told, and the command ends with code 2.

            Changed tensors are stored as f32, the others as they are.

            EXAMPLES
              reft fold MODEL --adapter my-adapter --output folded-model
            """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Option(help: "The folder of the new model.", completion: .directory) var output: String
    @OptionGroup var destination: DestinationOptions
    @Flag(help: "Print JSON.") var json = false

    struct Report: Encodable {
        var output: String
        var changed: [String]
        var added: [String]
        var enabled: [String]
    }

    func run() throws {
        try OutputPaths.check([("--output", output)], reading: [("MODEL", options.model)] + programOptions.inputs)
        try destination.check(output, for: .foldedModel)
        let session = try programOptions.session(try options.open())
        if session.program.isEmpty { throw CommandError("there is nothing to fold: give an --adapter or a --program") }
        let folded = try FoldedModel(session)
        try folded.write(to: output)
        let report = Report(
            output: output, changed: folded.tensors.filter { !$0.isNew }.map(\.name),
            added: folded.tensors.filter(\.isNew).map(\.name), enabled: folded.enabledKeys)
        if json { return try Terminal.show(json: report) }
        for name in report.changed { Terminal.show("changed \(name)") }
        for name in report.added { Terminal.show("added \(name)") }
        for key in report.enabled { Terminal.show("config.json: \(key) is true") }
        Terminal.report("wrote \(output)")
    }
}
