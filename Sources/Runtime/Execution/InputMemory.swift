/// An executor's own copy of one input. It grows and is kept.
final class InputMemory {
    private(set) var address: UnsafeMutableRawPointer
    private var capacity: Int
    /// Indices once more as 64-bit numbers, which attention wants its offsets in.
    private(set) var wide: UnsafeMutablePointer<Int64>?
    let isOffsets: Bool
    private(set) var count = 0

    init(isOffsets: Bool) {
        self.isOffsets = isOffsets
        capacity = 64
        address = .allocate(byteCount: capacity, alignment: 64)
        if isOffsets { wide = .allocate(capacity: capacity / 4) }
    }

    deinit {
        address.deallocate()
        wide?.deallocate()
    }

    var indices: UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(start: address.assumingMemoryBound(to: Int32.self), count: count)
    }

    /// Changes one index; not of offsets.
    func set(_ place: Int, _ index: Int32) {
        address.assumingMemoryBound(to: Int32.self)[place] = index
    }

    func copy(_ numbers: [Float]) {
        reserve(numbers.count)
        numbers.withUnsafeBytes { if let base = $0.baseAddress { address.copyMemory(from: base, byteCount: $0.count) } }
    }

    func copy(_ indices: [Int32]) {
        reserve(indices.count)
        indices.withUnsafeBytes { if let base = $0.baseAddress { address.copyMemory(from: base, byteCount: $0.count) } }
        if let wide { for (place, index) in indices.enumerated() { wide[place] = Int64(index) } }
    }

    /// Indices and numbers both take four bytes.
    private func reserve(_ count: Int) {
        self.count = count
        guard count * 4 > capacity else { return }
        address.deallocate()
        wide?.deallocate()
        capacity = max(count * 4, 2 * capacity)
        address = .allocate(byteCount: capacity, alignment: 64)
        if isOffsets { wide = .allocate(capacity: capacity / 4) }
    }
}
