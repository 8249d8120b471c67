import CKernels
import Foundation
import Testing

extension KernelTests {
    /// Attention in parts against the definition, on each instruction set, with gaps between the rows of all matrices.
    @Suite struct PairTests {
        typealias Sequence = NaiveAttention.Sequence

        static let cases: [NaiveAttention] = [
            NaiveAttention(name: "causal", sequences: [5, 1, 0, 9].map { Sequence(queries: $0, liveKeys: $0) }),
            NaiveAttention(name: "long", sequences: [Sequence(queries: 70, liveKeys: 70)], heads: 2, kvHeads: 1),
            NaiveAttention(
                name: "window and cap", sequences: [7, 3, 12].map { Sequence(queries: $0, liveKeys: $0) }, window: 3,
                softCap: 1.5),
            NaiveAttention(
                name: "bidirectional window", sequences: [8].map { Sequence(queries: $0, liveKeys: $0) }, heads: 3,
                kvHeads: 3, causal: false, window: 2),
            NaiveAttention(
                name: "cache",
                sequences: [
                    Sequence(queries: 1, liveKeys: 1, segments: [4, 0, 3]),
                    Sequence(queries: 6, liveKeys: 6, segments: [2]),
                ], window: 5, softCap: 3),
            NaiveAttention(
                name: "cross",
                sequences: [
                    Sequence(queries: 2, liveKeys: 9), Sequence(queries: 0, liveKeys: 4),
                    Sequence(queries: 6, liveKeys: 3),
                ], causal: false),
        ]

        @Test(arguments: cases.indices) func partsAgreeWithTheDefinition(_ index: Int) {
            var attention = Self.cases[index]
            attention.fill(UInt64(index + 300))
            var numbers = TestNumbers(UInt64(index + 400))
            let heads = attention.heads
            let dy = Matrix(attention.queries.rows, heads * attention.valueSize, gap: 2, from: &numbers)
            let exact = attention.evaluate(dy)
            onEachPath { path in
                let name = "\(path) \(attention.name)"
                attention.withDescription { given in
                    var description = given
                    let pairs = Int(ck_pair_count(&description))
                    #expect(
                        pairs
                            == attention.sequences.reduce(0) {
                                $0 + $1.queries * ($1.liveKeys + $1.segments.reduce(0, +))
                            })
                    var scores = Matrix(pairs, heads, gap: 1)
                    var pattern = Matrix(pairs, heads, gap: 2)
                    var output = Matrix(attention.queries.rows, heads * attention.valueSize, gap: 1)
                    #expect(ck_pair_scores(&description, &scores.storage, scores.ld))
                    #expect(ck_pair_pattern(&description, scores.storage, scores.ld, &pattern.storage, pattern.ld))
                    #expect(ck_pair_mix(&description, pattern.storage, pattern.ld, &output.storage, output.ld))
                    AttentionTests.matches(output, exact.output, 2e-6, "\(name) output")
                    #expect(scores.gapIsUntouched && pattern.gapIsUntouched)
                    let hidden = (0..<pairs).filter { scores[$0, 0] == -.infinity }
                    #expect(hidden.allSatisfy { row in (0..<heads).allSatisfy { pattern[row, $0] == 0 } })

                    var dPattern = Matrix(pairs, heads, gap: 3)
                    var dv = Matrix(attention.values.rows, attention.values.cols, gap: 1, 9)
                    #expect(
                        ck_pair_mix_gradient(
                            &description, pattern.storage, pattern.ld, dy.storage, dy.ld, &dPattern.storage,
                            dPattern.ld, &dv.storage, dv.ld))
                    var dScores = Matrix(pairs, heads, gap: 1)
                    #expect(
                        ck_pair_pattern_gradient(
                            &description, pattern.storage, pattern.ld, dPattern.storage, dPattern.ld,
                            &dScores.storage, dScores.ld))
                    var dq = Matrix(attention.queries.rows, attention.queries.cols, gap: 2, 9)
                    var dk = Matrix(attention.keys.rows, attention.keys.cols, gap: 1, 9)
                    let strides = (q: dq.ld, k: dk.ld)
                    dq.storage.withUnsafeMutableBufferPointer { q in
                        dk.storage.withUnsafeMutableBufferPointer { k in
                            var gradients = ck_attention_gradients()
                            (gradients.queries, gradients.query_stride) = (q.baseAddress, strides.q)
                            (gradients.keys, gradients.key_stride) = (k.baseAddress, strides.k)
                            #expect(
                                ck_pair_scores_gradient(&description, dScores.storage, dScores.ld, &gradients))
                        }
                    }
                    AttentionTests.matches(dq, exact.queries, 4e-6, "\(name) d query")
                    AttentionTests.matches(dk, exact.keys, 4e-6, "\(name) d key")
                    AttentionTests.matches(dv, exact.values, 4e-6, "\(name) d value")
                    #expect(dPattern.gapIsUntouched && dScores.gapIsUntouched)
                }
            }
        }

        @Test func biasByDistance() {
            var attention = NaiveAttention(
                name: "bias",
                sequences: [Sequence(queries: 3, liveKeys: 3, segments: [2]), Sequence(queries: 2, liveKeys: 2)],
                causal: false)
            attention.fill(1)
            var numbers = TestNumbers(2)
            let table = Matrix(3, 4, gap: 1, from: &numbers)
            // Distances −2 … 2, farther ones share the ends.
            let buckets: [Int32] = [2, 1, 0, 1, 2]
            func bucket(_ distance: Int) -> Int { Int(buckets[min(max(distance, -2), 2) + 2]) }
            var expected: [(query: Int, key: Int)] = []
            for (queries, stored) in [(3, 2), (2, 0)] {
                for query in 0..<queries { for key in 0..<stored + queries { expected.append((stored + query, key)) } }
            }
            onEachPath { path in
                attention.withDescription { given in
                    var description = given
                    var bias = Matrix(expected.count, 4, gap: 2)
                    #expect(ck_pair_bias(&description, table.storage, table.ld, buckets, 2, &bias.storage, bias.ld))
                    expectClose(bias, 0, "\(path) bias") { row, h in
                        table.value(bucket(expected[row].key - expected[row].query), h)
                    }
                    var dTable = Matrix(3, 4, gap: 1, 9)
                    #expect(
                        ck_pair_bias_gradient(
                            &description, bias.storage, bias.ld, buckets, 2, &dTable.storage, dTable.ld, 3))
                    expectClose(dTable, 1e-6, "\(path) d table") { row, h in
                        expected.indices.filter { bucket(expected[$0].key - expected[$0].query) == row }
                            .reduce(0) { $0 + bias.value($1, h) }
                    }
                }
            }
        }

        @Test func inconsistentDescriptionsAreRefused() {
            var description = ck_attention()
            #expect(ck_pair_count(&description) == -1)
            var attention = Self.cases[0]
            attention.fill(1)
            attention.withDescription { given in
                var description = given
                description.parameter_count = 1
                #expect(ck_pair_count(&description) == -1)
                description = given
                description.window = -1
                #expect(ck_pair_count(&description) == -1)
                var scores = [Float](repeating: 0, count: 1)
                description = given
                #expect(!ck_pair_scores(&description, &scores, 1))
                description.keys = nil
                #expect(!ck_pair_scores(&description, &scores, 4))
            }
        }
    }
}
