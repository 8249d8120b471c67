/// Hands out buffers to values in the order of the schedule and takes them back when their last use is over.
///
/// A *storage* is the numbers of one value and of every value that is a view of it or was computed in its place. It
/// holds one slot until its pending uses are zero. Slots are shared between storages of the same symbols, whatever
/// their number of columns: sizes are linear in the symbols, so a slot that fits in one batch fits in all.
struct BufferPlanner {
    private(set) var slots: [BufferSlot] = []
    private var storages: [Storage] = []
    /// Free slots of each pair of symbols, the smallest first.
    private var free: [SymbolPair: [Int]] = [:]
    /// False gives every value a slot of its own: the reference for tests of reuse.
    let reusesSlots: Bool

    private struct Storage {
        var slot: Int
        var pendingUses: Int
    }

    private struct SymbolPair: Hashable {
        var rows: Int
        var columns: Int
    }

    init(reusesSlots: Bool) { self.reusesSlots = reusesSlots }

    /// A new storage for a matrix, which will be used `uses` times.
    mutating func allocate(rows: PlannedDimension, columns: PlannedDimension, uses: Int) -> Int {
        let pair = SymbolPair(rows: rows.symbol, columns: columns.symbol)
        let coefficient = (rows.symbol < 0 ? rows.fixed : 1) * (columns.symbol < 0 ? columns.fixed : 1)
        storages.append(Storage(slot: slot(pair, coefficient), pendingUses: uses))
        return storages.count - 1
    }

    /// The slot of a storage.
    func slot(of storage: Int) -> Int { storages[storage].slot }

    /// How many uses of the storage are still to come.
    func pendingUses(of storage: Int) -> Int { storages[storage].pendingUses }

    /// Another value lives in the storage and will be used `uses` times.
    mutating func addUses(_ uses: Int, to storage: Int) { storages[storage].pendingUses += uses }

    /// One use is over.
    mutating func consume(_ storage: Int) {
        storages[storage].pendingUses -= 1
        if storages[storage].pendingUses == 0 { release(storages[storage].slot) }
    }

    private mutating func slot(_ pair: SymbolPair, _ coefficient: Int) -> Int {
        // The smallest free slot that is large enough; else the largest one grows, which costs less than a new one.
        if var candidates = free[pair], !candidates.isEmpty {
            let place = min(firstPlace(in: candidates, atLeast: coefficient), candidates.count - 1)
            let slot = candidates.remove(at: place)
            free[pair] = candidates
            slots[slot].coefficient = max(slots[slot].coefficient, coefficient)
            return slot
        }
        slots.append(BufferSlot(rowSymbol: pair.rows, columnSymbol: pair.columns, coefficient: coefficient))
        return slots.count - 1
    }

    private mutating func release(_ slot: Int) {
        guard reusesSlots else { return }
        let pair = SymbolPair(rows: slots[slot].rowSymbol, columns: slots[slot].columnSymbol)
        let place = firstPlace(in: free[pair, default: []], atLeast: slots[slot].coefficient)
        free[pair, default: []].insert(slot, at: place)
    }

    private func firstPlace(in sorted: [Int], atLeast coefficient: Int) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if slots[sorted[middle]].coefficient < coefficient { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
