import Testing

@testable import Checkpoints

@Suite("Storage types")
struct StorageTypeTests {
    @Test("Bytes of a number of elements are whole blocks, and nil where they overflow")
    func byteCounts() {
        #expect(StorageType.q4_1.byteCount(elements: 96) == 60)
        #expect(StorageType.q6_K.byteCount(elements: 512) == 420)
        #expect(StorageType.bf16.byteCount(elements: 0) == 0)
        #expect(StorageType.q4_1.byteCount(elements: 33) == nil)
        #expect(StorageType.f32.byteCount(elements: -4) == nil)
        #expect(StorageType.f64.byteCount(elements: Int.max / 8 + 1) == nil)
        #expect(StorageType.f64.byteCount(elements: Int.max / 8) == Int.max - 7)
    }

    @Test("A shape's size is nil where it overflows, also beside a zero dimension")
    func elementCounts() {
        #expect(elementCount(of: []) == 1)
        #expect(elementCount(of: [3, 0, 5]) == 0)
        #expect(elementCount(of: [3, -1]) == nil)
        #expect(elementCount(of: [1 << 32, 1 << 31]) == nil)
        #expect(elementCount(of: [1 << 32, 1 << 31, 0]) == nil)
    }
}
