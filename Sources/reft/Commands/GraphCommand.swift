import ArgumentParser
import Foundation
import SwiftReFT

struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Shows what a program or an adapter does to a model's graph.",
        discussion: """
            text and json show the hook graph: runs, hooks, parameters, order. dot and svg draw it. html is one page, \
            without outside resources, with the drawing, the declarations and the computation graph before and after; it \
            can be searched and folded.

            With --computation the computation graph is shown, every node with where it comes from: after the program \
            was spliced in, or as it was (--before), or only what the program added or redirected (--changes; svg \
            always shows the changes, with the rest folded).

            EXAMPLES
              reft graph MODEL --adapter my-adapter
              reft graph MODEL --program program.json --format svg > program.svg
              reft graph MODEL --program program.json --format html --output program.html
              reft graph MODEL --program program.json --computation --changes
              reft graph MODEL --program program.json --computation --format dot > graph.dot
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, dot, svg, html, json
    }

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Option(help: "text, dot, svg, html or json.") var format = Format.text
    @Flag(help: "Show the computation graph with the program spliced in.") var computation = false
    @Flag(help: "With --computation: the model's graph, before the program is spliced in.") var before = false
    @Flag(help: "With --computation: only the nodes that the program added or redirected.") var changes = false
    @Option(help: "Write to this file instead of standard output.", completion: .file()) var output: String?

    func validate() throws {
        if computation && format == .html {
            throw ValidationError("--format html shows both graphs without --computation")
        }
        if (before || changes) && !computation { throw ValidationError("--before and --changes go with --computation") }
        if before && changes { throw ValidationError("--before and --changes exclude each other") }
        if before && format == .svg { throw ValidationError("--before goes with text, dot or json") }
        if changes && (format == .dot || format == .json) {
            throw ValidationError(
                "--changes goes with text or svg; dot and json mark what was added in the whole graph")
        }
    }

    func run() throws {
        try OutputPaths.check(
            [("--output", output)], reading: [("MODEL", options.model)] + programOptions.inputs)
        let session = try programOptions.session(try options.open())
        let text = try computation ? computationGraph(session) : hookGraph(session)
        guard let output else { return Terminal.show(text) }
        try AtomicFile.write(Data((text + "\n").utf8), to: URL(fileURLWithPath: output))
        Terminal.report("wrote \(output)")
    }

    private func hookGraph(_ session: Session) throws -> String {
        switch format {
        case .text: return "\(session.hookGraph)"
        case .json: return try session.hookGraph.json()
        case .dot: return HookGraphDrawing(session).dot
        case .svg: return HookGraphDrawing(session).svg
        case .html: return try ProgramPage(session).html
        }
    }

    private func computationGraph(_ session: Session) throws -> String {
        let original = try session.unsplicedGraph()
        let spliced = try session.splicedGraph()
        if changes || format == .svg {
            let difference = spliced.difference(from: original)
            return format == .svg ? ComputationDrawing(difference, of: session.program).svg : "\(difference)"
        }
        let graph = before ? original : spliced.graph
        switch format {
        case .text, .svg, .html: return graph.text()
        case .dot: return graph.dot()
        case .json: return graph.json()
        }
    }
}
