import Graph

/// Walks the needed nodes once and gives each value a place.
struct Scheduler {
    let graph: ComputationGraph
    let outputs: [ValueID]
    var symbols = SymbolTable()
    var buffers: BufferPlanner
    private(set) var steps: [PlannedStep] = []
    private(set) var leaves: [NodeID] = []
    private(set) var indexRules: [IndexRule] = []
    private(set) var pairCounts: [PairCount] = []
    private(set) var keyValueSlots: [Int: KeyValueSlot] = [:]
    /// Where the values of each node begin in the arrays below.
    private var valueStart: [Int] = []
    /// How often a value is read, by steps and as an output.
    private var uses: [Int] = []
    private var places: [PlannedOperand?] = []
    /// The storage of a value that is in a buffer.
    private var storages: [Int?] = []
    /// Whether the keys and the values of a slot have someone who appends them.
    private var appended: [Int: (keys: Bool, values: Bool)] = [:]
    private var knownRules: Set<IndexRule> = []

    init(_ graph: ComputationGraph, outputs: [ValueID], reusesBuffers: Bool) {
        self.graph = graph
        self.outputs = outputs
        buffers = BufferPlanner(reusesSlots: reusesBuffers)
    }

    /// The place of a scheduled value.
    func operand(_ value: ValueID) -> PlannedOperand {
        places[number(value)]
            ?? PlannedOperand(location: .leaf(value.node, column: 0), rows: .fixed(0), columns: .fixed(0))
    }

    mutating func schedule() throws(RuntimeError) {
        let needed = graph.ancestors(of: outputs)
        countUses(needed)
        let twins = rotaryTwins(needed)
        var done = [Bool](repeating: false, count: graph.nodes.count)
        for id in graph.nodes.indices where needed[id] && !done[id] {
            if graph.nodes[id].inputs.isEmpty, graph.nodes[id].operation.isLeaf {
                placeLeaf(id)
            } else if case .sliceColumns(let start, _) = graph.nodes[id].operation {
                placeView(id, start: start)
            } else {
                let twin = twins[id]
                if let twin { done[twin] = true }
                try placeStep(id, twin: twin)
                buffers.nextStep()
            }
        }
        buffers.finish()
    }

    private func number(_ value: ValueID) -> Int { valueStart[value.node] + value.result }

    private mutating func countUses(_ needed: [Bool]) {
        valueStart.reserveCapacity(graph.nodes.count)
        steps.reserveCapacity(graph.nodes.count)
        leaves.reserveCapacity(graph.nodes.count)
        var count = 0
        for id in graph.nodes.indices {
            valueStart.append(count)
            count += graph.nodes[id].results.count
        }
        buffers.reserve(count)
        uses = [Int](repeating: 0, count: count)
        places = [PlannedOperand?](repeating: nil, count: count)
        storages = [Int?](repeating: nil, count: count)
        for id in graph.nodes.indices where needed[id] {
            for input in graph.nodes[id].inputs { uses[number(input)] += 1 }
        }
        // An output is a use that is never over.
        for output in outputs { uses[number(output)] += 1 }
    }

    /// Cosine and sine tables of the same angles, which one kernel computes.
    private func rotaryTwins(_ needed: [Bool]) -> [NodeID: NodeID] {
        struct Angles: Hashable {
            var inputs: [ValueID]
            var factor: Double
        }
        var cosines: [Angles: NodeID] = [:]
        var sines: [Angles: NodeID] = [:]
        for id in graph.nodes.indices where needed[id] {
            switch graph.nodes[id].operation {
            case .rotaryCosine(let factor): cosines[Angles(inputs: graph.nodes[id].inputs, factor: factor)] = id
            case .rotarySine(let factor): sines[Angles(inputs: graph.nodes[id].inputs, factor: factor)] = id
            default: break
            }
        }
        var twins: [NodeID: NodeID] = [:]
        for (angles, cosine) in cosines {
            guard let sine = sines[angles] else { continue }
            twins[min(cosine, sine)] = max(cosine, sine)
        }
        return twins
    }

    private mutating func extents(_ value: ValueID) -> (rows: PlannedDimension, columns: PlannedDimension) {
        let shape = graph.type(of: value).shape
        return (symbols.planned(shape.rows), symbols.planned(shape.columns))
    }

    private mutating func placeLeaf(_ id: NodeID) {
        leaves.append(id)
        let (rows, columns) = extents(ValueID(id))
        places[valueStart[id]] = PlannedOperand(location: .leaf(id, column: 0), rows: rows, columns: columns)
    }

