/// A matrix as a kernel gets it. `address` is nil for a result that nobody reads.
struct Operand {
    /// f32, or the stored type where the step's kernel says so; int32 for indices.
    var address: UnsafeMutableRawPointer?
    var rows = 0
    var columns = 0
    /// Elements from one row to the next.
    var stride = 0

    /// As f32. Only for operands that have an address.
    var floats: UnsafeMutablePointer<Float> {
        address.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    }

    /// As f32, nil where nobody reads the result.
    var optionalFloats: UnsafeMutablePointer<Float>? { address?.assumingMemoryBound(to: Float.self) }

    /// As indices.
    var indices: UnsafeMutablePointer<Int32> {
        address.unsafelyUnwrapped.assumingMemoryBound(to: Int32.self)
    }

    var rows64: Int64 { Int64(rows) }
    var columns64: Int64 { Int64(columns) }
    var stride64: Int64 { Int64(stride) }
}
