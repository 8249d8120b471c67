import CKernels
import Foundation

/// Attention as its definition reads, in double and with every score in memory; and the same inputs for the kernel.
struct NaiveAttention {
    struct Sequence {
        var queries: Int
        var liveKeys: Int
        var segments: [Int] = []
        var positions: [Int32]?
    }

    var name: String
    var sequences: [Sequence]
    var heads = 4, kvHeads = 2, keySize = 6, valueSize = 5
    var causal = true
    var window = 0
    var softCap: Float = 0
    var scale: Float = 0.4
    var parameterCount = 0
    var biasSpan = 0

    var queries = Matrix(0, 0), keys = Matrix(0, 0), values = Matrix(0, 0)
    var parameterKeys = Matrix(0, 0), parameterValues = Matrix(0, 0)
    var segmentKeys: [Matrix] = [], segmentValues: [Matrix] = []
    var bias: [Float] = []

    mutating func fill(_ seed: UInt64) {
        var numbers = TestNumbers(seed)
        let q = sequences.reduce(0) { $0 + $1.queries }
        let k = sequences.reduce(0) { $0 + $1.liveKeys }
        queries = Matrix(q, heads * keySize, gap: 1, from: &numbers)
        keys = Matrix(k, kvHeads * keySize, gap: 2, from: &numbers)
        values = Matrix(k, kvHeads * valueSize, gap: 3, from: &numbers)
        parameterKeys = Matrix(parameterCount, kvHeads * keySize, gap: 1, from: &numbers)
        parameterValues = Matrix(parameterCount, kvHeads * valueSize, gap: 2, from: &numbers)
        for length in sequences.flatMap(\.segments) {
            segmentKeys.append(Matrix(length, kvHeads * keySize, gap: 2, from: &numbers))
            segmentValues.append(Matrix(length, kvHeads * valueSize, gap: 1, from: &numbers))
        }
        bias = biasSpan > 0 ? numbers.floats(heads * (2 * biasSpan - 1)) : []
    }

    func storedCount(_ s: Int) -> Int { sequences[s].segments.reduce(0, +) }
    func firstQuery(_ s: Int) -> Int { sequences[..<s].reduce(0) { $0 + $1.queries } }
    func firstKey(_ s: Int) -> Int { sequences[..<s].reduce(0) { $0 + $1.liveKeys } }
    func queryPosition(_ s: Int, _ row: Int) -> Int {
        sequences[s].positions.map { Int($0[row]) } ?? storedCount(s) + row
    }

    /// One key that a sequence has: where its numbers are, and its position (nil: a parameter key).
    struct Key {
        var keys: Matrix, values: Matrix, row: Int, position: Int?, isLive: Bool
    }

    func allKeys(_ s: Int) -> [Key] {
        var result = (0..<parameterCount).map {
            Key(keys: parameterKeys, values: parameterValues, row: $0, position: nil, isLive: false)
        }
        var position = 0
        var segment = sequences[..<s].reduce(0) { $0 + $1.segments.count }
        for length in sequences[s].segments {
            for row in 0..<length {
                result.append(
                    Key(
                        keys: segmentKeys[segment], values: segmentValues[segment], row: row, position: position,
                        isLive: false))
                position += 1
            }
            segment += 1
        }
        for row in 0..<sequences[s].liveKeys {
            result.append(
                Key(keys: keys, values: values, row: firstKey(s) + row, position: position + row, isLive: true))
        }
        return result
    }

    func sees(_ query: Int, _ key: Int?) -> Bool {
        guard let key else { return true }
        let behind = query - key
        if causal { return behind >= 0 && (window == 0 || behind < window) }
        return window == 0 || abs(behind) < window
    }

    struct Result {
        var output: [[Double]], logSums: [[Double]]
        var queries: [[Double]], keys: [[Double]], values: [[Double]], parameterKeys: [[Double]],
            parameterValues: [[Double]]
    }

