extension ComputationGraph {
    /// Computes values of which only some rows are read on those rows.
    ///
    /// Taking rows commutes with whatever acts on each row alone: gather(f(x, y), D) = f(gather(x, D), gather(y, D)). So
    /// the taking of rows moves up, through norms, products with matrices, activations and sums, to the first value that
    /// mixes rows, such as an attention, or that somebody reads whole. It passes edits of some rows, of which those
    /// are made that are read: gather(scatter(x, E, rows), D) = scatter(gather(x, D), E∩D, gather(rows, D∩E)).
    /// Of the last block of a causal model, queries, keys and values are then computed on all rows, and what follows the
    /// attention on the rows that are read.
    ///
    /// Apply it after fusion and before differentiation, so that gradients exist on those rows only.
    /// - Parameters:
    ///   - lists: Index inputs that say which rows are read.
    ///   - edits: Index inputs that say which rows of the same values are edited.
    ///   - keeping: Values that are read whole.
    /// - Returns: the rewritten graph, and the edits whose further inputs must be bound.
    public func computingReadRows(
        at lists: [String], editedAt edits: Set<String> = [], keeping: [ValueID]
    ) -> (rewrite: GraphRewrite, edits: [ReadEdit]) {
        var rewrite = GraphRewrite(of: self)
        var found: [ReadEdit] = []
        for list in lists {
            rewrite = rewrite.then { graph in
                var pass = ReadRowsPass(graph, list: list, edits: edits, keeping: keeping.compactMap { rewrite[$0] })
                let next = pass.run()
                found += pass.edits
                return next
            }
        }
        return (rewrite, found)
    }
}

/// One list of rows that are read.
private struct ReadRowsPass {
    /// A list by which rows of a value are read.
    enum RowList: Hashable {
        /// The rows that are read.
        case read
        /// Of the edited rows in a list those that are read.
        case edited(String)
    }

    private enum Reading: Equatable {
        case nowhere, elsewhere
        case only(RowList)

        mutating func add(_ other: Reading) {
            if self == .nowhere { self = other } else if self != other { self = .elsewhere }
        }
    }

    private let graph: ComputationGraph
    private let list: String
    private let selections: Set<String>
    /// The nodes that are the list.
    private let lists: Set<NodeID>
    private let needed: [Bool]
    /// The list by which alone a node's results are read, where it can be computed on those rows.
    private var narrowing: [RowList?]
    private var copier: GraphCopier
    /// Where the narrow values are in the copy.
    private var narrowed: [ValueID: ValueID] = [:]
    /// Rows taken from values that exist whole, by list.
    private var taken: [RowList: [ValueID: ValueID]] = [:]
    private var inputs: [String: ValueID] = [:]
    private(set) var edits: [ReadEdit] = []

    init(_ graph: ComputationGraph, list: String, edits: Set<String>, keeping: [ValueID]) {
        self.graph = graph
        self.list = list
        selections = edits
        lists = Set(graph.nodes.indices.filter { graph.nodes[$0].operation == .input(list) })
        needed = graph.ancestors(of: keeping)
        narrowing = [RowList?](repeating: nil, count: graph.nodes.count)
        copier = GraphCopier(graph)
        findNarrow(keeping)
    }

    // MARK: Which nodes

    private mutating func findNarrow(_ keeping: [ValueID]) {
        guard !lists.isEmpty else { return }
        var readings = [Reading](repeating: .nowhere, count: graph.nodes.count)
        for value in keeping { readings[value.node] = .elsewhere }
        for (id, node) in graph.nodes.enumerated().reversed() where needed[id] {
            if case .only(let list) = readings[id], canBeNarrow(node, list) { narrowing[id] = list }
            for (place, input) in node.inputs.enumerated() {
                readings[input.node].add(reading(of: place, node, narrowing[id]))
            }
        }
    }

    private func canBeNarrow(_ node: Node, _ list: RowList) -> Bool {
        if graph.actsOnEachRow(node) { return true }
        switch list {
        case .read: return editedList(of: node) != nil
        case .edited(let name): return takesRows(node, of: name)
        }
    }

    /// How a node that is narrow by a list, or whole, reads one of its inputs.
    private func reading(of place: Int, _ node: Node, _ list: RowList?) -> Reading {
        guard let list else { return place == 0 && takesReadRows(node) ? .only(.read) : .elsewhere }
        if graph.actsOnEachRow(node) {
            return isOfItsRows(node.inputs[place], node) ? .only(list) : .elsewhere
        }
        switch (list, place) {
        case (_, 0): return .only(.read)
        case (.read, 2): return editedList(of: node).map { .only(.edited($0)) } ?? .elsewhere
        default: return .elsewhere
        }
    }

    private func isOfItsRows(_ input: ValueID, _ node: Node) -> Bool {
        graph.type(of: input).shape.rows == node.results[0].shape.rows
    }

    private func takesReadRows(_ node: Node) -> Bool {
        node.operation == .gatherRows && lists.contains(node.inputs[1].node)
    }

