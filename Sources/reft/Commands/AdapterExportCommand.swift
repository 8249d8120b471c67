import ArgumentParser
import Foundation
import SwiftReFT

struct AdapterExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes an adapter as a pyreft folder, or as a GGUF control vector.",
        discussion: """
            OUT is a folder that ReftModel.load and IntervenableModel.load read, or a file whose name ends in .gguf, for \
            llama.cpp's --control-vector: it can hold additions to block_output alone. What the format can not hold is \
            said, or refused where outputs would change.

            EXAMPLES
              reft adapter export my-adapter pyreft-folder --model SmolLM2-135M-Instruct
              reft adapter export happy happy.gguf
            """)

    @Argument(help: "The adapter's folder.", completion: .directory) var adapter: String
    @Argument(help: "The folder, or the .gguf file, to write.", completion: .file()) var output: String
    @Option(
        help: "The model that it was trained on; needed for a pyreft folder, which names the layers and their widths.",
        completion: .file())
    var model: String?
    @Flag(help: "Write an adapter although it was trained on other weights of the same architecture.") var force = false
    @OptionGroup var destination: DestinationOptions
    @Flag(help: "Print JSON.") var json = false

    struct Report: Encodable {
        var output: String
        var notes: [String]
    }

    func run() throws {
        var notes: [String] = []
        func note(_ text: String) {
            notes.append(text)
            if !json { Terminal.report("note: \(text)") }
        }
        let given = try Adapter(at: adapter)
        if output.lowercased().hasSuffix(".gguf") {
            if !destination.overwrite, FileManager.default.fileExists(atPath: output) {
                throw CommandError("\(output) exists already; name another file, or add --overwrite")
            }
            let kind = try model.map { try Model(at: $0).configuration.modelType } ?? nil
            try ControlVector.write(
                given, to: output, modelHint: kind,
                constantsIn: TensorReader(folder: URL(fileURLWithPath: adapter)), note: note)
        } else {
            guard let model else {
                throw ValidationError("--model is needed for a pyreft folder: it names the layers and their widths")
            }
            try OutputPaths.check([("the folder", output)], reading: [("the adapter", adapter), ("--model", model)])
            try destination.check(output, for: .pyreftFolder)
            try PyreftFolder.write(
                given, to: output, model: try Model(at: model), base: force ? .allowOtherWeights : .require,
                constantsIn: TensorReader(folder: URL(fileURLWithPath: adapter)), note: note)
        }
        if json { return try Terminal.show(json: Report(output: output, notes: notes)) }
        Terminal.report("wrote \(output)")
    }
}
