/// Token strings as flat bytes with a hash from bytes to id: no `String` per token, look-up by a range of the text.
///
/// Immutable once `finish` was called, so it is shared freely.
struct TokenVocabulary: Sendable {
    /// All token strings one after another, in order of insertion.
    private(set) var bytes: [UInt8] = []
    /// Where each id's string lies in `bytes`; length −1 for ids that have none.
    private var places: [(start: Int32, length: Int32)] = []
    /// Open addressing: the upper half of a hash above an id, −1 where free.
    private var slots: [Int64] = []
    private var mask = 0
    /// The longest token in bytes.
    private(set) var longest = 0

    /// One more than the largest id.
    var count: Int { places.count }
    /// Ids above this are taken for damage.
    static let largestID = 1 << 24

    /// Gives `id` a string. False when the id is out of range.
    mutating func set(_ id: Int, _ token: some Collection<UInt8>) -> Bool {
        guard id >= 0, id <= Self.largestID, bytes.count + token.count <= Int(Int32.max) else { return false }
        if id >= places.count {
            places.append(contentsOf: repeatElement((start: 0, length: -1), count: id + 1 - places.count))
        }
        places[id] = (Int32(bytes.count), Int32(token.count))
        bytes.append(contentsOf: token)
        longest = max(longest, token.count)
        return true
    }

    /// Builds the hash; where two ids share a string, the larger one is found.
    mutating func finish() {
        var capacity = 16
        while capacity < places.count * 2 { capacity *= 2 }
        mask = capacity - 1
        slots = [Int64](repeating: -1, count: capacity)
        bytes.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return }
            for (id, place) in places.enumerated() where place.length >= 0 {
                let token = base + Int(place.start)
                let hash = hashBytes(token, Int(place.length))
                var slot = Int(truncatingIfNeeded: hash) & mask
                while slots[slot] >= 0, !holds(slots[slot], hash, token, Int(place.length), base) {
                    slot = (slot + 1) & mask
                }
                slots[slot] = Self.tag(hash) | Int64(id)
            }
        }
    }

    /// The string of an id, nil when it has none.
    func token(_ id: Int) -> ArraySlice<UInt8>? {
        guard id >= 0, id < places.count, places[id].length >= 0 else { return nil }
        return bytes[Int(places[id].start)..<Int(places[id].start) + Int(places[id].length)]
    }

    /// The id of the `length` bytes at `token`, −1 when there is none.
    func id(_ token: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
        if length > longest || slots.isEmpty { return -1 }
        return bytes.withUnsafeBufferPointer { text in
            slots.withUnsafeBufferPointer { slots in
                guard let base = text.baseAddress else { return -1 }
                let hash = hashBytes(token, length)
                var slot = Int(truncatingIfNeeded: hash) & mask
                while slots[slot] >= 0 {
                    if holds(slots[slot], hash, token, length, base) {
                        return Int32(truncatingIfNeeded: slots[slot])
                    }
                    slot = (slot + 1) & mask
                }
                return -1
            }
        }
    }

    /// The id of a byte sequence.
    func id(_ token: some Collection<UInt8>) -> Int32? {
        let found = Array(token).withUnsafeBufferPointer { buffer -> Int32 in
            buffer.baseAddress.map { self.id($0, buffer.count) } ?? -1
        }
        return found < 0 ? nil : found
    }

    private static func tag(_ hash: UInt64) -> Int64 { Int64(hash >> 33) << 32 }

    @inline(__always)
    private func holds(
        _ slot: Int64, _ hash: UInt64, _ token: UnsafePointer<UInt8>, _ length: Int, _ base: UnsafePointer<UInt8>
    ) -> Bool {
        guard slot & ~0xFFFF_FFFF == Self.tag(hash) else { return false }
        let place = places[Int(slot & 0xFFFF_FFFF)]
        guard Int(place.length) == length else { return false }
        let other = base + Int(place.start)
        for i in 0..<length where other[i] != token[i] { return false }
        return true
    }
}

/// A multiplicative hash, eight bytes at a time.
@inline(__always)
func hashBytes(_ text: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index + 8 <= count {
        hash = mix(hash ^ UnsafeRawPointer(text + index).loadUnaligned(as: UInt64.self))
        index += 8
    }
    var rest: UInt64 = 0
    while index < count {
        rest = rest << 8 | UInt64(text[index])
        index += 1
    }
    return mix(hash ^ rest)
}

@inline(__always)
func mix(_ value: UInt64) -> UInt64 {
    var value = value &* 0xD6E8_FEB8_6659_FD93
    value ^= value >> 32
    value = value &* 0xD6E8_FEB8_6659_FD93
    return value ^ value >> 32
}