    private mutating func placeView(_ id: NodeID, start: Int) {
        let source = graph.nodes[id].inputs[0]
        let (rows, columns) = extents(ValueID(id))
        let location: Location
        switch operand(source).location {
        case .leaf(let leaf, let column):
            location = .leaf(leaf, column: column + start)
        case .buffer(let buffer, let column, let rowLength):
            location = .buffer(buffer, column: column + start, rowLength: rowLength)
        }
        places[valueStart[id]] = PlannedOperand(location: location, rows: rows, columns: columns)
        storages[valueStart[id]] = storages[number(source)]
        if let storage = storages[number(source)] {
            buffers.addUses(uses[valueStart[id]], to: storage)
            buffers.consume(storage)
        }
    }

    private mutating func placeStep(_ id: NodeID, twin: NodeID?) throws(RuntimeError) {
        let node = graph.nodes[id]
        try addRules(id, node)
        let inputs = node.inputs.map { operand($0) }
        var results: [PlannedOperand?]
        if case .rotaryCosine = node.operation {
            results = [place(ValueID(id)), twin.map { place(ValueID($0)) } ?? scratch(like: ValueID(id))]
        } else if case .rotarySine = node.operation {
            // Scratch last: it is free again as soon as it is placed.
            let sine = place(ValueID(id))
            results = [twin.map { place(ValueID($0)) } ?? scratch(like: ValueID(id)), sine]
        } else {
            results = placeResults(id, node)
        }
        steps.append(PlannedStep(node: id, twin: twin, inputs: inputs, results: results))
        for input in node.inputs {
            if let storage = storages[number(input)] { buffers.consume(storage) }
        }
        guard let twin else { return }
        for input in graph.nodes[twin].inputs {
            if let storage = storages[number(input)] { buffers.consume(storage) }
        }
    }

    private mutating func placeResults(_ id: NodeID, _ node: Node) -> [PlannedOperand?] {
        var candidates = node.operation.inputsForReuse
        candidates.removeAll { $0 >= node.inputs.count }
        return node.results.indices.map { result in
            let value = ValueID(id, result)
            guard uses[number(value)] > 0 else { return nil }
            let reused = candidates.firstIndex { input in
                guard let storage = storages[number(node.inputs[input])] else { return false }
                return buffers.pendingUses(of: storage) == 1
                    && graph.type(of: node.inputs[input]) == node.results[result]
            }
            if let reused {
                let input = node.inputs[candidates.remove(at: reused)]
                return place(value, inMemoryOf: input)
            }
            return place(value)
        }
    }

    /// In memory of its own.
    private mutating func place(_ value: ValueID) -> PlannedOperand {
        let (rows, columns) = extents(value)
        let storage = buffers.allocate(rows: rows, columns: columns, uses: uses[number(value)])
        let place = PlannedOperand(
            location: .buffer(storage, column: 0, rowLength: columns), rows: rows, columns: columns)
        places[number(value)] = place
        storages[number(value)] = storage
        return place
    }

    private mutating func place(_ value: ValueID, inMemoryOf input: ValueID) -> PlannedOperand {
        let place = operand(input)
        places[number(value)] = place
        storages[number(value)] = storages[number(input)]
        if let storage = storages[number(input)] { buffers.addUses(uses[number(value)], to: storage) }
        return place
    }

    /// Memory that is free again after the step.
    private mutating func scratch(like value: ValueID) -> PlannedOperand {
        let (rows, columns) = extents(value)
        let storage = buffers.allocate(rows: rows, columns: columns, uses: 1)
        defer { buffers.consume(storage) }
        return PlannedOperand(location: .buffer(storage, column: 0, rowLength: columns), rows: rows, columns: columns)
    }
}

// MARK: - Rules about indices

