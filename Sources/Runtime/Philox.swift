import CKernels
import Foundation

/// Random numbers from a counter, the same as the kernels draw: Philox4x32-10 (Salmon et al. 2011).
///
/// Number i of a stream is a function of seed, stream and i alone, so that the whole state is three numbers.
///
/// ```swift
/// var random = Philox(seed: 7, stream: Philox.stream(named: "shuffle"))
/// let order = (0..<10).shuffled(using: &random)
/// ```
public struct Philox: RandomNumberGenerator, Hashable, Sendable, Codable {
    /// The key that all streams of one run share.
    public let seed: UInt64
    /// Which of the seed's streams.
    public let stream: UInt64
    /// How many 32-bit numbers have been drawn.
    public private(set) var counter: UInt64

    /// The stream from its beginning, or from where `counter` says.
    public init(seed: UInt64, stream: UInt64 = 0, counter: UInt64 = 0) {
        self.seed = seed
        self.stream = stream
        self.counter = counter
    }

    /// A stream number for a name (FNV-1a), so that what one name draws does not depend on other names.
    public static func stream(named name: String) -> UInt64 {
        name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// The next 32 bits.
    public mutating func nextBits() -> UInt32 {
        var bits: UInt32 = 0
        ck_random_bits(seed, stream, counter, 1, &bits)
        counter &+= 1
        return bits
    }

    /// The next 64 bits: two numbers of the stream, the first one low.
    public mutating func next() -> UInt64 {
        let low = nextBits()
        return UInt64(nextBits()) << 32 | UInt64(low)
    }

    /// The next number in [0, 1), with 24 random bits.
    public mutating func nextUniform() -> Float { Float(nextBits() >> 8) * 0x1p-24 }

    /// The next `count` numbers in [0, 1), with 24 random bits each.
    public mutating func uniforms(_ count: Int) -> [Float] { draw(count, ck_random_uniform) }

    /// The next `count` standard normal numbers. Begins at an even number of the stream, as they come in pairs.
    public mutating func normals(_ count: Int) -> [Float] {
        counter &+= counter % 2
        return draw(count, ck_random_normal)
    }

    private mutating func draw(
        _ count: Int, _ kernel: (UInt64, UInt64, UInt64, Int64, UnsafeMutablePointer<Float>?) -> Void
    ) -> [Float] {
        let numbers = [Float](unsafeUninitializedCapacity: max(0, count)) { buffer, initialised in
            if count > 0 { kernel(seed, stream, counter, Int64(count), buffer.baseAddress) }
            initialised = max(0, count)
        }
        counter &+= UInt64(max(0, count))
        return numbers
    }
}
