import ArgumentParser
import Foundation
import SwiftReFT

/// Where a composed adapter goes, and how it is told about.
struct AdapterOutput: ParsableArguments {
    @Option(help: "The folder of the new adapter.", completion: .directory) var output: String
    @OptionGroup var destination: DestinationOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        var output: String
        var declarations: [String]
        var parameters: Int
    }

    /// - Parameter adapters: The folders that the new one is made of.
    func check(adapters: [String]) throws {
        try OutputPaths.check([("--output", output)], reading: adapters.map { ("the adapter \($0)", $0) })
        try destination.check(output, for: .adapter)
    }

    /// Writes the composition as one adapter.
    /// - Parameter record: How it was made, for whoever reads the adapter.
    func write(_ composition: Composition, _ record: [String: RecordValue]) throws {
        let name = URL(fileURLWithPath: output).lastPathComponent
        let adapter = try composition.adapter(named: name, training: record)
        try adapter.write(to: output)
        let declarations = adapter.program.runs.flatMap(\.declarations).compactMap(\.name)
        if json {
            return try Terminal.show(
                json: Report(output: output, declarations: declarations, parameters: adapter.parameterCount))
        }
        Terminal.show("\(declarations.joined(separator: ", "))  \(adapter.parameterCount) numbers")
        Terminal.report("wrote \(output)")
    }
}

extension Adapter {
    /// Refuses an adapter that has no edits for a command that acts on edits alone.
    fileprivate func checkEdits(_ verb: String) throws {
        guard !program.trainable.isEmpty else { return }
        if program.runs.allSatisfy(\.declarations.isEmpty) {
            throw CommandError(
                "\(name): there is no edit to \(verb): it holds trained weights of the model only, which stay as they are"
            )
        }
        Terminal.warn("\(name): its trained weights of the model stay as they are; edits are what can be \(verb)d")
    }
}

struct MergeAdaptersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Puts several adapters into one folder, acting in the given order.",
        discussion: """
            A later one acts on what the earlier ones gave. Where declarations have the same name, they get the adapter's \
            name as a prefix.

            EXAMPLES
              reft adapter merge politeness brevity --output both
              reft adapter merge politeness brevity --output both --overlaps priority
            """)

    @Argument(help: "Adapters' folders.", completion: .directory) var adapters: [String]
    @Option(help: "What happens where they edit the same rows: chain, error or priority.") var overlaps: OverlapPolicy?
    @OptionGroup var output: AdapterOutput

    func validate() throws {
        if adapters.count < 2 { throw ValidationError("give at least two adapters; \(adapters.count) is given") }
    }

    func run() throws {
        try output.check(adapters: adapters)
        let parts = try adapters.map { try Adapter(at: $0) }
        let composition = Composition(parts)
        try output.write(
            overlaps.map { composition.overlaps($0) } ?? composition,
            ["merged": .text(parts.map(\.name).joined(separator: ", "))])
    }
}

struct AverageAdaptersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "average", abstract: "Averages the edits of several adapters: h + Σ αᵢ (editᵢ(h) − h).",
        discussion: """
            Every adapter sees the same rows, and what they change is added with the weights. The numbers of all of them \
            are kept: it is the edits that are averaged, not the matrices.

            EXAMPLES
              reft adapter average politeness brevity --output mixed
              reft adapter average politeness brevity --weights 0.7,0.3 --output mixed
            """)

    @Argument(help: "Adapters' folders.", completion: .directory) var adapters: [String]
    @Option(
        parsing: .unconditional,
        help: "A weight for each adapter, with commas between; equal ones that add up to 1 unless given.")
    var weights: String?
    @OptionGroup var output: AdapterOutput

    func validate() throws {
        if adapters.count < 2 { throw ValidationError("give at least two adapters; \(adapters.count) is given") }
        _ = try numbers()
    }

    private func numbers() throws -> [Double] {
        guard let weights else { return Array(repeating: 1 / Double(adapters.count), count: adapters.count) }
        let parts = weights.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let numbers = try parts.map { part in
            guard let number = Double(part), number.isFinite else {
                throw ValidationError("--weights '\(weights)': '\(part)' is no finite number")
            }
            return number
        }
        guard numbers.count == adapters.count else {
            throw ValidationError("--weights gives \(numbers.count) weights for \(adapters.count) adapters")
        }
        return numbers
    }

    func run() throws {
        try output.check(adapters: adapters)
        let parts = try adapters.map { try Adapter(at: $0) }
        let weights = try numbers()
        for part in parts { try part.checkEdits("average") }
        let described = zip(parts, weights).map { "\($0.name) \($1)" }.joined(separator: ", ")
        try output.write(
            Composition { Average(zip(parts, weights).map { ($0, $1) }) }, ["averaged": .text(described)])
    }
}

struct ScaleAdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Scales what an adapter changes: h + factor · (edit(h) − h).",
        discussion: """
            The factor is kept in the program; the numbers stay as they are. A factor of 0 edits nothing, −1 edits the \
            other way.

            EXAMPLES
              reft adapter scale politeness --by 0.5 --output politeness-half
            """)

    @Argument(help: "The adapter's folder.", completion: .directory) var adapter: String
    @Option(parsing: .unconditional, help: "The factor.") var by: Double
    @OptionGroup var output: AdapterOutput

    func validate() throws {
        if !by.isFinite { throw ValidationError("--by must be a finite number, not \(by)") }
    }

    func run() throws {
        try output.check(adapters: [adapter])
        let adapter = try Adapter(at: adapter)
        try adapter.checkEdits("scale")
        var record = adapter.training
        record["scaled"] = .text("\(adapter.name) by \(by)")
        try output.write(Composition { adapter.scaled(by) }, record)
    }
}
