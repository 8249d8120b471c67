import Graph
import InterventionDSL
import Models

/// In an encoder-decoder model a run reads its encoder, which is a run with sequences of its own.
extension Session {
    /// Whether a run is the encoder of another one.
    func isEncoder(_ run: String) -> Bool {
        model.architecture.hasEncoder && RunInputs.decoder(ofEncoder: run) != nil
    }

    /// Whether the program can be followed in generation with an encoder.
    /// - Throws: ``SessionError/impossible(what:reason:)``.
    func checkGeneration() throws(SessionError) {
        guard model.architecture.hasEncoder else { return }
        let encoder = RunInputs(run: Program.baseName).encoder.run
        guard let other = program.runs.first(where: { ![Program.baseName, encoder].contains($0.name) }) else { return }
        throw .impossible(
            what: "program",
            reason:
                "it has the run '\(other.name)'; in generation with an encoder the only run besides the base run is "
                + "'\(encoder)'")
    }

    /// What the decoder goes on from: its start token, with the prompt for the encoder.
    func decoderPrompt(of prompt: Example) -> Example {
        let encoder = RunInputs(run: Program.baseName).encoder.run
        guard model.architecture.hasEncoder, prompt.sources[encoder] == nil else { return prompt }
        var decoder = prompt
        decoder.tokens = [model.decoderStartToken]
        decoder.sources[encoder] = prompt
        return decoder
    }

    /// The runs that a run reads: those that its edits read, and its encoder.
    func runs(readBy run: String) -> [String] {
        let read = hookGraph.runs(readBy: run)
        guard model.architecture.hasEncoder, !isEncoder(run) else { return read }
        let encoder = RunInputs(run: run).encoder.run
        return read.filter { $0 != encoder } + [encoder]
    }

    /// The runs that must be computed, each after those that it reads; see `HookGraph.runs(neededFor:)`.
    func neededRuns(for asked: Set<String> = []) -> [String] {
        var order: [String] = []
        var seen: Set<String> = []
        func visit(_ run: String) {
            guard seen.insert(run).inserted else { return }
            for other in runs(readBy: run) { visit(other) }
            order.append(run)
        }
        for run in hookGraph.runs(neededFor: asked) + asked.sorted() { visit(run) }
        return order
    }
}
