import ArgumentParser
import Foundation
import JSON
import SwiftReFT

/// MODEL and what every command that opens one takes.
struct ModelOptions: ParsableArguments {
    @Argument(
        help: "A Hugging Face folder, a repository name in the local Hugging Face cache, or a GGUF file.",
        completion: .file())
    var model: String

    @Option(parsing: .unconditional, help: "Threads that work on a kernel; by default the processors.")
    var threads: Int?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads must be at least 1, not \(threads)") }
    }

    func open() throws -> Model {
        if let threads { Threads.configure(threads) }
        return try Model(at: model)
    }
}

/// A program file, adapters, or both.
struct ProgramOptions: ParsableArguments {
    @Option(help: "A program file (JSON), or a configuration of pyvene.", completion: .file(extensions: ["json"]))
    var program: String?

    @OptionGroup var pyvene: PyveneArguments

    @Option(
        help: "An adapter's folder; may be given several times, later ones chain on earlier ones.",
        completion: .directory)
    var adapter: [String] = []

    @Option(
        help: """
            An adapter's folder, as the next place of a bank; may be given several times. Each example names the place of \
            its adapter, counted from 0, or none.
            """, completion: .directory)
    var bank: [String] = []

    @Flag(help: "Use an adapter although it was trained on other weights of the same architecture.")
    var force = false

    @Option(
        help: """
            What happens when declarations edit the same rows: chain (the later one acts on what the earlier one gave), \
            error, or priority (one of them takes the rows). By default what the program says.
            """)
    var overlaps: OverlapPolicy?

    /// What is read, by option.
    var inputs: [(option: String, path: String?)] {
        [("--program", program)] + adapter.map { ("--adapter", $0) } + bank.map { ("--bank", $0) }
    }

    /// The program of the file; empty without one.
    func readProgram() throws -> Program {
        guard let program else { return Program() }
        return try Program(contentsOf: program, pyvene: pyvene.options(), isPyveneGiven: pyvene.isGiven)
    }

    func validate() throws {
        if !bank.isEmpty && !adapter.isEmpty {
            throw ValidationError("give either --bank or --adapter: examples of a bank name their adapter")
        }
    }

    /// A session with the adapters, or the bank, and the program after them.
    func session(_ model: Model) throws -> Session {
        var further = try readProgram()
        let adapters = try adapter.map { try Adapter(at: $0) }
        let reader = TensorReader.program(program, adapters: adapter + bank)
        if !bank.isEmpty {
            if let overlaps { further.overlaps = overlaps }
            return try Session(
                model, bank: try bank.map { try Adapter(at: $0) }, further: further,
                base: force ? .allowOtherWeights : .require,
                constantsIn: reader, warn: Terminal.warn)
        }
        let composition = Composition(adapters, further: further)
        return try Session(
            model, composing: overlaps.map { composition.overlaps($0) } ?? composition,
            base: force ? .allowOtherWeights : .require,
            constantsIn: reader, warn: Terminal.warn)
    }
}

extension OverlapPolicy: ExpressibleByArgument {}

extension TensorReader {
    /// Reads the constant tensors of a program beside its file, those of adapters in their folders, and both in the current
    /// folder.
    static func program(_ file: String?, adapters: [String]) -> TensorReader {
        let current = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        let folders =
            (file.map { [URL(fileURLWithPath: $0).deletingLastPathComponent()] } ?? [])
            + adapters.map { URL(fileURLWithPath: $0) } + [current]
        return TensorReader(folder: folders[0], further: Array(folders.dropFirst()))
    }
}

extension Program {
    /// Reads a program file with the built-in interventions, or a configuration of pyvene.
    /// - Parameter isPyveneGiven: Whether `pyvene` was asked for, which a program file has no use for.
    init(contentsOf path: String, pyvene: PyveneOptions, isPyveneGiven: Bool) throws {
        let data = try InputFile.contents(of: path)
        if let document = try? JSONValue(parsing: Array(data)), PyveneConfiguration.isConfiguration(document) {
            self = try PyveneConfiguration(document, file: path).program(pyvene) { Terminal.report("note: \($0)") }
            return
        }
        if isPyveneGiven {
            throw CommandError(
                "\(path): it says its own positions, heads and sources; --positions, --source-positions, --heads and "
                    + "--one-source go with a configuration of pyvene")
        }
        if let damage = InputFile.damage(inJSON: data) { throw CommandError("\(path): \(damage)") }
        do {
            try self.init(json: data, registry: .general + .reft)
        } catch {
            throw CommandError("\(path): \(error)")
        }
    }
}
