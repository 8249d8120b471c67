/// A run of immutable bytes together with the object that keeps them alive.
///
/// Unchecked because of the pointer: the bytes never change, and `owner` frees them only when no region is left.
struct ByteRegion: @unchecked Sendable {
    private let owner: AnyObject
    private let start: UnsafeRawPointer
    let count: Int

    /// A region of `count` readable bytes at `start`, valid as long as `owner` lives.
    init(owner: AnyObject, start: UnsafeRawPointer, count: Int) {
        self.owner = owner
        self.start = start
        self.count = count
    }

    /// A region that owns a copy of `bytes`.
    init(copying bytes: UnsafeRawBufferPointer) {
        let owner = OwnedBytes(count: bytes.count)
        owner.buffer.copyMemory(from: bytes)
        self.init(owner: owner, start: UnsafeRawPointer(owner.start), count: bytes.count)
    }

    /// A region of `count` new bytes that `fill` writes.
    init<E: Error>(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
        let owner = OwnedBytes(count: count)
        try fill(owner.buffer)
        self.init(owner: owner, start: UnsafeRawPointer(owner.start), count: count)
    }

    /// The part of the region in `range`, or nil where the range leaves it.
    func slice(_ range: Range<Int>) -> ByteRegion? {
        guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
        return ByteRegion(owner: owner, start: start + range.lowerBound, count: range.count)
    }

    func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        defer { withExtendedLifetime(owner) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// Heap memory for one region, zeroed, aligned for any vector load.
private final class OwnedBytes {
    let start: UnsafeMutableRawPointer
    let buffer: UnsafeMutableRawBufferPointer

    init(count: Int) {
        start = .allocate(byteCount: max(count, 1), alignment: 64)
        start.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 1))
        buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    deinit { start.deallocate() }
}
