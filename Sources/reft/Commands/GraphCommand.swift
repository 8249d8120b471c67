import ArgumentParser
import Foundation
import SwiftReFT

struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Shows what a program or an adapter does to a model's graph.",
        discussion: """
            text and json show the hook graph: runs, hooks, parameters, order. dot and svg draw it. With --computation \
            the whole computation graph is shown, every node with where it comes from.

            EXAMPLES
              reft graph MODEL --adapter my-adapter
              reft graph MODEL --program program.json --format svg > program.svg
              reft graph MODEL --program program.json --computation --format dot > graph.dot
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, dot, svg, json
    }

    @OptionGroup var options: ModelOptions
    @OptionGroup var programOptions: ProgramOptions
    @Option(help: "text, dot, svg or json.") var format = Format.text
    @Flag(help: "Show the computation graph with the program spliced in.") var computation = false
    @Option(help: "Write to this file instead of standard output.", completion: .file()) var output: String?

    func validate() throws {
        if computation && format == .svg { throw ValidationError("--computation goes with text, dot or json") }
    }

    func run() throws {
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
        }
    }

    private func computationGraph(_ session: Session) throws -> String {
        let graph = try session.splicedGraph().graph
        switch format {
        case .text, .svg: return graph.text()
        case .dot: return graph.dot()
        case .json: return graph.json()
        }
    }
}