    /// Output, log-sums, and the gradients of Σ dy·output.
    func evaluate(_ dy: Matrix) -> Result {
        func zeros(_ rows: Int, _ cols: Int) -> [[Double]] {
            [[Double]](repeating: [Double](repeating: 0, count: cols), count: rows)
        }
        var result = Result(
            output: zeros(queries.rows, heads * valueSize), logSums: zeros(queries.rows, heads),
            queries: zeros(queries.rows, heads * keySize), keys: zeros(keys.rows, kvHeads * keySize),
            values: zeros(keys.rows, kvHeads * valueSize), parameterKeys: zeros(parameterCount, kvHeads * keySize),
            parameterValues: zeros(parameterCount, kvHeads * valueSize))
        for s in sequences.indices {
            let all = allKeys(s)
            for row in 0..<sequences[s].queries {
                let i = firstQuery(s) + row
                let position = queryPosition(s, row)
                let visible = all.filter { sees(position, $0.position) }
                for h in 0..<heads {
                    let g = h / (heads / kvHeads)
                    var slopes: [Double] = []
                    let scores = visible.map { key -> Double in
                        var score =
                            Double(scale)
                            * (0..<keySize).reduce(0.0) {
                                $0 + queries.value(i, h * keySize + $1) * key.keys.value(key.row, g * keySize + $1)
                            }
                        var slope = 1.0
                        if softCap > 0 {
                            let t = tanh(score / Double(softCap))
                            slope = 1 - t * t
                            score = Double(softCap) * t
                        }
                        slopes.append(slope)
                        if biasSpan > 0, let p = key.position {
                            let column = min(max(p - position + biasSpan - 1, 0), 2 * biasSpan - 2)
                            score += Double(bias[h * (2 * biasSpan - 1) + column])
                        }
                        return score
                    }
                    let m = scores.max() ?? 0
                    let sum = scores.reduce(0) { $0 + exp($1 - m) }
                    result.logSums[i][h] = visible.isEmpty ? -.infinity : m + log(sum)
                    let p = scores.map { exp($0 - m) / sum }
                    let weighted = visible.map { key in
                        (0..<valueSize).reduce(0.0) {
                            $0 + dy.value(i, h * valueSize + $1) * key.values.value(key.row, g * valueSize + $1)
                        }
                    }
                    let mean = zip(p, weighted).reduce(0) { $0 + $1.0 * $1.1 }
                    for (j, key) in visible.enumerated() {
                        let slope = p[j] * (weighted[j] - mean) * slopes[j] * Double(scale)
                        for c in 0..<valueSize {
                            result.output[i][h * valueSize + c] += p[j] * key.values.value(key.row, g * valueSize + c)
                            let share = p[j] * dy.value(i, h * valueSize + c)
                            if key.isLive { result.values[key.row][g * valueSize + c] += share }
                            if key.position == nil { result.parameterValues[key.row][g * valueSize + c] += share }
                        }
                        for c in 0..<keySize {
                            result.queries[i][h * keySize + c] += slope * key.keys.value(key.row, g * keySize + c)
                            let share = slope * queries.value(i, h * keySize + c)
                            if key.isLive { result.keys[key.row][g * keySize + c] += share }
                            if key.position == nil { result.parameterKeys[key.row][g * keySize + c] += share }
                        }
                    }
                }
            }
        }
        return result
    }

    /// Calls the body with the kernel's description of the same inputs.
    func withDescription<R>(_ body: (ck_attention) -> R) -> R {
        var queryOffsets: [Int64] = [0]
        var keyOffsets: [Int64] = [0]
        var segmentOffsets: [Int64] = [0]
        var first: [Int64] = []
        var positions: [Int32] = []
        for (s, sequence) in sequences.enumerated() {
            queryOffsets.append(queryOffsets[s] + Int64(sequence.queries))
            keyOffsets.append(keyOffsets[s] + Int64(sequence.liveKeys))
            segmentOffsets.append(segmentOffsets[s] + Int64(sequence.segments.count))
            first.append(Int64(storedCount(s)))
            positions += (0..<sequence.queries).map { Int32(queryPosition(s, $0)) }
        }
        let explicit = sequences.contains { $0.positions != nil }
        let ragged = sequences.contains { $0.queries != $0.liveKeys }
        func pointer<T>(_ array: [T]) -> UnsafeMutablePointer<T> {
            let memory = UnsafeMutablePointer<T>.allocate(capacity: max(array.count, 1))
            memory.initialize(from: array, count: array.count)
            return memory
        }
        let floats = [queries, keys, values, parameterKeys, parameterValues].map { pointer($0.storage) }
        let stored = (segmentKeys + segmentValues).map { pointer($0.storage) }
        let biasMemory = pointer(bias)
        let integers = [queryOffsets, keyOffsets, segmentOffsets, first].map { pointer($0) }
        let positionMemory = pointer(positions)
        var segments: [ck_attention_segment] = []
        var at = 0
        for sequence in sequences {
            var position: Int64 = 0
            for length in sequence.segments {
                segments.append(
                    ck_attention_segment(
                        keys: stored[at], values: stored[segmentKeys.count + at], length: Int64(length),
                        key_stride: segmentKeys[at].ld, value_stride: segmentValues[at].ld, first_position: position))
                position += Int64(length)
                at += 1
            }
        }
        let segmentMemory = pointer(segments)
        defer {
            for memory in floats + stored + [biasMemory] { memory.deallocate() }
            for memory in integers { memory.deallocate() }
            positionMemory.deallocate()
            segmentMemory.deallocate()
        }
        return body(
            ck_attention(
                sequences: Int64(sequences.count), query_offsets: integers[0], key_offsets: ragged ? integers[1] : nil,
                query_positions: explicit ? positionMemory : nil, first_positions: segments.isEmpty ? nil : integers[3],
                heads: Int64(heads), kv_heads: Int64(kvHeads), key_size: Int64(keySize), value_size: Int64(valueSize),
                scale: scale, soft_cap: softCap, causal: causal, window: Int64(window), queries: floats[0],
                query_stride: queries.ld, keys: floats[1], key_stride: keys.ld, values: floats[2],
                value_stride: values.ld,
                parameter_keys: floats[3], parameter_key_stride: parameterKeys.ld, parameter_values: floats[4],
                parameter_value_stride: parameterValues.ld, parameter_count: Int64(parameterCount),
                segments: segments.isEmpty ? nil : UnsafePointer(segmentMemory),
                segment_offsets: segments.isEmpty ? nil : UnsafePointer(integers[2]),
                bias: biasSpan > 0 ? UnsafePointer(biasMemory) : nil, bias_span: Int64(biasSpan)))
    }
}
