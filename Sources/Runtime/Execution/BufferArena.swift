/// One block of memory that holds all buffers of an executor. It only grows.
struct BufferArena: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Float>
    private var capacity: Int

    /// Buffers begin on cache lines.
    static let alignment = 64

    init() {
        capacity = 16
        base = Self.allocate(capacity)
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }

    /// A buffer's share of the arena: whole cache lines.
    static func roundedCount(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    /// Makes room; the content is lost when it has to grow.
    mutating func reserve(_ count: Int) {
        guard count > capacity else { return }
        UnsafeMutableRawPointer(base).deallocate()
        capacity = count
        base = Self.allocate(count)
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer
            .allocate(byteCount: count * MemoryLayout<Float>.size, alignment: alignment)
            .bindMemory(to: Float.self, capacity: count)
    }
}
