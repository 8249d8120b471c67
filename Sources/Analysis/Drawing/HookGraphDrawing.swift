import Graph
import InterventionDSL
import Session

/// A bound program drawn into its model: which sites of which layers it edits, at which positions, with which
/// parameters, and what it reads from other runs.
///
/// ```swift
/// let drawing = HookGraphDrawing(session)
/// try Data(drawing.svg.utf8).write(to: URL(fileURLWithPath: "program.svg"))
/// ```
/// The same program on the same model gives the same text.
public struct HookGraphDrawing: Sendable {
    let program: DrawnProgram
    let outline: ModelOutline
    let modelName: String
    /// The number of frozen weights, tied ones counted once; 0 if the graph has none.
    let weightCount: Int

    /// Draws the program of a session.
    public init(_ session: Session) {
        // A model whose graph can not be built can not be opened; without it the sites of the program are drawn.
        let graph = try? session.model.graph().graph
        self.init(hookGraph: session.hookGraph, graph: graph ?? ComputationGraph(), modelName: session.model.name)
    }

    /// Draws a bound program into a model.
    /// - Parameters:
    ///   - graph: A graph with at least one run of the model, for its sites and the number of its weights.
    ///   - modelName: The title.
    public init(hookGraph: HookGraph, graph: ComputationGraph, modelName: String) {
        program = DrawnProgram(hookGraph)
        outline = ModelOutline(graph, touched: program.touchedSites)
        self.modelName = modelName
        weightCount = graph.weightCount
    }

    /// The drawing as an SVG document of its own, 1200 pixels wide: the layers as a column from the embedding at the
    /// bottom to the logits at the top, source runs to the left of the base run, one badge for each edit.
    public var svg: String { SVGDrawing(self).document }

    /// What a person should know first: edits, trained numbers and their share of the model.
    var summary: String {
        let declarations = program.declarations.count
        let edits = program.edits.count
        var text = "\(declarations) declaration\(declarations == 1 ? "" : "s"), \(edits) edit\(edits == 1 ? "" : "s")"
        guard program.parameterCount > 0 else { return text + ", nothing trained" }
        text += ", \(program.parameterCount.grouped) trained numbers in \(program.tensorCount) "
        text += program.tensorCount == 1 ? "tensor" : "tensors"
        if weightCount > 0 {
            let share = 100 * Double(program.parameterCount) / Double(weightCount)
            text += " = \(share.significant) % of the model's \(weightCount.grouped)"
        }
        return text
    }
}

extension ComputationGraph {
    /// The number of frozen weights; a tensor that several runs or places use counts once.
    fileprivate var weightCount: Int {
        var sizes: [String: Int] = [:]
        for node in nodes {
            guard case .weight(let name) = node.operation, let shape = node.results.first?.shape,
                let rows = shape.rows.fixedValue, let columns = shape.columns.fixedValue
            else { continue }
            sizes[name] = rows * columns
        }
        return sizes.values.reduce(0, +)
    }
}
