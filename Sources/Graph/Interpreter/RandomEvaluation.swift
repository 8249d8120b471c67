import Foundation

extension NodeEvaluation {
    /// Element i, row after row, is number i of the stream; see ``PhiloxStream``.
    func random(_ attributes: RandomAttributes) -> Matrix64 {
        let seed = inputs[0].indices.first ?? 0
        let stream = PhiloxStream(seed: UInt64(UInt32(bitPattern: seed)), stream: UInt64(attributes.stream))
        var y = zeros()
        for i in y.values.indices {
            switch attributes.distribution {
            case .uniform: y.values[i] = stream.uniform(UInt64(i))
            case .normal: y.values[i] = stream.normal(UInt64(i))
            case .dropoutMask(let keep): y.values[i] = stream.uniform(UInt64(i)) < 1 - keep ? 0 : 1 / keep
            }
        }
        return y
    }
}

/// Numbers from a counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
///
/// The key is the seed (low word, high word); the counter is ⌊i/4⌋ (low, high) and the stream (low, high); number i is
/// word i mod 4 of that block.
public struct PhiloxStream: Sendable {
    public var seed: UInt64
    public var stream: UInt64

    /// The stream of a seed.
    public init(seed: UInt64, stream: UInt64) {
        self.seed = seed
        self.stream = stream
    }

    /// Number i as 32 bits.
    func bits(_ i: UInt64) -> UInt32 {
        let block = philox4x32(
            counter: words(i / 4) + words(stream), key: words(seed))
        return block[Int(i % 4)]
    }

    /// (bits >> 8) · 2⁻²⁴, in [0, 1).
    public func uniform(_ i: UInt64) -> Double { Double(bits(i) >> 8) * 0x1p-24 }

    /// Box–Muller on the pair that i belongs to: ρ = √(−2 ln((a + 1)·2⁻³²)), φ = 2π·b·2⁻³², ρ·cos φ for the even one of
    /// the pair and ρ·sin φ for the odd one.
    func normal(_ i: UInt64) -> Double {
        let (a, b) = (bits(i & ~1), bits(i | 1))
        let radius = (-2 * log((Double(a) + 1) * 0x1p-32)).squareRoot()
        let angle = 2 * Double.pi * Double(b) * 0x1p-32
        return radius * (i % 2 == 0 ? cos(angle) : sin(angle))
    }

    private func words(_ number: UInt64) -> [UInt32] {
        [UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32)]
    }
}

/// The ten-round Philox4x32 block of a counter of four words under a key of two.
func philox4x32(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
        let first = UInt64(0xD251_1F53) * UInt64(c[0])
        let second = UInt64(0xCD9E_8D57) * UInt64(c[2])
        c = [
            UInt32(second >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: second),
            UInt32(first >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: first),
        ]
        k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
    }
    return c
}
