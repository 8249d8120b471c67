import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct RandomTests {
        /// Philox4x32-10 by its definition, one round after another.
        static func philox(_ start: [UInt32], key: [UInt32]) -> [UInt32] {
            var c = start
            var k = key
            for _ in 0..<10 {
                let first = c[0].multipliedFullWidth(by: 0xD251_1F53)
                let second = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
                c = [second.high ^ c[1] ^ k[0], second.low, first.high ^ c[3] ^ k[1], first.low]
                k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
            }
            return c
        }

        @Test func bitsArePhiloxOfSeedStreamAndIndex() {
            // Known answers of Random123 (kat_vectors).
            #expect(Self.philox([0, 0, 0, 0], key: [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
            #expect(
                Self.philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], key: [0xa409_3822, 0x299f_31d0])
                    == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
            for first: UInt64 in [0, 8, 4 << 32, (0x5a3_08d3 << 32 | 0x243f_6a88) * 4] {
                var words = [UInt32](repeating: 0, count: 6)
                ck_random_bits(0x299f_31d0_a409_3822, 0x0370_7344_1319_8a2e, first + 1, 6, &words)
                let blocks = [first / 4, first / 4 + 1].map {
                    Self.philox(
                        [UInt32(truncatingIfNeeded: $0), UInt32($0 >> 32), 0x1319_8a2e, 0x0370_7344],
                        key: [0xa409_3822, 0x299f_31d0])
                }
                #expect(words == Array(blocks.joined().dropFirst().prefix(6)))
            }
        }

        @Test func uniformNormalAndMaskFollowFromTheBits() {
            for (first, n) in [(UInt64(0), 9), (3, 14), (4_294_967_295 * 4 + 1, 11), (2, 20_000)] {
                let start = first / 4 * 4
                let seed: UInt64 = 0x1234_5678_9abc_def0
                let stream: UInt64 = 0xfeed_0000_0007
                var bits = [UInt32](repeating: 0, count: n + 8)
                ck_random_bits(seed, stream, start, Int64(n + 8), &bits)
                let offset = Int(first - start)
                var y = [Float](repeating: .nan, count: n)
                ck_random_uniform(seed, stream, first, Int64(n), &y)
                let uniformAgrees = (0..<n).allSatisfy { y[$0] == Float(bits[$0 + offset] >> 8) * 0x1p-24 }
                #expect(uniformAgrees)
                let uniform = y
                ck_dropout_mask(seed, stream, first, Int64(n), 0.25, &y)
                let maskAgrees = (0..<n).allSatisfy { y[$0] == (uniform[$0] < 0.25 ? 0 : 1 / 0.75) }
                #expect(maskAgrees)
                ck_random_normal(seed, stream, first, Int64(n), &y)
                expectClose(y, 1e-7, "normal") { j in
                    let i = j + offset
                    let pair = i / 2 * 2
                    let radius = (-2 * log((Double(bits[pair]) + 1) * 0x1p-32)).squareRoot()
                    let angle = 2 * Double.pi * Double(bits[pair + 1]) * 0x1p-32
                    return radius * (i % 2 == 0 ? cos(angle) : sin(angle))
                }
            }
        }

        @Test func seedsAndStreamsDiffer() {
            func draw(_ seed: UInt64, _ stream: UInt64) -> [UInt32] {
                var words = [UInt32](repeating: 0, count: 4)
                ck_random_bits(seed, stream, 0, 4, &words)
                return words
            }
            let drawn = [draw(0, 0), draw(1, 0), draw(1 << 32, 0), draw(0, 1), draw(0, 1 << 32)]
            #expect(Set(drawn).count == drawn.count)
        }
    }

    @Suite struct OptimizerTests {
        /// torch.optim.AdamW(lr=0.1, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.05), three steps in torch 2.13 on the CPU.
        @Test func adamWAsInTorch() {
            let gradients: [[Float]] = [[0.5, -1, 2, 0.01, -3], [-0.25, -1, 0.5, 0, 3], [1, 0.125, -2, -0.5, 0.75]]
            let expected: [Float] = [0.794257939, -1.70040333, 0.309274644, 2.86903477, -0.167694151]
            onEachPath { path in
                var p: [Float] = [1, -2, 0.5, 3, -0.25]
                var m = [Float](repeating: 0, count: 5)
                var v = m
                for (step, gradient) in gradients.enumerated() {
                    ck_adamw_step(5, &p, gradient, &m, &v, 0.1, 0.9, 0.99, 1e-3, 0.05, Int64(step + 1))
                }
                expectClose(p, 3e-7, "\(path) AdamW") { Double(expected[$0]) }
            }
        }

        /// torch.optim.SGD(lr=0.1, weight_decay=0.05) with the momenta listed, three steps in torch 2.13 on the CPU.
        @Test func stochasticGradientDescentAsInTorch() {
            let gradients: [[Float]] = [[0.5, -1, 2, 0.01, -3], [-0.25, -1, 0.5, 0, 3], [1, 0.125, -2, -0.5, 0.75]]
            let cases: [(momentum: Double, dampening: Double, nesterov: Bool, expected: [Float])] = [
                (0, 0, false, [0.860448599, -1.78414726, 0.444782406, 3.00423455, -0.322761208]),
                (0.9, 0, false, [0.784893632, -1.49803734, 0.0530799255, 2.96351862, -0.0792099535]),
                (0.9, 0.1, false, [0.791508377, -1.5183742, 0.0428712629, 2.96282411, -0.0147853019]),
                (0.9, 0, true, [0.668016553, -1.33599055, 0.0479170904, 2.97191763, -0.173805997]),
            ]
            for one in cases {
                var p: [Float] = [1, -2, 0.5, 3, -0.25]
                var velocity = [Float](repeating: .nan, count: 5)
                for (step, gradient) in gradients.enumerated() {
                    ck_sgd_step(
                        5, &p, gradient, &velocity, 0.1, one.momentum, one.dampening, 0.05, one.nesterov, step == 0)
                }
                expectClose(p, 3e-7, "SGD \(one.momentum) \(one.nesterov)") { Double(one.expected[$0]) }
            }
        }
    }
}
