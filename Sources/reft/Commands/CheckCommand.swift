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
            """)

    @OptionGroup var options: ModelOptions
    @Option(help: "A program file (JSON).", completion: .file(extensions: ["json"])) var program: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let model = try options.open()
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent()
        let session = try Session(
            model, program: try Program(contentsOf: program), constantsIn: TensorReader(folder: folder))
        if json { return Terminal.show(try session.hookGraph.json()) }
        Terminal.show("\(session.hookGraph)")
    }
}
