@testable import Graph

/// Reproducible numbers for tests (SplitMix64, Steele et al. 2014).
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// In the range.
    mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(next() >> 11) * 0x1p-53
    }

    /// One of 0..<count.
    mutating func index(below count: Int) -> Int { Int(next() % UInt64(count)) }

    mutating func matrix(_ rows: Int, _ columns: Int, in range: ClosedRange<Double>) -> Matrix64 {
        Matrix64(rows: rows, columns: columns, values: (0..<rows * columns).map { _ in number(in: range) })
    }
}
