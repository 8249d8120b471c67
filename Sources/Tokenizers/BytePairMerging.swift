/// Working memory of byte-pair merging: one word's symbols as a linked list, and the queue of possible merges.
///
/// Merges happen in order of rank, then from the left; a short word is scanned for the lowest rank, a long one uses a heap.
struct BytePairMerging {
    /// Token of each symbol; −1 where a merge has swallowed it.
    var ids: [Int32] = []
    /// Length of each symbol in bytes.
    var lengths: [Int32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var merges: [UInt64] = []
    private var heap: [(key: UInt64, merge: UInt64)] = []
    private static let scanLimit = 48

    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    mutating func append(_ id: Int32, length: Int) {
        ids.append(id)
        lengths.append(Int32(truncatingIfNeeded: length))
    }

    /// Applies all merges; afterwards `ids` and `lengths` hold only the resulting tokens.
    mutating func merge(_ table: MergeTable) {
        if ids.count < 2 { return }
        if ids.count <= Self.scanLimit { mergeByScanning(table) } else { mergeByHeap(table) }
    }

    private mutating func mergeByScanning(_ table: MergeTable) {
        var count = ids.count
        merges.removeAll(keepingCapacity: true)
        for i in 0..<count - 1 { merges.append(table.find(ids[i], ids[i + 1])) }
        ids.withUnsafeMutableBufferPointer { ids in
            lengths.withUnsafeMutableBufferPointer { lengths in
                merges.withUnsafeMutableBufferPointer { merges in
                    while count > 1 {
                        var best = UInt64.max
                        var at = 0
                        for i in 0..<count - 1 where merges[i] >> 32 < best >> 32 {
                            best = merges[i]
                            at = i
                        }
                        if best == .max { break }
                        ids[at] = Int32(truncatingIfNeeded: best)
                        lengths[at] += lengths[at + 1]
                        var i = at + 1
                        while i < count - 1 {
                            ids[i] = ids[i + 1]
                            lengths[i] = lengths[i + 1]
                            merges[i - 1] = merges[i]
                            i += 1
                        }
                        count -= 1
                        if at > 0 { merges[at - 1] = table.find(ids[at - 1], ids[at]) }
                        if at + 1 < count { merges[at] = table.find(ids[at], ids[at + 1]) }
                    }
                }
            }
        }
        ids.removeLast(ids.count - count)
        lengths.removeLast(lengths.count - count)
    }

    private mutating func mergeByHeap(_ table: MergeTable) {
        let count = ids.count
        next = (0..<count).map { $0 + 1 < count ? Int32($0 + 1) : -1 }
        previous = (0..<count).map { Int32($0 - 1) }
        heap.removeAll(keepingCapacity: true)
        for i in 0..<count - 1 { push(i, i + 1, table) }
        while let (key, merge) = popLowest() {
            let left = Int(key & 0xFFFF_FFFF)
            guard ids[left] >= 0, next[left] >= 0 else { continue }
            let right = Int(next[left])
            // The pair at this place may have changed since it was queued.
            guard table.find(ids[left], ids[right]) == merge else { continue }
            ids[left] = Int32(truncatingIfNeeded: merge)
            lengths[left] += lengths[right]
            ids[right] = -1
            next[left] = next[right]
            if next[right] >= 0 { previous[Int(next[right])] = Int32(left) }
            if previous[left] >= 0 { push(Int(previous[left]), left, table) }
            if next[left] >= 0 { push(left, Int(next[left]), table) }
        }
        var kept = 0
        for i in 0..<count where ids[i] >= 0 {
            ids[kept] = ids[i]
            lengths[kept] = lengths[i]
            kept += 1
        }
        ids.removeLast(count - kept)
        lengths.removeLast(count - kept)
    }

    private mutating func push(_ left: Int, _ right: Int, _ table: MergeTable) {
        let merge = table.find(ids[left], ids[right])
        if merge == .max { return }
        heap.append((merge & ~0xFFFF_FFFF | UInt64(left), merge))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].key <= heap[child].key { break }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func popLowest() -> (key: UInt64, merge: UInt64)? {
        guard let lowest = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return lowest }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= heap.count { break }
            if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
            if heap[parent].key <= heap[child].key { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return lowest
    }
}
