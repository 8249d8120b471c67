extension ComputationGraph {
    /// Everything that is wrong with the graph; nothing if it is well formed.
    ///
    /// It is separate from the builder and from type inference at build time, so that a pass that breaks a graph is
    /// found out. Checked are: the order of nodes, the types of results, names of leaves, constants, attributes, store
    /// slots and sites. Row indices are known only with a batch: that `scatterRows` gets distinct ones, and every
    /// index points at a row, is checked when the graph is run.
    public func verify() -> [GraphProblem] {
        var problems: [GraphProblem] = []
        for id in nodes.indices {
            let found = faults(of: id)
            problems += found.map { GraphProblem("\(ValueID(id)) \($0)", at: nodes[id].provenance) }
        }
        return problems + repeatedLeaves() + sharedSlots() + faultyConstants() + faultySites()
    }

    /// Whether there is a value of this id.
    func contains(_ value: ValueID) -> Bool {
        nodes.indices.contains(value.node) && nodes[value.node].results.indices.contains(value.result)
    }

    // MARK: One node

    private func faults(of id: NodeID) -> [String] {
        let node = nodes[id]
        let misplaced = node.inputs.filter { $0.node >= id || !contains($0) }
        guard misplaced.isEmpty else {
            return misplaced.map { "\(node.operation.name) uses \($0), which is not computed before it" }
        }
        if let fault = node.operation.attributeFault { return ["\(node.operation.name) has \(fault)"] }
        if node.operation.isDeclaredLeaf { return leafFault(node).map { [$0] } ?? [] }
        switch node.operation.resultTypes(for: node.inputs.map { type(of: $0) }) {
        case .success(let inferred):
            if inferred == node.results { return [] }
            return [
                "\(node.operation.name) is declared as \(listed(node.results)), its inputs give \(listed(inferred))"
            ]
        case .failure(let mismatch):
            return ["\(node.operation.name) has inputs that it does not accept: \(mismatch)"]
        }
    }

    private func leafFault(_ node: Node) -> String? {
        guard node.inputs.isEmpty else { return "\(node.operation.name) is a leaf but has \(node.inputs.count) inputs" }
        guard node.results.count == 1, let type = node.results.first else {
            return "\(node.operation.name) is a leaf with \(node.results.count) results, not 1"
        }
        switch node.operation {
        case .input(let name):
            if type.element == .index && type.shape.columns != 1 {
                return "input \(name) is declared as \(type); indices have one column"
            }
        case .weight(let name), .parameter(let name):
            guard type.element == .real, let count = type.shape.fixedCount, count > 0 else {
                return "\(node.operation.name) \(name) is declared as \(type); tensors have fixed positive extents"
            }
        case .constant(let index):
            guard constants.indices.contains(index) else {
                return "constant \(index) does not exist, the graph has \(constants.count)"
            }
            let tensor = constants[index]
            let expected = ValueType.real(.fixed(tensor.rows), .fixed(tensor.columns))
            if type != expected { return "constant \(tensor.name) is declared as \(type), it is \(expected)" }
        default:
            break
        }
        return nil
    }

    private func listed(_ types: [ValueType]) -> String { types.map(\.description).joined(separator: ", ") }

    // MARK: Across nodes

    private func repeatedLeaves() -> [GraphProblem] {
        var first: [Operation: NodeID] = [:]
        var problems: [GraphProblem] = []
        for (id, node) in nodes.enumerated() {
            guard let name = node.operation.leafName else { continue }
            guard let earlier = first[node.operation] else {
                first[node.operation] = id
                continue
            }
            problems.append(
                GraphProblem(
                    "\(ValueID(id)) is \(node.operation.name) \(name) of type \(listed(node.results)), which "
                        + "\(ValueID(earlier)) of type \(listed(nodes[earlier].results)) already is",
                    at: node.provenance))
        }
        return problems
    }

    private func sharedSlots() -> [GraphProblem] {
        // An attention appends keys and values, of its parts one the keys and one the values.
        var first: [SlotPart: NodeID] = [:]
        var problems: [GraphProblem] = []
        for (id, node) in nodes.enumerated() {
            guard let (slot, parts) = node.operation.appendedParts else { continue }
            let earlier = parts.compactMap { first[$0] }.min()
            for part in parts where first[part] == nil { first[part] = id }
            guard let earlier else { continue }
            problems.append(
                GraphProblem(
                    "\(ValueID(id)) appends to store slot \(slot), which belongs to \(ValueID(earlier))",
                    at: node.provenance))
        }
        return problems
    }

    private func faultyConstants() -> [GraphProblem] {
        constants.enumerated().compactMap { index, tensor in
            let (count, overflow) = tensor.rows.multipliedReportingOverflow(by: tensor.columns)
            if tensor.rows >= 0, tensor.columns >= 0, !overflow, count == tensor.values.count { return nil }
            return GraphProblem(
                "constant \(index) is said to be \(tensor.rows) × \(tensor.columns) but holds \(tensor.values.count) "
                    + "numbers", at: .user(tensor.name))
        }
    }

    // MARK: Sites

    private func faultySites() -> [GraphProblem] {
        var seen: Set<SiteID> = []
        return (sites + moduleSites).flatMap { site in
            var faults = faults(of: site)
            if !seen.insert(site.id).inserted { faults.append("is declared twice") }
            return faults.map { GraphProblem("site \(site.id) \($0)", at: .model(site.modulePath)) }
        }
    }

    private func faults(of site: Site) -> [String] {
        var faults: [String] = []
        for value in [site.value, site.moduleInput].compactMap({ $0 }) where !contains(value) {
            faults.append("names \(value), which the graph of \(nodes.count) nodes does not have")
        }
        guard faults.isEmpty else { return faults }
        let type = type(of: site.value)
        if type.element != .real || type.shape.columns != .fixed(site.width) {
            faults.append("has width \(site.width), its value \(site.value) is \(type)")
        }
        if let heads = site.heads, heads <= 0 || site.width % heads != 0 {
            faults.append("has \(heads) heads, which do not divide its width of \(site.width)")
        }
        if let layer = site.id.layer, layer < 0 { faults.append("is in layer \(layer); layers count from 0") }
        return faults
    }
}

