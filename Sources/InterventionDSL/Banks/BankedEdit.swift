import Graph

/// Turns the nodes of one adapter's edit into those of a bank of adapters, so that each row meets the parameters of its
/// own adapter.
///
/// A parameter [r, c] becomes a tensor [capacity · r, c], the adapters' one below the other. What is computed from
/// parameters alone stays per adapter; where it meets rows, a product becomes a grouped product, and a vector [1, c] is
/// gathered by the adapter of each row. Types need no code of their own for it.
struct BankedEdit {
    /// What a value of the edit becomes.
    private enum Form {
        /// The same for all adapters, or rows that are computed with their own adapter's parameters already.
        case plain(Value)
        /// One for each adapter, below each other: [capacity · rows, columns].
        case stacked(Value, rows: Int)
    }

    private let builder: GraphBuilder
    private let capacity: Int
    private let site: String
    /// The names of the parameters that become a bank's.
    private let parameters: Set<String>
    /// The adapter of each row that is edited, index [rows, 1].
    private let adapters: Value
    private var forms: [ValueID: Form] = [:]

    init(_ builder: GraphBuilder, _ hook: Hook, capacity: Int, adapters: Value) {
        self.builder = builder
        self.capacity = capacity
        self.adapters = adapters
        site = "\(hook.shape)"
        parameters = Set(hook.parameters.map(\.fullName))
    }

    /// The values for the bank.
    /// - Parameter first: The first node that the edit has made.
    /// - Throws: ``InterventionError/unbankable(site:reason:)`` for what can not be done for all adapters at once.
    mutating func rewriting(_ values: [Value], from first: NodeID) throws(InterventionError) -> [Value] {
        let graph = builder.graph
        let needed = graph.ancestors(of: values.map(\.id))
        for (id, node) in graph.nodes.enumerated() where needed[id] {
            if case .parameter(let name) = node.operation, parameters.contains(name) {
                let shape = node.results[0].shape
                let (rows, columns) = (shape.rows.fixedValue ?? 0, shape.columns.fixedValue ?? 0)
                let bank = builder.parameter(
                    BoundParameter.bankName(of: name), rows: capacity * rows, columns: columns)
                forms[ValueID(id)] = .stacked(bank, rows: rows)
            } else if id >= first {
                try rewrite(node, id)
            }
        }
        return try values.map { (value) throws(InterventionError) in try rows(form(value.id), "the result") }
    }

    private func form(_ id: ValueID) -> Form { forms[id] ?? .plain(builder.value(id)) }

    private mutating func rewrite(_ node: Node, _ id: NodeID) throws(InterventionError) {
        if case .random = node.operation {
            throw .unbankable(
                site: site, reason: "random numbers would not be those that an adapter draws for its rows alone")
        }
        let inputs = node.inputs.map(form)
        let isStacked = inputs.contains { if case .stacked = $0 { true } else { false } }
        if !isStacked {
            // Nothing of the edit was changed before it: the node itself will do.
            guard node.inputs.contains(where: { forms[$0] != nil }) else { return }
            return store(builder.results(node.operation, inputs.map(value)), id)
        }
        forms[ValueID(id)] = try rewritten(node, inputs)
    }

    private mutating func store(_ results: [Value], _ id: NodeID) {
        for (place, result) in results.enumerated() { forms[ValueID(id, place)] = .plain(result) }
    }

    private func value(_ form: Form) -> Value {
        switch form {
        case .plain(let value), .stacked(let value, _): value
        }
    }

    /// A node of which at least one input is stacked.
    private func rewritten(_ node: Node, _ inputs: [Form]) throws(InterventionError) -> Form {
        switch node.operation {
        case .matmul(transposeLeft: false, let transposeRight):
            return try product(node, inputs, transposeRight)
        case .binary:
            return try combination(node, inputs)
        case .broadcast(let shape):
            return try repetition(node, inputs[0], shape)
        case .unary, .affine, .softmax, .logSoftmax, .sum(.columns), .sliceColumns, .padColumns:
            // Row by row, hence adapter by adapter.
            if case .stacked(let stack, let rows) = inputs[0] {
                return .stacked(builder.node(node.operation, stack), rows: rows)
            }
        case .gated, .unaryGradient, .concatenateColumns, .replaceColumns:
            if let rows = commonRows(inputs) {
                return .stacked(builder.results(node.operation, inputs.map(value))[0], rows: rows)
            }
        case .sum(let axis):
            if case .stacked(let stack, rows: 1) = inputs[0] {
                return axis == .rows ? inputs[0] : .stacked(stack.sum(.columns), rows: 1)
            }
        default: break
        }
        throw refusal(node)
    }

