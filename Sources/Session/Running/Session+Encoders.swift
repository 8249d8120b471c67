import Graph
import InterventionDSL
import Models

/// In an encoder-decoder model a run reads its encoder, which is a run with sequences of its own.
extension Session {
    /// Whether a run is the encoder of another one.
    func isEncoder(_ run: String) -> Bool {
        model.architecture.hasEncoder && RunInputs.decoder(ofEncoder: run) != nil
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
