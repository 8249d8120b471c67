/// From a pair of adjacent token ids to the rank of their merge and the id that it gives.
struct MergeTable: Sendable {
    private var keys: [UInt64]
    private var values: [UInt64]
    private var mask: Int
    private static let free = UInt64.max

    init(capacity count: Int) {
        var capacity = 16
        while capacity < count + count / 2 { capacity *= 2 }
        keys = [UInt64](repeating: Self.free, count: capacity)
        values = [UInt64](repeating: .max, count: capacity)
        mask = capacity - 1
    }

    /// Sets a merge; a pair given twice keeps the later rank, as a map filled in order does.
    mutating func set(_ left: Int32, _ right: Int32, rank: Int, merged: Int32) {
        let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
        var slot = Int(truncatingIfNeeded: mix(key)) & mask
        while keys[slot] != Self.free, keys[slot] != key { slot = (slot + 1) & mask }
        keys[slot] = key
        values[slot] = UInt64(UInt32(rank)) << 32 | UInt64(UInt32(bitPattern: merged))
    }

    /// Rank in the upper, merged id in the lower half; all ones when the pair does not merge.
    @inline(__always)
    func find(_ left: Int32, _ right: Int32) -> UInt64 {
        let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
        return keys.withUnsafeBufferPointer { keys in
            var slot = Int(truncatingIfNeeded: mix(key)) & mask
            while true {
                if keys[slot] == key { return values[slot] }
                if keys[slot] == Self.free { return .max }
                slot = (slot + 1) & mask
            }
        }
    }
}
