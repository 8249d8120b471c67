import Testing

/// A matrix with a gap after each row that holds NaN: a kernel that reads or writes past a row shows.
struct Matrix {
    var rows: Int
    var cols: Int
    var stride: Int
    var storage: [Float]

    init(_ rows: Int, _ cols: Int, gap: Int = 0, _ value: Float = 0) {
        self.rows = rows
        self.cols = cols
        stride = cols + gap
        storage = [Float](repeating: .nan, count: rows * (cols + gap))
        for r in 0..<rows { for c in 0..<cols { self[r, c] = value } }
    }

    init(
        _ rows: Int, _ cols: Int, gap: Int = 0, from generator: inout TestNumbers, _ range: ClosedRange<Float> = -2...2
    ) {
        self.init(rows, cols, gap: gap)
        for r in 0..<rows { for c in 0..<cols { self[r, c] = generator.next(in: range) } }
    }

    subscript(_ r: Int, _ c: Int) -> Float {
        get { storage[r * stride + c] }
        set { storage[r * stride + c] = newValue }
    }

    func value(_ r: Int, _ c: Int) -> Double { Double(self[r, c]) }

    func row(_ r: Int) -> [Double] { (0..<cols).map { value(r, $0) } }

    var ld: Int64 { Int64(stride) }
    var gapIsUntouched: Bool {
        (0..<rows).allSatisfy { r in (cols..<stride).allSatisfy { storage[r * stride + $0].isNaN } }
    }
}

/// A small linear congruential generator: the tests' inputs do not depend on the kernels under test.
struct TestNumbers {
    var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func bits() -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 33)
    }

    mutating func next(in range: ClosedRange<Float>) -> Float {
        range.lowerBound + (range.upperBound - range.lowerBound) * Float(bits() & 0xFFFFFF) / Float(0xFFFFFF)
    }

    mutating func below(_ limit: Int) -> Int { Int(bits()) % limit }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -2...2) -> [Float] {
        (0..<count).map { _ in next(in: range) }
    }
}

/// Every element within `tolerance` of the expected value, relative to the largest expected magnitude or 1 if that is larger.
func expectClose(
    _ actual: Matrix, _ tolerance: Double, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ expected: (Int, Int) -> Double
) {
    var scale = 1.0
    var worst = (error: 0.0, r: 0, c: 0, wanted: 0.0)
    for r in 0..<actual.rows {
        for c in 0..<actual.cols {
            let wanted = expected(r, c)
            scale = max(scale, abs(wanted))
            let error = abs(actual.value(r, c) - wanted)
            if !(error <= worst.error) { worst = (error.isNaN ? .infinity : error, r, c, wanted) }
        }
    }
    #expect(
        worst.error <= tolerance * scale,
        "\(what): [\(worst.r), \(worst.c)] is \(worst.error == 0 ? 0 : actual[worst.r, worst.c]), expected \(worst.wanted)",
        sourceLocation: sourceLocation)
    #expect(actual.gapIsUntouched, "\(what): wrote between rows", sourceLocation: sourceLocation)
}

func expectClose(
    _ actual: [Float], _ tolerance: Double, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ expected: (Int) -> Double
) {
    var matrix = Matrix(1, actual.count)
    matrix.storage = actual
    expectClose(matrix, tolerance, what, sourceLocation: sourceLocation) { _, c in expected(c) }
}
