/// Words already tokenized, direct-mapped: words of at most 15 bytes that gave at most three tokens.
///
/// A final class, because an encoding borrows one from its tokenizer and gives it back; nobody else holds it meanwhile.
final class WordCache: @unchecked Sendable {
    struct Key: Equatable {
        var low: UInt64
        var high: UInt64
    }

    private struct Slot {
        var key = Key(low: 0, high: 0)
        var ids: (Int32, Int32, Int32) = (0, 0, 0)
        var count: Int32 = 0
    }

    static let longestWord = 15
    private static let size = 1 << 16
    private let slots = UnsafeMutablePointer<Slot>.allocate(capacity: WordCache.size)

    init() {
        slots.initialize(repeating: Slot(), count: Self.size)
    }

    deinit {
        slots.deallocate()
    }

    /// The bytes of a word and its length, packed. `readable` bytes follow the start of the word.
    @inline(__always)
    static func key(_ word: UnsafePointer<UInt8>, _ length: Int, readable: Int) -> Key {
        var low: UInt64 = 0
        var high: UInt64 = 0
        if readable >= 16 {
            low = UnsafeRawPointer(word).loadUnaligned(as: UInt64.self).littleEndian
            high = UnsafeRawPointer(word + 8).loadUnaligned(as: UInt64.self).littleEndian
            if length < 8 {
                low &= (1 << UInt64(8 * length)) &- 1
                high = 0
            } else {
                high &= (1 << UInt64(8 * (length - 8))) &- 1
            }
        } else {
            for i in 0..<min(length, 8) { low |= UInt64(word[i]) << UInt64(8 * i) }
            for i in 8..<max(length, 8) { high |= UInt64(word[i]) << UInt64(8 * (i - 8)) }
        }
        return Key(low: low, high: high | UInt64(length) << 56)
    }

    /// Appends the tokens of a cached word; false when it is not there.
    @inline(__always)
    func append(_ key: Key, to ids: inout [Int32]) -> Bool {
        let slot = slots[Self.index(key)]
        guard slot.key == key else { return false }
        ids.append(slot.ids.0)
        if slot.count > 1 { ids.append(slot.ids.1) }
        if slot.count > 2 { ids.append(slot.ids.2) }
        return true
    }

    func store(_ key: Key, _ ids: ArraySlice<Int32>) {
        guard let first = ids.first, ids.count <= 3 else { return }
        var slot = Slot(key: key, ids: (first, 0, 0), count: Int32(ids.count))
        if ids.count > 1 { slot.ids.1 = ids[ids.startIndex + 1] }
        if ids.count > 2 { slot.ids.2 = ids[ids.startIndex + 2] }
        slots[Self.index(key)] = slot
    }

    @inline(__always)
    private static func index(_ key: Key) -> Int {
        Int(truncatingIfNeeded: mix(key.low ^ key.high &* 0x9E37_79B9_7F4A_7C15) >> 20) & (size - 1)
    }
}
