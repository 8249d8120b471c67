import ArgumentParser
import SwiftReFT

/// Texts that all prompts or examples read in the source runs of a program.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What all examples read in a source run of the program; may be given once for each run.",
            valueName: "run=text"))
    var source: [String] = []

    func validate() throws {
        for one in source where !one.contains("=") || one.hasPrefix("=") {
            throw ValidationError("--source must be RUN=TEXT, such as clean=\"The sky is blue\", not '\(one)'")
        }
        var seen: Set<String> = []
        if let twice = runNames().first(where: { !seen.insert($0).inserted }) {
            throw ValidationError("--source '\(twice)' is given twice; all examples read one text in a run")
        }
    }

    private func runNames() -> [String] { source.map { String($0.prefix { $0 != "=" }) } }

    /// The examples, each with the sequences that it has not got itself.
    func shared(by examples: [Example], _ model: Model, _ prompting: Prompting) throws -> [Example] {
        var examples = examples
        for one in source {
            let parts = one.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let sequence = Example(tokens: try model.promptTokens(parts[1], prompting))
            for place in examples.indices where examples[place].sources[parts[0]] == nil {
                examples[place].sources[parts[0]] = sequence
            }
        }
        return examples
    }
}
