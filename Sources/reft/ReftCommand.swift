import ArgumentParser
import Foundation

@main
struct ReftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reft",
        abstract: "Declares, compiles, trains and runs interventions (ReFT) on frozen language models.",
        discussion: """
            MODEL is a Hugging Face folder, the name of a repository in the local Hugging Face cache, or a GGUF file.

            Results go to standard output, everything else to standard error. Exit codes: 0 done, 2 wrong input or \
            usage, 130 interrupted (what was done so far is saved). Whoever reads standard output may leave early, as \
            head does: all files are written, and the code is 0.

            EXAMPLES
              reft inspect SmolLM2-135M-Instruct
              reft train MODEL --data train.jsonl --output my-adapter --layers 15 --positions l1 --rank 4
              reft generate MODEL --adapter my-adapter --chat "Who are you?"
            """,
        version: "0.1.0",
        subcommands: [
            InspectCommand.self, TokenizeCommand.self, RunCommand.self, TrainCommand.self, GenerateCommand.self,
            CheckCommand.self, GraphCommand.self, ExplainCommand.self, AdapterCommand.self, FoldCommand.self,
        ])

    /// Wrong usage and wrong input alike end with code 2 and one message on standard error.
    static func main() {
        Terminal.completeStandardStreams()
        Terminal.outliveReaders()
        do {
            var command = try parseAsRoot()
            try command.run()
            leave(0)
        } catch let code as ExitCode {
            leave(code.rawValue)
        } catch {
            if exitCode(for: error) == .success {
                Terminal.show(fullMessage(for: error))
                leave(0)
            }
            Terminal.report(fullMessage(for: error))
            leave(2)
        }
    }

    /// Ends the process at once: everything is written, and where memory is scarce, libraries that tidy up wait for threads
    /// which never could begin.
    private static func leave(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }
}

extension ExitCode {
    /// Ended by Ctrl-C; what was done so far is saved.
    static let interrupted = ExitCode(130)
}
