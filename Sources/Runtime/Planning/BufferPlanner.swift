/// Decides where values lie: memory that is shared by values whose lives do not overlap.
///
/// A *storage* is the numbers of one value and of every value that is a view of it or was computed in its place. It
/// lives from the step that makes it to the one that reads it last. Storages of the same symbols share memory, whatever
/// their number of columns: sizes are linear in the symbols, so what fits in one batch fits in all. Where they go is
/// decided by ``finish()``, when all lives are known.
struct BufferPlanner {
    /// The pieces of memory. Known after ``finish()``.
    private(set) var slots: [BufferSlot] = []
    /// Where each storage lies. Known after ``finish()``.
    private(set) var places: [BufferPlace] = []
    private var storages: [Storage] = []
    /// The step that is being placed.
    private var step = 0
    /// False gives every value memory of its own: the reference for tests of reuse.
    let reusesSlots: Bool

    private struct Storage {
        var kind: Kind
        var coefficient: Int
        var pendingUses: Int
        var life: ClosedRange<Int>
    }

    /// Storages of one kind share memory.
    private struct Kind: Hashable {
        var rows: Int
        var columns: Int
        /// Whether sizes are whole cache lines, so that one can begin anywhere in the memory of several others.
        var isAligned: Bool
    }

    init(reusesSlots: Bool) { self.reusesSlots = reusesSlots }

    /// Makes room for so many storages.
    mutating func reserve(_ count: Int) { storages.reserveCapacity(count) }

    /// From now on values belong to the next step.
    mutating func nextStep() { step += 1 }

    /// A new storage for a matrix, which will be used `uses` times.
    mutating func allocate(rows: PlannedDimension, columns: PlannedDimension, uses: Int) -> Int {
        var coefficient = (rows.symbol < 0 ? rows.fixed : 1) * (columns.symbol < 0 ? columns.fixed : 1)
        if rows.symbol < 0, columns.symbol < 0 { coefficient = BufferArena.roundedCount(coefficient) }
        let kind = Kind(
            rows: rows.symbol, columns: columns.symbol,
            isAligned: coefficient == BufferArena.roundedCount(coefficient))
        // Without a use to come it lives to the end: outputs have one that is never over.
        storages.append(Storage(kind: kind, coefficient: coefficient, pendingUses: uses, life: step...Int.max))
        return storages.count - 1
    }

    /// How many uses of the storage are still to come.
    func pendingUses(of storage: Int) -> Int { storages[storage].pendingUses }

    /// Another value lives in the storage and will be used `uses` times.
    mutating func addUses(_ uses: Int, to storage: Int) { storages[storage].pendingUses += uses }

    /// One use is over.
    mutating func consume(_ storage: Int) {
        storages[storage].pendingUses -= 1
        if storages[storage].pendingUses == 0 { storages[storage].life = storages[storage].life.lowerBound...step }
    }

    /// Gives every storage its place.
    mutating func finish() {
        places = Array(repeating: BufferPlace(slot: 0, offset: 0), count: storages.count)
        // There are few kinds.
        var kinds: [Kind] = []
        var members: [[Int]] = []
        for number in storages.indices {
            let kind = storages[number].kind
            if let place = kinds.firstIndex(of: kind) {
                members[place].append(number)
            } else {
                kinds.append(kind)
                members.append([number])
            }
        }
        for (kind, numbers) in zip(kinds, members) {
            if !reusesSlots {
                for number in numbers { places[number].slot = newSlot(kind, storages[number].coefficient) }
            } else if kind.isAligned {
                pack(numbers, kind)
            } else {
                share(numbers, kind)
            }
        }
    }

    private mutating func newSlot(_ kind: Kind, _ coefficient: Int) -> Int {
        slots.append(BufferSlot(rowSymbol: kind.rows, columnSymbol: kind.columns, coefficient: coefficient))
        return slots.count - 1
    }

    /// All in one piece of memory, each at an offset of its own.
    private mutating func pack(_ numbers: [Int], _ kind: Kind) {
        let packing = IntervalPacking(numbers.map { (storages[$0].life, storages[$0].coefficient) })
        let slot = newSlot(kind, packing.total)
        for (number, offset) in zip(numbers, packing.offsets) {
            places[number] = BufferPlace(slot: slot, offset: offset)
        }
    }

    /// One after another in pieces as large as the largest that lies in them: the smallest free one that is large enough,
    /// else the largest free one grows, which costs less than a new one.
    private mutating func share(_ numbers: [Int], _ kind: Kind) {
        var free: [Int] = []
        var occupied: [(end: Int, slot: Int)] = []
        for number in numbers {
            let storage = storages[number]
            free += occupied.filter { $0.end < storage.life.lowerBound }.map(\.slot)
            occupied.removeAll { $0.end < storage.life.lowerBound }
            let sizes = free.map { slots[$0].coefficient }
            let fitting = free.indices.filter { sizes[$0] >= storage.coefficient }
            let place =
                fitting.min { (sizes[$0], $0) < (sizes[$1], $1) }
                ?? free.indices.max { (sizes[$0], $0) < (sizes[$1], $1) }
            let slot: Int
            if let place {
                slot = free.remove(at: place)
                slots[slot].coefficient = max(slots[slot].coefficient, storage.coefficient)
            } else {
                slot = newSlot(kind, storage.coefficient)
            }
            places[number].slot = slot
            occupied.append((storage.life.upperBound, slot))
        }
    }
}
