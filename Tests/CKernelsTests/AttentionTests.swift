import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct AttentionTests {
        typealias Sequence = NaiveAttention.Sequence

        /// Every feature alone and together; few and many queries a sequence; more than one block of queries and of keys.
        static let cases: [NaiveAttention] = [
            NaiveAttention(name: "causal", sequences: [5, 1, 0, 9].map { Sequence(queries: $0, liveKeys: $0) }),
            NaiveAttention(name: "blocks", sequences: [Sequence(queries: 70, liveKeys: 70)], heads: 2, kvHeads: 1),
            NaiveAttention(
                name: "long keys", sequences: [Sequence(queries: 3, liveKeys: 3, segments: [150, 20])], heads: 2,
                kvHeads: 1),
            NaiveAttention(
                name: "window and cap", sequences: [7, 3, 12].map { Sequence(queries: $0, liveKeys: $0) }, window: 3,
                softCap: 1.5),
            NaiveAttention(
                name: "bidirectional with bias", sequences: [6, 2].map { Sequence(queries: $0, liveKeys: $0) },
                causal: false,
                biasSpan: 3),
            NaiveAttention(
                name: "bidirectional window", sequences: [8].map { Sequence(queries: $0, liveKeys: $0) }, heads: 3,
                kvHeads: 3,
                causal: false, window: 2),
            NaiveAttention(
                name: "prefix and cache",
                sequences: [
                    Sequence(queries: 1, liveKeys: 1, segments: [4, 0, 3]),
                    Sequence(queries: 6, liveKeys: 6, segments: [2]),
                ],
                window: 5, softCap: 3, parameterCount: 3, biasSpan: 4),
            NaiveAttention(
                name: "fewer queries than keys",
                sequences: [
                    Sequence(queries: 2, liveKeys: 9, positions: [3, 8]),
                    Sequence(queries: 0, liveKeys: 4, positions: []),
                    Sequence(queries: 6, liveKeys: 8, positions: [0, 1, 2, 5, 6, 7]),
                ], parameterCount: 2),
            NaiveAttention(
                name: "queries that see nothing",
                sequences: [
                    Sequence(queries: 2, liveKeys: 3, positions: [-4, 50]),
                    Sequence(queries: 6, liveKeys: 3, positions: [-4, 0, 1, 2, 50, 51]),
                ], window: 4),
            // Few queries are cut along their keys, into parts of 128 or, of wide heads, fewer.
            NaiveAttention(
                name: "parts of keys",
                sequences: [
                    Sequence(queries: 4, liveKeys: 4, segments: [300, 0, 130]),
                    Sequence(queries: 1, liveKeys: 1, segments: [20]), Sequence(queries: 9, liveKeys: 9),
                    Sequence(queries: 2, liveKeys: 3, segments: [140], positions: [-9, 90]),
                ], heads: 6, kvHeads: 2, keySize: 35, valueSize: 40, softCap: 2, parameterCount: 3, biasSpan: 5),
            NaiveAttention(
                name: "parts of keys of one wide head", sequences: [Sequence(queries: 1, liveKeys: 1, segments: [200])],
                heads: 5, kvHeads: 1, keySize: 64, valueSize: 96, scale: 0.1),
            NaiveAttention(
                name: "parts of a window", sequences: [Sequence(queries: 3, liveKeys: 3, segments: [90, 250])],
                heads: 7,
                kvHeads: 1, keySize: 16, valueSize: 32, window: 170, scale: 0.2),
            NaiveAttention(
                name: "longer parts of very many keys",
                sequences: [Sequence(queries: 1, liveKeys: 1, segments: [8400])],
                heads: 2, kvHeads: 1),
        ]

        static func matches(_ actual: Matrix, _ expected: [[Double]], _ tolerance: Double, _ what: String) {
            expectClose(actual, tolerance, what) { expected[$0][$1] }
        }

        @Test(arguments: cases.indices) func forwardAndBackwardAgreeWithTheDefinition(_ index: Int) {
            var attention = Self.cases[index]
            attention.fill(UInt64(index + 100))
            var numbers = TestNumbers(UInt64(index + 200))
            let dy = Matrix(attention.queries.rows, attention.heads * attention.valueSize, gap: 2, from: &numbers)
            let exact = attention.evaluate(dy)
            onEachPath { path in
                let name = "\(path) \(attention.name)"
                attention.withDescription { description in
                    var description = description
                    var output = Matrix(attention.queries.rows, attention.heads * attention.valueSize, gap: 1)
                    var logSums = [Float](repeating: .nan, count: attention.queries.rows * attention.heads)
                    #expect(ck_attention_forward(&description, &output.storage, output.ld, &logSums))
                    Self.matches(output, exact.output, 2e-6, "\(name) output")
                    for (i, wanted) in exact.logSums.joined().enumerated() {
                        #expect(
                            wanted == Double(logSums[i]) || abs(Double(logSums[i]) - wanted) <= 4e-6,
                            "\(name) log sum \(i)")
                    }

                    var dq = Matrix(attention.queries.rows, attention.queries.cols, gap: 2, 9)
                    var dk = Matrix(attention.keys.rows, attention.keys.cols, gap: 1, 9)
                    var dv = Matrix(attention.values.rows, attention.values.cols, gap: 1, 9)
                    var dpk = Matrix(attention.parameterCount, attention.keys.cols, gap: 1, 9)
                    var dpv = Matrix(attention.parameterCount, attention.values.cols, gap: 1, 9)
                    let strides = (q: dq.ld, k: dk.ld, v: dv.ld, pk: dpk.ld, pv: dpv.ld)
                    dq.storage.withUnsafeMutableBufferPointer { q in
                        dk.storage.withUnsafeMutableBufferPointer { k in
                            dv.storage.withUnsafeMutableBufferPointer { v in
                                dpk.storage.withUnsafeMutableBufferPointer { pk in
                                    dpv.storage.withUnsafeMutableBufferPointer { pv in
                                        var gradients = ck_attention_gradients(
                                            queries: q.baseAddress, query_stride: strides.q, keys: k.baseAddress,
                                            key_stride: strides.k,
                                            values: v.baseAddress, value_stride: strides.v,
                                            parameter_keys: pk.baseAddress,
                                            parameter_key_stride: strides.pk, parameter_values: pv.baseAddress,
                                            parameter_value_stride: strides.pv)
                                        #expect(
                                            ck_attention_backward(
                                                &description, output.storage, output.ld, logSums, dy.storage, dy.ld,
                                                &gradients))
                                    }
                                }
                            }
                        }
                    }
                    Self.matches(dq, exact.queries, 5e-6, "\(name) dq")
                    Self.matches(dk, exact.keys, 5e-6, "\(name) dk")
                    Self.matches(dv, exact.values, 5e-6, "\(name) dv")
                    Self.matches(dpk, exact.parameterKeys, 5e-6, "\(name) parameter keys")
                    Self.matches(dpv, exact.parameterValues, 5e-6, "\(name) parameter values")
                }
            }
        }

        /// The reference's own gradients, by central differences of its output.
        @Test func referenceGradientsAreDerivatives() {
            var attention = Self.cases[6]
            attention.fill(300)
            var numbers = TestNumbers(301)
            let dy = Matrix(attention.queries.rows, attention.heads * attention.valueSize, from: &numbers)
            let exact = attention.evaluate(dy)
            func loss(_ attention: NaiveAttention) -> Double {
                let output = attention.evaluate(dy).output
                return (0..<dy.rows).reduce(0) { sum, r in
                    sum + (0..<dy.cols).reduce(0) { $0 + dy.value(r, $1) * output[r][$1] }
                }
            }
            let step: Float = 0x1p-10
            let parts: [(WritableKeyPath<NaiveAttention, Matrix>, [[Double]])] = [
                (\.queries, exact.queries), (\.keys, exact.keys), (\.values, exact.values),
                (\.parameterKeys, exact.parameterKeys), (\.parameterValues, exact.parameterValues),
            ]
            for (path, gradient) in parts {
                for _ in 0..<6 {
                    let r = numbers.below(attention[keyPath: path].rows)
                    let c = numbers.below(attention[keyPath: path].cols)
                    var up = attention
                    var down = attention
                    up[keyPath: path][r, c] += step
                    down[keyPath: path][r, c] -= step
                    let width = up[keyPath: path].value(r, c) - down[keyPath: path].value(r, c)
                    #expect(abs((loss(up) - loss(down)) / width - gradient[r][c]) < 1e-5, "\(path) \(r) \(c)")
                }
            }
        }

        @Test func resultsDoNotDependOnThreads() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) {
                    KernelTests.AttentionTests.resultsDoNotDependOnThreadsBody()
                }
            #else
                KernelTests.AttentionTests.resultsDoNotDependOnThreadsBody()
            #endif
        }

        fileprivate static func resultsDoNotDependOnThreadsBody() {
            var attention = NaiveAttention(
                name: "threads",
                sequences: [80, 3, 40].map { Sequence(queries: $0, liveKeys: $0) }
                    + [Sequence(queries: 2, liveKeys: 2, segments: [700])], keySize: 32, valueSize: 32)
            attention.fill(400)
            func run() -> [Float] {
                var output = Matrix(attention.queries.rows, attention.heads * attention.valueSize)
                return attention.withDescription { description in
                    var description = description
                    _ = ck_attention_forward(&description, &output.storage, output.ld, nil)
                    return output.storage
                }
            }
            ck_set_threads(1)
            let alone = run()
            ck_set_threads(3)
            let together = (0..<3).map { _ in run() }
            ck_set_threads(0)
            #expect(together.allSatisfy { $0 == alone })
        }

        @Test func inconsistentDescriptionsAreRefused() {
            var attention = Self.cases[6]
            attention.fill(500)
            attention.withDescription { description in
                let changes: [(inout ck_attention) -> Void] = [
                    { $0.heads = 3 }, { $0.kv_heads = 0 }, { $0.key_size = 0 }, { $0.query_stride = 3 },
                    { $0.queries = nil },
                    { $0.values = nil }, { $0.parameter_keys = nil }, { $0.parameter_count = -1 },
                    { $0.query_offsets = nil },
                    { $0.segment_offsets = nil }, { $0.bias_span = 0 }, { $0.window = -1 }, { $0.sequences = -1 },
                    { $0.key_stride = 2 },
                ]
                for (i, change) in changes.enumerated() {
                    var wrong = description
                    change(&wrong)
                    var output = Matrix(attention.queries.rows, attention.heads * attention.valueSize, 5)
                    #expect(!ck_attention_forward(&wrong, &output.storage, output.ld, nil), "change \(i)")
                    var gradients = ck_attention_gradients()
                    #expect(
                        !ck_attention_backward(
                            &wrong, output.storage, output.ld, output.storage, output.storage, output.ld, &gradients),
                        "change \(i)")
                    #expect(output.storage.allSatisfy { $0 == 5 })
                }
            }
        }
    }
}
