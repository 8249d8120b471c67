/// The numbers of the symbols of a graph, read off the bound inputs.
struct BoundSymbols {
    private var numbers: [Symbol: (value: Int, source: String)] = [:]

    /// Reads every bound input of the graph; two that disagree are an error.
    init(_ graph: ComputationGraph, _ bindings: Interpreter.Bindings) throws(InterpreterError) {
        for (symbol, value) in bindings.symbols.sorted(by: { $0.key.name < $1.key.name }) {
            try bind(symbol, to: value, by: "the given symbols")
        }
        for node in graph.nodes {
            guard case .input(let name) = node.operation, let bound = bindings.inputs[name],
                let shape = node.results.first?.shape
            else { continue }
            switch bound {
            case .real(let matrix):
                try bind(shape.rows, to: matrix.rows, by: "input \(name)")
                try bind(shape.columns, to: matrix.columns, by: "input \(name)")
            case .indices(let indices):
                try bind(shape.rows, to: indices.count, by: "input \(name)")
            }
        }
    }

    /// The number of a dimension, where it is known.
    func number(_ dimension: Dimension) -> Int? {
        switch dimension {
        case .fixed(let value): value
        case .symbol(let symbol): numbers[symbol]?.value
        }
    }

    private mutating func bind(_ dimension: Dimension, to value: Int, by source: String) throws(InterpreterError) {
        if case .symbol(let symbol) = dimension { try bind(symbol, to: value, by: source) }
    }

    private mutating func bind(_ symbol: Symbol, to value: Int, by source: String) throws(InterpreterError) {
        guard let known = numbers[symbol] else {
            numbers[symbol] = (value, source)
            return
        }
        guard known.value == value else {
            throw .contradiction(
                symbol: symbol, first: known.value, firstSource: known.source, second: value, secondSource: source)
        }
    }
}
