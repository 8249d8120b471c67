import ArgumentParser
import Foundation
import SwiftReFT

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks a program against a model, without reading weights.",
        discussion: """
            Prints every problem at once and ends with code 2, or shows what the program edits.

            EXAMPLES
              reft check SmolLM2-135M-Instruct --program program.json
              reft check SmolLM2-135M-Instruct --program pyvene-config.json --positions l1
            """)

    @OptionGroup var options: ModelOptions
    @Option(help: "A program file (JSON), or a configuration of pyvene.", completion: .file(extensions: ["json"]))
    var program: String
    @OptionGroup var pyvene: PyveneArguments
    @Option(help: "chain, error or priority; by default what the program says.") var overlaps: OverlapPolicy?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let model = try options.open()
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent()
        var program = try Program(
            contentsOf: program, pyvene: pyvene.options(), isPyveneGiven: pyvene.isGiven)
        if let overlaps { program.overlaps = overlaps }
        let clock = ContinuousClock()
        let began = clock.now
        let hookGraph = try model.bind(program, constantsIn: TensorReader(folder: folder))
        let milliseconds = (clock.now - began) / .milliseconds(1)
        Terminal.report("bound to \(model.name) in \((milliseconds * 10).rounded() / 10) ms")
        if json { return Terminal.show(try hookGraph.json()) }
        Terminal.show("\(hookGraph)")
    }
}
