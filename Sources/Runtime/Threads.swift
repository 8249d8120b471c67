import CKernels

/// The pool of threads that all kernels share.
public enum Threads {
    /// Sets how many threads work on a kernel, the calling one included; 0 asks for the default, which is the
    /// environment's `REFT_THREADS`, else the processors this process may use.
    public static func configure(_ count: Int) { ck_set_threads(Int32(clamping: count)) }

    /// How many threads work on a kernel.
    public static var count: Int { Int(ck_threads()) }

    /// Cuts `0 ..< count` into ranges of at least `grain` and calls `body` with each, on several threads.
    public static func forEachRange(of count: Int, grain: Int, _ body: @Sendable (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { escapable in
            let box = RangeBody(body: escapable)
            withExtendedLifetime(box) {
                ck_parallel_ranges(
                    Int64(count), Int64(grain),
                    { begin, end, context in
                        guard let context else { return }
                        Unmanaged<RangeBody>.fromOpaque(context).takeUnretainedValue().body(Int(begin)..<Int(end))
                    }, Unmanaged.passUnretained(box).toOpaque())
            }
        }
    }
}

private final class RangeBody: Sendable {
    let body: @Sendable (Range<Int>) -> Void
    init(body: @escaping @Sendable (Range<Int>) -> Void) { self.body = body }
}
