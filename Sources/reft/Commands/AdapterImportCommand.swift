import ArgumentParser
import Foundation
import SwiftReFT

struct AdapterImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Makes an adapter of a pyreft or pyvene folder, or of a GGUF control vector.",
        discussion: """
            FROM is a folder that pyreft's or pyvene's save has written, or a control vector of repeng and llama.cpp \
            (GGUF). Pickles are read, never executed. MODEL is the model that it was trained on.

            pyreft saves neither positions nor activations: --positions is needed, --activation where it was not linear.

            EXAMPLES
              reft adapter import pyreft-folder my-adapter --model SmolLM2-135M-Instruct --positions f7+l7
              reft adapter import happy.gguf happy --model SmolLM2-135M-Instruct.gguf --strength 1.5
            """)

    @Argument(help: "A folder of pyreft or pyvene, or a GGUF control vector.", completion: .file()) var from: String
    @Argument(help: "The adapter's folder to write.", completion: .directory) var output: String
    @Option(help: "The model that it was trained on.", completion: .file()) var model: String
    @OptionGroup var pyvene: PyveneArguments
    @Option(help: "The activation of pyreft's interventions (act_fn), such as relu.") var activation: String?
    @Option(parsing: .unconditional, help: "What a control vector is multiplied by.") var strength: Double?
    @OptionGroup var destination: DestinationOptions
    @Flag(help: "Print JSON.") var json = false

    struct Report: Encodable {
        var adapter: String
        var declarations: Int
        var parameters: Int
        var notes: [String]
    }

    func run() throws {
        try destination.check(output, for: .adapter)
        var notes: [String] = []
        func note(_ text: String) {
            notes.append(text)
            if !json { Terminal.report("note: \(text)") }
        }
        let model = try Model(at: model)
        let adapter =
            PyreftFolder.exists(at: from)
            ? try pyreftAdapter(model, note) : try controlVector(model, note)
        try adapter.write(to: output)
        let report = Report(
            adapter: output, declarations: adapter.program.runs.flatMap(\.declarations).count,
            parameters: adapter.parameterCount, notes: notes)
        if json { return try Terminal.show(json: report) }
        Terminal.show(
            "\(report.declarations) declaration\(report.declarations == 1 ? "" : "s"), \(report.parameters) trained numbers\nadapter: \(output)"
        )
    }

    private func pyreftAdapter(_ model: Model, _ note: (String) -> Void) throws -> Adapter {
        if strength != nil { throw ValidationError("--strength goes with a control vector") }
        var function = Activation.linear
        if let activation {
            guard let known = Activation(rawValue: activation) else {
                let names = Activation.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("unknown activation '\(activation)'; known: \(names)")
            }
            function = known
        }
        return try PyreftFolder.adapter(
            at: from, for: model, try pyvene.options(activation: function), note: note)
    }

    private func controlVector(_ model: Model, _ note: (String) -> Void) throws -> Adapter {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: from, isDirectory: &isFolder), isFolder.boolValue {
            throw CommandError("\(from): there is no config.json in this folder, as pyreft and pyvene write it")
        }
        if activation != nil || pyvene.sourcePositions != nil || pyvene.heads != nil || pyvene.oneSource {
            throw ValidationError("--activation, --source-positions, --heads and --one-source go with a pyreft folder")
        }
        return try ControlVector.adapter(
            at: from, for: model, strength: strength ?? 1,
            positions: try pyvene.positions.map { try Positions(text: $0) } ?? .all, note: note)
    }
}
