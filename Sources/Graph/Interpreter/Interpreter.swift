import Diagnostics

/// Runs any graph in Float64, one obvious loop per operation.
///
/// It is the reference that derivative rules and kernels are judged by, so it is made to be read, not to be fast.
///
/// ```swift
/// var bindings = Interpreter.Bindings()
/// bindings.inputs["x"] = .real(Matrix64(rows: 1, columns: 2, values: [1, -1]))
/// let y = try Interpreter(graph).evaluate([output], bindings: bindings)
/// ```
public struct Interpreter: Sendable {
    /// The graph that is run.
    public let graph: ComputationGraph
    /// What the verifier says against the graph; a graph with problems is not run.
    private let problems: [GraphProblem]

    /// An interpreter of a graph, which is verified once.
    public init(_ graph: ComputationGraph) {
        self.graph = graph
        problems = graph.verify()
    }

    /// The numbers of the given values, `[n, 1]` for lists of indices.
    ///
    /// Symbols take their numbers from the bound inputs. Only what the outputs depend on has to be bound.
    /// - Throws: ``InterpreterError``; nothing in the bindings is trusted.
    public func evaluate(_ outputs: [ValueID], bindings: Bindings) throws(InterpreterError) -> [Matrix64] {
        guard problems.isEmpty else { throw .invalidGraph(problems) }
        for output in outputs where !graph.contains(output) { throw .noSuchValue(output, nodes: graph.nodes.count) }
        let symbols = try BoundSymbols(graph, bindings)
        let needed = graph.ancestors(of: outputs)
        var values = [[Operand64]](repeating: [], count: graph.nodes.count)
        for id in graph.nodes.indices where needed[id] {
            let node = graph.nodes[id]
            let evaluation = NodeEvaluation(
                node: node, inputs: node.inputs.map { values[$0.node][$0.result] },
                extents: try extents(of: id, symbols), stored: bindings.stored)
            if let bound = try leaf(node, bindings, evaluation.extents) {
                values[id] = [bound]
            } else {
                values[id] = try evaluation.results()
            }
        }
        return outputs.map { values[$0.node][$0.result].matrix }
    }

    /// The extents of each result of a node.
    private func extents(of id: NodeID, _ symbols: BoundSymbols) throws(InterpreterError) -> [Extents] {
        var extents: [Extents] = []
        for (result, type) in graph.nodes[id].results.enumerated() {
            let (value, provenance) = (ValueID(id, result), graph.nodes[id].provenance)
            if case .input = graph.nodes[id].operation, symbols.number(type.shape.rows) == nil {
                // The input itself is what would have given the number: `leaf` says that it is missing.
                extents.append(Extents(rows: 0, columns: 0))
                continue
            }
            var numbers: [Int] = []
            for dimension in [type.shape.rows, type.shape.columns] {
                guard let number = symbols.number(dimension) else {
                    throw .unboundSymbol(Symbol("\(dimension)"), value: value, provenance: provenance)
                }
                numbers.append(number)
            }
            guard numbers[0] >= 0, numbers[1] >= 0, !numbers[0].multipliedReportingOverflow(by: numbers[1]).overflow
            else { throw .tooLarge(value, rows: numbers[0], columns: numbers[1]) }
            extents.append(Extents(rows: numbers[0], columns: numbers[1]))
        }
        return extents
    }

    /// The numbers of a leaf, or nil if the node is computed.
    private func leaf(
        _ node: Node, _ bindings: Bindings, _ extents: [Extents]
    ) throws(InterpreterError) -> Operand64? {
        let (type, extent) = (node.results[0], extents[0])
        switch node.operation {
        case .input(let name):
            guard let bound = bindings.inputs[name] else {
                throw .unbound(
                    leaf: "input \(name)", type: type,
                    nearest: nearestName(to: name, among: Array(bindings.inputs.keys)))
            }
            switch (bound, type.element) {
            case (.real(let matrix), .real):
                return Operand64(try checked(matrix, "input \(name)", type, extent))
            case (.indices(let indices), .index):
                guard indices.count == extent.rows else {
                    throw .wrongShape(leaf: "input \(name)", given: "\(indices.count) indices", expected: type)
                }
                return Operand64(indices)
            case (.real, .index):
                throw .wrongShape(leaf: "input \(name)", given: "real numbers", expected: type)
            case (.indices, .real):
                throw .wrongShape(leaf: "input \(name)", given: "indices", expected: type)
            }
        case .weight(let name):
            return Operand64(try tensor(name, "weight", in: bindings.weights, type, extent))
        case .parameter(let name):
            return Operand64(try tensor(name, "parameter", in: bindings.parameters, type, extent))
        case .constant(let index):
            let constant = graph.constants[index]
            return Operand64(Matrix64(rows: constant.rows, columns: constant.columns, values: constant.values))
        case .scalar(let number):
            return Operand64(Matrix64(number))
        default:
            return nil
        }
    }

    private func tensor(
        _ name: String, _ kind: String, in bound: [String: Matrix64], _ type: ValueType, _ extent: Extents
    ) throws(InterpreterError) -> Matrix64 {
        guard let matrix = bound[name] else {
            throw .unbound(
                leaf: "\(kind) \(name)", type: type, nearest: nearestName(to: name, among: Array(bound.keys)))
        }
        return try checked(matrix, "\(kind) \(name)", type, extent)
    }

    private func checked(
        _ matrix: Matrix64, _ leaf: String, _ type: ValueType, _ extent: Extents
    ) throws(InterpreterError) -> Matrix64 {
        guard matrix.isConsistent else {
            throw .inconsistentMatrix(
                leaf: leaf, rows: matrix.rows, columns: matrix.columns, count: matrix.values.count)
        }
        guard matrix.rows == extent.rows, matrix.columns == extent.columns else {
            throw .wrongShape(leaf: leaf, given: "[\(matrix.rows), \(matrix.columns)]", expected: type)
        }
        return matrix
    }
}

/// The numbers of rows and columns of a value in one batch.
struct Extents: Hashable {
    var rows: Int
    var columns: Int
}
