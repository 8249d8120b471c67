import CKernels
import Graph

extension Executor {
    /// Gives every operand its address and extents. Only after a change of extents or of an input's memory.
    func resolve() {
        if isResolved { return }
        layOutBuffers()
        var place = 0
        for step in plan.steps {
            for input in step.inputs {
                operands[place] = operand(input)
                if let weight = weightAddresses[place] { operands[place].address = weight }
                place += 1
            }
            for result in step.results {
                operands[place] = result.map { operand($0) } ?? Operand()
                place += 1
            }
        }
        for number in attentionPlans.indices { resolveAttention(number) }
        for number in pairPlans.indices { resolvePairs(number) }
        isResolved = true
    }

    private func layOutBuffers() {
        var total = 0
        for (index, slot) in plan.slots.enumerated() {
            slotOffsets[index] = total
            total += BufferArena.roundedCount(slot.count(sizes))
        }
        for (storage, place) in plan.places.enumerated() {
            storageOffsets[storage] = slotOffsets[place.slot] + place.offset * plan.slots[place.slot].unit(sizes)
        }
        arena.reserve(total)
    }

    func operand(_ planned: PlannedOperand) -> Operand {
        let (rows, columns) = (planned.rows.extent(sizes), planned.columns.extent(sizes))
        switch planned.location {
        case .leaf(let leaf, let column):
            // Indices and numbers both take four bytes. Leaves have no gaps between rows.
            let address = leafAddresses[leafNumbers[leaf]].map { $0 + 4 * column }
            let rowLength = leafColumns(leaf)
            return Operand(address: address, rows: rows, columns: columns, stride: rowLength)
        case .buffer(let storage, let column, let rowLength):
            return Operand(
                address: UnsafeMutableRawPointer(arena.base + storageOffsets[storage] + column), rows: rows,
                columns: columns, stride: rowLength.extent(sizes))
        }
    }

    private func leafColumns(_ leaf: NodeID) -> Int {
        let dimension = plan.graph.nodes[leaf].results[0].shape.columns
        switch dimension {
        case .fixed(let columns): return columns
        case .symbol(let symbol): return plan.symbols.firstIndex(of: symbol).map { sizes[$0] } ?? 0
        }
    }
}

extension Plan {
    /// Whether the input of this node holds the offsets of an attention.
    func isOffsets(_ leaf: NodeID) -> Bool {
        indexRules.contains { rule in
            if case .offsets = rule.requirement { return rule.input == leaf }
            return false
        }
    }

    /// How many steps are attention or its gradient.
    var attentionCount: Int {
        steps.reduce(0) { count, step in
            switch graph.nodes[step.node].operation {
            case .attention, .attentionGradient: count + 1
            default: count
            }
        }
    }
}
