import ArgumentParser
import Foundation
import SwiftReFT

struct ShowAdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows an adapter: its program, its numbers, its model, its training.",
        discussion: """
            EXAMPLES
              reft adapter show my-adapter
              reft adapter show my-adapter --json
            """)

    @Argument(help: "The adapter's folder.", completion: .directory) var adapter: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let summary = try AdapterSummary(Adapter(at: adapter))
        if json { return try Terminal.show(json: summary) }
        Terminal.show(summary.text)
    }
}

struct DiffAdaptersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Shows where two adapters differ: in structure and in numbers.",
        discussion: """
            Declarations and tensors are compared by their names. Where both tensors have orthonormal columns, the angles \
            between their spaces are given in degrees: 0 is a direction that both have, 90 one that the other lacks. Ends \
            with code 0 whether they differ or not.

            EXAMPLES
              reft adapter diff before after
              reft adapter diff before after --json
            """)

    @Argument(help: "An adapter's folder.", completion: .directory) var first: String
    @Argument(help: "The folder of the adapter that it is compared with.", completion: .directory) var second: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let difference = try AdapterDifference(Adapter(at: first), Adapter(at: second))
        if json { return try Terminal.show(json: difference) }
        Terminal.show(difference.text)
    }
}

struct InterferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interference",
        abstract: "Measures how much one adapter's edits change because another acts before it.",
        discussion: """
            For each site that both edit, and each row: |(b(a(h)) − a(h)) − (b(h) − h)| / |b(h) − h|, where a is the first \
            adapter's edit and b the second's. 0 means that the second does what it does alone. Where both have rotations, \
            the principal angles between their subspaces are given in degrees.

            EXAMPLES
              reft adapter interference MODEL politeness brevity --input tokens.json
            """)

    @OptionGroup var options: ModelOptions
    @Argument(help: "The adapter that acts first.", completion: .directory) var first: String
    @Argument(help: "The adapter whose edits are watched.", completion: .directory) var second: String
    @Option(help: "Sequences: JSON, or text with one sequence a line.", completion: .file()) var input: String
    @Flag(help: "Use adapters although they were trained on other weights of the same architecture.")
    var force = false
    @Flag(help: "Print JSON, with every row.") var json = false

    func run() throws {
        let model = try options.open()
        let adapters = (try Adapter(at: first), try Adapter(at: second))
        let examples = try RunInput(contentsOf: input, model: model).examples
        let interference = try Interference(
            of: adapters.1, with: adapters.0, on: examples, model: model, base: force ? .allowOtherWeights : .require,
            constantsIn: .program(nil, adapters: [first, second]), warn: Terminal.warn)
        if json { return try Terminal.show(json: interference) }
        Terminal.show("\(interference.second) after \(interference.first)")
        let header = ["site", "positions", "declaration", "rows", "mean change", "largest", "angles"]
        let rows = interference.sites.map { site in
            [
                site.site, site.positions, site.declaration, "\(site.rows.count)", short(site.mean),
                short(site.largest), site.principalAngles.map { $0.map { short($0) }.joined(separator: " ") } ?? "–",
            ]
        }
        Terminal.show(TextTable([header] + rows).text)
    }
}

// MARK: - Text

private func short(_ number: Double) -> String { String(format: "%.4g", number) }

extension AdapterSummary {
    fileprivate var text: String {
        let head = TextTable([
            ["adapter", name], ["model", base],
            ["fingerprint", "\(architecture), tensors \(architectureDigest), numbers \(valuesDigest)"],
            ["overlaps", overlaps], ["numbers", "\(parameterCount)"],
        ]).text
        let program = declarations.map { "  \($0.name)\($0.run == "base" ? "" : " in \($0.run)"): \($0.settings.line)" }
        let tensors = TextTable(
            parameters.map {
                ["  \($0.name)", "\($0.shape)", "norm \(short($0.norm))"]
                    + ($0.orthonormalColumns ? ["orthonormal columns"] : [])
            }
        ).text
        let record = training.sorted { $0.key < $1.key }.map { ["  \($0.key)", $0.value.text] }
        return
            ([head, "declarations:"] + program + (parameters.isEmpty ? [] : ["tensors:", tensors])
            + (record.isEmpty ? [] : ["training:", TextTable(record).text])).joined(separator: "\n")
    }
}

extension RecordValue {
    fileprivate var text: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
        case .text(let text): text
        }
    }
}

extension AdapterDifference {
    fileprivate var text: String {
        if isEmpty { return "\(first) and \(second) are equal" }
        var lines = ["\(first) and \(second), trained on \(base)", "declarations:"]
        for declaration in declarations {
            lines.append("  \(declaration.name)  \(declaration.status.rawValue)")
            lines += declaration.details.map { "    \($0)" }
        }
        lines.append("tensors:")
        lines.append(
            TextTable(
                parameters.map { parameter in
                    [
                        "  \(parameter.name)", parameter.shapes.map { "\($0)" }.joined(separator: " "),
                        parameter.status.rawValue,
                    ]
                        + [
                            parameter.largest.map { "largest \(short($0))" },
                            parameter.relative.map { "relative \(short($0))" },
                            parameter.principalAngles.map { "angles " + $0.map { short($0) }.joined(separator: " ") },
                        ].compactMap { $0 }
                }
            ).text)
        return lines.joined(separator: "\n")
    }
}