/// The keys or the values of a slot of the key/value store.
private struct SlotPart: Hashable {
    var slot: Int
    var isValues: Bool
}

extension Operation {
    /// What an operation appends to the key/value store.
    fileprivate var appendedParts: (slot: Int, parts: [SlotPart])? {
        switch self {
        case .attention(let attributes):
            attributes.store.map { ($0, [SlotPart(slot: $0, isValues: false), SlotPart(slot: $0, isValues: true)]) }
        case .attentionScores(let attributes):
            attributes.attention.store.map { ($0, [SlotPart(slot: $0, isValues: false)]) }
        case .attentionMix(let attributes):
            attributes.attention.store.map { ($0, [SlotPart(slot: $0, isValues: true)]) }
        default: nil
        }
    }

    /// Whether the type is declared where the node is made.
    var isDeclaredLeaf: Bool {
        switch self {
        case .input, .weight, .parameter, .constant: true
        default: false
        }
    }

    /// The name under which numbers are bound, if any.
    var leafName: String? {
        switch self {
        case .input(let name), .weight(let name), .parameter(let name): name
        default: nil
        }
    }

    /// An attribute that makes no sense whatever the inputs are.
    var attributeFault: String? {
        switch self {
        case .scalar(let number):
            return number.isNaN ? "no number" : nil
        case .rmsNorm(let attributes), .rmsNormGradient(let attributes), .rmsNormWeightGradient(let attributes):
            return attributes.epsilon >= 0 ? nil : "a negative epsilon, \(attributes.epsilon)"
        case .layerNorm(let epsilon), .layerNormGradient(let epsilon), .layerNormWeightGradient(let epsilon):
            return epsilon >= 0 ? nil : "a negative epsilon, \(epsilon)"
        case .rotate(let attributes):
            return attributes.heads > 0 && attributes.headSize > 0
                ? nil : "\(attributes.heads) heads of \(attributes.headSize); both must be positive"
        case .attention(let attributes), .attentionGradient(let attributes):
            return attributes.fault
        case .attentionScores(let attributes), .attentionScoresGradient(let attributes),
            .attentionPattern(let attributes), .attentionPatternGradient(let attributes),
            .attentionMix(let attributes), .attentionMixGradient(let attributes):
            return attributes.fault
        case .positionBias(let attributes), .positionBiasGradient(let attributes):
            return attributes.fault
        case .random(let attributes):
            guard case .dropoutMask(let keep) = attributes.distribution, !(keep > 0 && keep <= 1) else { return nil }
            return "a keep probability of \(keep), it must be above 0 and at most 1"
        default:
            return nil
        }
    }
}

extension AttentionAttributes {
    var fault: String? {
        for (what, number) in [
            ("heads", heads), ("key heads", keyHeads), ("columns a head", headSize),
            ("value columns a head", valueSize),
        ] where number <= 0 {
            return "\(number) \(what), it must be positive"
        }
        if !scale.isFinite { return "a scale of \(scale), it must be finite" }
        if let softCap, !(softCap > 0 && softCap.isFinite) { return "a soft cap of \(softCap), it must be positive" }
        if let window, window <= 0 { return "a window of \(window), it must be positive" }
        if let store, store < 0 { return "store slot \(store), slots count from 0" }
        return nil
    }
}