extension Scheduler {
    private mutating func addRules(_ id: NodeID, _ node: Node) throws(RuntimeError) {
        switch node.operation {
        case .gatherRows:
            try add(id, node.inputs[1], .within(extents(node.inputs[0]).rows), .row(node.inputs[0]))
        case .scatterRows:
            try add(id, node.inputs[1], .distinct(extents(node.inputs[0]).rows), .row(node.inputs[0]))
        case .scatterAddRows(let count):
            try add(id, node.inputs[1], .within(symbols.planned(count)), .row(ValueID(id)))
        case .groupedMatmul(let groups, _):
            try add(id, node.inputs[2], .within(.fixed(groups)), .matrix(node.inputs[1]))
        case .crossEntropy, .crossEntropyGradient:
            try add(id, node.inputs[1], .below(extents(node.inputs[0]).columns), .category(node.inputs[0]))
        case .linearCrossEntropy:
            try add(id, node.inputs[2], .below(extents(node.inputs[1]).rows), .category(ValueID(id)))
        case .attention(let attributes):
            try add(id, node.inputs[3], .offsets(extents(node.inputs[0]).rows), .row(node.inputs[0]))
            try addKeyValueSlot(id, attributes, keys: true, values: true)
        case .attentionGradient:
            try add(id, node.inputs[3], .offsets(extents(node.inputs[0]).rows), .row(node.inputs[0]))
        case .attentionScores(let attributes):
            try addPairs(id, node)
            try addKeyValueSlot(id, attributes.attention, keys: true, values: false)
        case .attentionMix(let attributes):
            try addPairs(id, node)
            try addKeyValueSlot(id, attributes.attention, keys: false, values: true)
        case .attentionScoresGradient, .attentionPattern, .attentionPatternGradient, .attentionMixGradient,
            .positionBias, .positionBiasGradient:
            try addPairs(id, node)
        case .rotaryCosine, .rotarySine, .random:
            let input = node.inputs[0]
            guard case .input = graph.nodes[input.node].operation else { throw refused(id) }
        default:
            break
        }
    }

    /// What an index points at, put into words only where a message may need it.
    private enum Meaning {
        case row(ValueID)
        case matrix(ValueID)
        case category(ValueID)
        case query(NodeID)
        case key(NodeID)
    }

    private func text(_ meaning: Meaning) -> String {
        switch meaning {
        case .row(let value): "row of \(title(value))"
        case .matrix(let value): "matrix of \(title(value))"
        case .category(let value): "class of \(title(value))"
        case .query(let id): "query of %\(id)"
        case .key(let id): "key of %\(id)"
        }
    }

    private mutating func add(
        _ id: NodeID, _ index: ValueID, _ requirement: IndexRule.Requirement, _ meaning: Meaning
    ) throws(RuntimeError) {
        guard case .input = graph.nodes[index.node].operation else { throw refused(id) }
        // The meaning does not make a rule another one: the first user of the input names it.
        let key = IndexRule(input: index.node, requirement: requirement, meaning: "")
        guard knownRules.insert(key).inserted else { return }
        indexRules.append(IndexRule(input: index.node, requirement: requirement, meaning: text(meaning)))
    }

    private mutating func addKeyValueSlot(
        _ id: NodeID, _ attributes: AttentionAttributes, keys: Bool, values: Bool
    ) throws(RuntimeError) {
        guard let slot = attributes.store else { return }
        let known = appended[slot] ?? (false, false)
        guard !(known.keys && keys), !(known.values && values) else {
            throw .keyValues(problem: "slot \(slot) is appended to by more than one attention, the second at %\(id)")
        }
        appended[slot] = (known.keys || keys, known.values || values)
        keyValueSlots[slot] = KeyValueSlot(
            slot: slot, keyWidth: attributes.keyHeads * attributes.headSize,
            valueWidth: attributes.keyHeads * attributes.valueSize)
    }

    /// The offsets of an operation on pairs, and the number of pairs that follows from them.
    private mutating func addPairs(_ id: NodeID, _ node: Node) throws(RuntimeError) {
        guard let (rows, store) = node.operation.pairRows, let first = node.operation.pairOffsetsPlace else { return }
        let offsets = node.inputs[first]
        let keyOffsets = rows.hasKeyOffsets ? node.inputs[first + 1] : offsets
        try add(id, offsets, .offsets(symbols.planned(rows.queries)), .query(id))
        if rows.hasKeyOffsets { try add(id, keyOffsets, .offsets(symbols.planned(rows.keys)), .key(id)) }
        let symbol = symbols.planned(rows.pairs).symbol
        let count = PairCount(
            symbol: symbol, offsets: offsets.node, keyOffsets: keyOffsets.node, isStored: store != nil)
        if symbol >= 0, !pairCounts.contains(count) { pairCounts.append(count) }
    }

    private func refused(_ id: NodeID) -> RuntimeError {
        let node = graph.nodes[id]
        return .kernel(
            operation: node.operation.name, value: ValueID(id).description, provenance: node.provenance.description)
    }

    /// How a message names a value.
    private func title(_ value: ValueID) -> String {
        let node = graph.nodes[value.node]
        switch node.operation {
        case .weight(let name), .parameter(let name), .input(let name): return name
        default: return "\(value) (\(node.provenance))"
        }
    }
}