    /// The extent that all inputs have per adapter, where all of them are stacked.
    private func commonRows(_ inputs: [Form]) -> Int? {
        var common: Int?
        for input in inputs {
            guard case .stacked(_, let rows) = input, rows == common ?? rows else { return nil }
            common = rows
        }
        return common
    }

    private func product(_ node: Node, _ inputs: [Form], _ transposeRight: Bool) throws(InterventionError) -> Form {
        // A vector of each adapter is a row for each row that is edited.
        var left = inputs[0]
        if case .stacked(_, rows: 1) = left, case .stacked = inputs[1] { left = .plain(try rows(left, "a product")) }
        switch (left, inputs[1]) {
        case (.plain(let rows), .stacked(let stack, _)) where rows.shape.rows == adapters.shape.rows:
            let product = builder.node(
                .groupedMatmul(groups: capacity, transposeRight: transposeRight), rows, stack, adapters)
            return .plain(inputs.count == 3 ? product + (try self.rows(inputs[2], "a bias")) : product)
        case (.stacked(let stack, let rows), .plain(let matrix)) where inputs.count == 2:
            return .stacked(stack.times(matrix, transposed: transposeRight), rows: rows)
        case (.plain(let left), .plain(let right)):
            // Only the bias is stacked.
            return .plain(left.times(right, transposed: transposeRight) + (try rows(inputs[2], "a bias")))
        default:
            throw refusal(node)
        }
    }

    private func combination(_ node: Node, _ inputs: [Form]) throws(InterventionError) -> Form {
        switch (inputs[0], inputs[1]) {
        case (.stacked(_, let left), .stacked(_, let right)) where left == right:
            return .stacked(builder.node(node.operation, value(inputs[0]), value(inputs[1])), rows: left)
        case (.stacked(_, let rows), .plain(let other)) where other.shape.rows == 1,
            (.plain(let other), .stacked(_, let rows)) where other.shape.rows == 1:
            return .stacked(builder.node(node.operation, value(inputs[0]), value(inputs[1])), rows: rows)
        case (.stacked, .plain(let other)) where other.shape.rows == adapters.shape.rows,
            (.plain(let other), .stacked) where other.shape.rows == adapters.shape.rows:
            let name = node.operation.name
            return .plain(builder.node(node.operation, try rows(inputs[0], name), try rows(inputs[1], name)))
        default:
            throw refusal(node)
        }
    }

    private func repetition(_ node: Node, _ input: Form, _ shape: Shape) throws(InterventionError) -> Form {
        if shape.rows == adapters.shape.rows {
            return .plain(try rows(input, node.operation.name).broadcast(to: shape))
        }
        guard case .stacked(let stack, let rows) = input, shape.rows == .fixed(rows) else { throw refusal(node) }
        return .stacked(stack.broadcast(to: Shape(stack.shape.rows, shape.columns)), rows: rows)
    }

    /// One row for each row that is edited: a vector of each adapter, gathered.
    private func rows(_ form: Form, _ what: String) throws(InterventionError) -> Value {
        switch form {
        case .plain(let value): return value
        case .stacked(let stack, rows: 1): return stack.rows(at: adapters)
        case .stacked(_, let rows):
            throw .unbankable(
                site: site,
                reason: "\(what) joins rows with \(rows) rows of an adapter's parameters that are no matrix factor")
        }
    }

    private func refusal(_ node: Node) -> InterventionError {
        let shapes = node.inputs.map { "\(builder.graph.type(of: $0))" }.joined(separator: " and ")
        return .unbankable(
            site: site,
            reason: "\(node.operation.name) of \(shapes), which depends on parameters, has no form for several adapters"
        )
    }
}
