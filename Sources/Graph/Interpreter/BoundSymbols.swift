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
        for node in graph.nodes { try bindPairs(of: node, graph, bindings) }
    }

    /// The number of pairs follows from the offsets of queries and keys, and from what is stored.
    private mutating func bindPairs(
        of node: Node, _ graph: ComputationGraph, _ bindings: Interpreter.Bindings
    ) throws(InterpreterError) {
        guard let (rows, store) = node.operation.pairRows, let first = node.operation.pairOffsetsPlace else { return }
        let bounds = (first...first + (rows.hasKeyOffsets ? 1 : 0)).compactMap { place -> [Int]? in
            guard node.inputs.indices.contains(place),
                case .input(let name) = graph.nodes[node.inputs[place].node].operation,
                case .indices(let offsets)? = bindings.inputs[name], offsets.first == 0,
                zip(offsets, offsets.dropFirst()).allSatisfy(<=)
            else { return nil }
            return offsets.map(Int.init)
        }
        guard let queries = bounds.first, let keys = bounds.last, queries.count == keys.count else { return }
        let lengths = store.flatMap { bindings.stored[$0] }?.map(\.keys.rows) ?? []
        var count = 0
        for place in queries.indices.dropLast() {
            let stored = lengths.indices.contains(place) ? lengths[place] : 0
            count += (queries[place + 1] - queries[place]) * (stored + keys[place + 1] - keys[place])
        }
        try bind(rows.pairs, to: count, by: "the offsets of \(node.provenance)")
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
