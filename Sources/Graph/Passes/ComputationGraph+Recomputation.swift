/// Which values of the forward part are computed again for the gradients.
public struct RecomputedParts: Hashable, Sendable {
    /// How many blocks, the lowest first, whose values would be kept the longest.
    public var blocks: Int
    /// Whether what attention gives is computed again, from queries, keys and values, in all blocks.
    public var attention: Bool

    public init(blocks: Int = 0, attention: Bool = false) {
        (self.blocks, self.attention) = (max(0, blocks), attention)
    }

    public static let none = RecomputedParts()
}

extension ComputationGraph {
    /// The blocks of the model whose values the gradients read, lowest first: what ``recomputing(_:keeping:)`` can compute
    /// again. A block ends with the value of a `blockOutput` site, as edited.
    ///
    /// What comes after the last block that ends in between is not one of them: its values are read back at once.
    public var recomputableBlocks: Int { segments().recomputable.count }

    /// Computes the values of blocks a second time where gradients read them, so that they need not be kept from the
    /// forward part to the backward part. The same operations on the same numbers: the same bits, random values too.
    ///
    /// Kept are the values that go from one block to another, the rows that edits pick out of a block, and what other
    /// outputs read. Everything else of a block, edits included, has a copy of its nodes right before the first gradient
    /// that reads it. Apply it last: merging common subexpressions would undo it.
    /// - Parameters:
    ///   - parts: What is computed again.
    ///   - outputs: The values that are read.
    public func recomputing(_ parts: RecomputedParts, keeping outputs: [ValueID]) -> GraphRewrite {
        var segments = segments()
        segments.kept.formUnion(outputs)
        guard parts != .none else { return GraphRewrite(of: self) }
        let chosen = Set(segments.recomputable.prefix(parts.blocks))
        let last = segments.numbers.max() ?? 0
        let needed = ancestors(of: outputs)
        var copier = GraphCopier(self)
        var copies: [NodeID: NodeID] = [:]
        func isRecomputed(_ value: ValueID) -> Bool {
            let (node, segment) = (nodes[value.node], segments.numbers[value.node])
            if segment < 0 || segments.isKept(value) || node.inputs.isEmpty { return false }
            if parts.attention, case .attention = node.operation { return segment < last }
            return chosen.contains(segment)
        }
        for (id, node) in nodes.enumerated() {
            guard node.provenance.isGradient, needed[id] else {
                copier.append(copier.renamed(node), inPlaceOf: id)
                continue
            }
            var copy = node
            for (place, input) in node.inputs.enumerated() {
                guard isRecomputed(input) else {
                    copy.inputs[place] = copier.mapping[input] ?? input
                    continue
                }
                appendCopies(of: input.node, isRecomputed, &copier, &copies)
                copy.inputs[place] = ValueID(copies[input.node] ?? input.node, input.result)
            }
            copier.append(copy, inPlaceOf: id)
        }
        return copier.finish()
    }

    /// Appends a copy of a node and of what it is computed from, down to what is kept.
    private func appendCopies(
        of node: NodeID, _ isRecomputed: (ValueID) -> Bool, _ copier: inout GraphCopier,
        _ copies: inout [NodeID: NodeID]
    ) {
        var path = [node]
        // A walk in depth with its own stack: an input is copied before its user.
        while let id = path.last {
            guard copies[id] == nil else {
                path.removeLast()
                continue
            }
            let open = nodes[id].inputs.filter { isRecomputed($0) && copies[$0.node] == nil }.map(\.node)
            guard open.isEmpty else {
                path += open.reversed()
                continue
            }
            var copy = nodes[id]
            copy.provenance = .recomputed(copy.provenance)
            copy.inputs = copy.inputs.map { input in
                guard isRecomputed(input), let again = copies[input.node] else { return copier.mapping[input] ?? input }
                return ValueID(again, input.result)
            }
            copies[id] = copier.append(copy).node
            path.removeLast()
        }
    }
}

// MARK: - Blocks

/// The forward part of a differentiated graph, cut at the ends of blocks.
private struct GraphSegments {
    /// The number of the segment that each node belongs to; −1 for gradients.
    var numbers: [Int]
    /// The segments with values that gradients read, but for the last one, ascending.
    var recomputable: [Int]
    /// Values that are not computed again.
    var kept: Set<ValueID>

    func isKept(_ value: ValueID) -> Bool { kept.contains(value) }
}

extension ComputationGraph {
    /// A node's segment is the highest that its inputs come from; what reads the end of a block is in the next one.
    private func segments() -> GraphSegments {
        let ends = Set(sites.filter { $0.id.component == .blockOutput }.map(\.value)).sorted()
        let places = Dictionary(uniqueKeysWithValues: ends.enumerated().map { ($1, $0 + 1) })
        var numbers = [Int](repeating: -1, count: nodes.count)
        for (id, node) in nodes.enumerated() where !node.provenance.isGradient {
            numbers[id] = node.inputs.reduce(0) { max($0, places[$1] ?? 0, numbers[$1.node]) }
        }
        var kept: Set<ValueID> = Set(ends)
        var read: Set<Int> = []
        for (id, node) in nodes.enumerated() {
            for input in node.inputs where !nodes[input.node].inputs.isEmpty {
                if numbers[id] >= 0, numbers[id] != numbers[input.node] { kept.insert(input) }
                if numbers[id] < 0, numbers[input.node] >= 0, !kept.contains(input) { read.insert(numbers[input.node]) }
            }
            // Rows picked out of a block are few; without them the end of the block would be computed again.
            if case .gatherRows = node.operation { kept.insert(ValueID(id)) }
            // What has an effect beside its result must happen once.
            if node.operation.appendsToStore {
                for result in node.results.indices { kept.insert(ValueID(id, result)) }
            }
        }
        return GraphSegments(numbers: numbers, recomputable: Array(read.sorted().dropLast()), kept: kept)
    }
}

extension Operation {
    /// Whether running it adds rows to a key/value store.
    fileprivate var appendsToStore: Bool {
        switch self {
        case .attention(let attributes): attributes.store != nil
        case .attentionScores(let attributes), .attentionMix(let attributes): attributes.attention.store != nil
        default: false
        }
    }
}

extension Provenance {
    /// Whether it is the backward part.
    var isGradient: Bool {
        if case .gradient = self { true } else { false }
    }
}