    private func takesRows(_ node: Node, of selection: String) -> Bool {
        node.operation == .gatherRows && graph.nodes[node.inputs[1].node].operation == .input(selection)
            && graph.type(of: node.inputs[0]).shape.rows.fixedValue == nil
    }

    /// The list of rows that a node replaces, where it is one that batches are asked about.
    private func editedList(of node: Node) -> String? {
        guard node.operation == .scatterRows, case .input(let name) = graph.nodes[node.inputs[1].node].operation
        else { return nil }
        return selections.contains(name) ? name : nil
    }

    // MARK: The copy

    mutating func run() -> GraphRewrite {
        guard narrowing.contains(where: { $0 != nil }) else { return GraphRewrite(of: graph) }
        for (id, node) in graph.nodes.enumerated() where needed[id] {
            if let list = narrowing[id] {
                appendNarrow(id, node, list)
            } else if takesReadRows(node), narrowing[node.inputs[0].node] == .read,
                let value = narrowed[node.inputs[0]]
            {
                copier.replace(ValueID(id), by: value)
            } else if copier.mapping[ValueID(id)] == nil {
                copier.append(copier.renamed(node), inPlaceOf: id)
            }
        }
        return copier.finish()
    }

    private mutating func appendNarrow(_ id: NodeID, _ node: Node, _ list: RowList) {
        var narrow = node
        if graph.actsOnEachRow(node) {
            narrow.inputs = node.inputs.map { input in
                isOfItsRows(input, node) ? rows(of: input, list) : copier.mapping[input] ?? input
            }
        } else if case .edited(let name) = list {
            narrow.inputs = [rows(of: node.inputs[0], .read), places(name)]
        } else if let name = editedList(of: node) {
            narrow.inputs = [
                rows(of: node.inputs[0], .read), places(name), rows(of: node.inputs[2], .edited(name)),
            ]
        }
        narrow.results = node.results.map { ValueType($0.element, Shape(count(list), $0.shape.columns)) }
        let new = copier.append(narrow)
        for result in node.results.indices { narrowed[ValueID(id, result)] = ValueID(new.node, result) }
    }

    /// The rows of a value that are in a list.
    private mutating func rows(of value: ValueID, _ list: RowList) -> ValueID {
        if narrowing[value.node] == list, let known = narrowed[value] { return known }
        if let known = taken[list]?[value] { return known }
        let type = ValueType(.real, Shape(count(list), graph.type(of: value).shape.columns))
        let new = copier.append(Node(.gatherRows, [copier.mapping[value] ?? value, index(list)], [type], .demand))
        taken[list, default: [:]][value] = new
        return new
    }

    private func count(_ list: RowList) -> Dimension {
        switch list {
        case .read: lists.first.map { graph.nodes[$0].results[0].shape.rows } ?? 0
        case .edited(let name): ReadEdit(edited: name, read: self.list).count
        }
    }

    /// The input with a list's rows.
    private mutating func index(_ list: RowList) -> ValueID {
        switch list {
        case .read:
            // It has no inputs: it can stand before whatever reads it.
            let first = lists.min() ?? 0
            if copier.mapping[ValueID(first)] == nil { copier.append(graph.nodes[first], inPlaceOf: first) }
            return copier.mapping[ValueID(first)] ?? ValueID(first)
        case .edited(let name): return input(ReadEdit(edited: name, read: self.list).kept, name)
        }
    }

    private mutating func places(_ name: String) -> ValueID {
        input(ReadEdit(edited: name, read: list).places, name)
    }

    /// An input of an edit that is passed.
    private mutating func input(_ name: String, _ edited: String) -> ValueID {
        if let known = inputs[name] { return known }
        let edit = ReadEdit(edited: edited, read: list)
        if !edits.contains(edit) { edits.append(edit) }
        let new = copier.append(Node(.input(name), [], [.indices(edit.count)], .demand))
        inputs[name] = new
        return new
    }
}

extension ComputationGraph {
    /// Whether each row of a node's results depends on that row of its inputs alone, and on inputs that are the same for
    /// all rows.
    fileprivate func actsOnEachRow(_ node: Node) -> Bool {
        let rows = node.results[0].shape.rows
        guard rows.fixedValue == nil else { return false }
        /// How many of the first inputs have the rows.
        let rowInputs: Int
        var repeatsRows = false
        switch node.operation {
        case .binary:
            rowInputs = 2
            repeatsRows = true
        case .unary, .affine, .gated, .softmax, .logSoftmax, .sliceColumns, .replaceColumns, .padColumns,
            .concatenateColumns, .blocks, .topK:
            rowInputs = node.inputs.count
        case .rmsNorm, .layerNorm, .matmul(transposeLeft: false, _): rowInputs = 1
        case .expertProduct: rowInputs = 2
        default: return false
        }
        return node.inputs.enumerated().allSatisfy { place, input in
            let type = type(of: input)
            if place >= rowInputs { return type.shape.rows != rows }
            if type.shape.rows == rows { return type.element == .real }
            // A row that all share.
            return repeatsRows && type.shape.rows == .fixed(1)
        }
    }
}
