import Foundation

extension NodeEvaluation {
    /// output[i, h] = Σ_j e^(score_j − L) · value_j with L = log Σ_j e^score_j over the visible keys.
    /// A query that sees no key gives zeros and −∞.
    func attention(_ attributes: AttentionAttributes) throws(InterpreterError) -> [Matrix64] {
        var (output, logSums) = (zeros(0), zeros(1))
        for query in try attentionQueries(attributes) {
            for head in 0..<attributes.heads {
                let scores = query.visible.map { score(query, head, $0, attributes).capped }
                let logSum = logSumExp(scores)
                logSums[query.row, head] = logSum
                for (key, score) in zip(query.visible, scores) {
                    let (values, start) = value(key, head, attributes)
                    for c in 0..<attributes.valueSize {
                        output[query.row, head * attributes.valueSize + c] +=
                            exp(score - logSum) * values[key.row, start + c]
                    }
                }
            }
        }
        return [output, logSums]
    }

    /// With p_j = e^(score_j − L) and dp_j = dy · value_j:
    /// dscore_j = p_j · (dp_j − dy · output), through the soft cap times 1 − (score_j / cap)²; then
    /// dquery = scale · Σ dscore_j · key_j, dkey_j = scale · Σ dscore_j · query, dvalue_j = Σ p_j · dy. (Dao et al. 2022,
    /// Flash Attention, algorithm 4.) Stored keys and values get no gradient.
    func attentionGradient(_ attributes: AttentionAttributes) throws(InterpreterError) -> [Matrix64] {
        let first = attributes.hasParameterKeys ? 6 : 4
        let (queries, output, logSums, dy) = (real(0), real(first), real(first + 1), real(first + 2))
        var gradients = extents.indices.map { zeros($0) }
        for query in try attentionQueries(attributes) {
            for head in 0..<attributes.heads {
                let yStart = head * attributes.valueSize
                var dot = 0.0
                for c in 0..<attributes.valueSize { dot += dy[query.row, yStart + c] * output[query.row, yStart + c] }
                for key in query.visible {
                    let (raw, capped) = score(query, head, key, attributes)
                    let probability = exp(capped - logSums[query.row, head])
                    let (values, valueStart) = value(key, head, attributes)
                    var dProbability = 0.0
                    for c in 0..<attributes.valueSize {
                        dProbability += dy[query.row, yStart + c] * values[key.row, valueStart + c]
                        if let target = key.valueGradient {
                            gradients[target][key.row, valueStart + c] += probability * dy[query.row, yStart + c]
                        }
                    }
                    let slope = attributes.softCap.map { 1 - pow(Foundation.tanh(raw / $0), 2) } ?? 1
                    let dScore = probability * (dProbability - dot) * slope * attributes.scale
                    let (keys, keyStart) = self.key(key, head, attributes)
                    for c in 0..<attributes.headSize {
                        let queryColumn = head * attributes.headSize + c
                        gradients[0][query.row, queryColumn] += dScore * keys[key.row, keyStart + c]
                        if let target = key.keyGradient {
                            gradients[target][key.row, keyStart + c] += dScore * queries[query.row, queryColumn]
                        }
                    }
                }
            }
        }
        return gradients
    }

    /// scale · q·k, and the same under the soft cap.
    private func score(
        _ query: AttentionQuery, _ head: Int, _ key: AttentionKey, _ attributes: AttentionAttributes
    ) -> (raw: Double, capped: Double) {
        let (keys, start) = self.key(key, head, attributes)
        var product = 0.0
        for c in 0..<attributes.headSize {
            product += inputs[0].matrix[query.row, head * attributes.headSize + c] * keys[key.row, start + c]
        }
        let raw = attributes.scale * product
        return (raw, attributes.softCap.map { $0 * Foundation.tanh(raw / $0) } ?? raw)
    }

    /// The matrix that a key lies in, and the first column of the head's share.
    private func key(
        _ key: AttentionKey, _ head: Int, _ attributes: AttentionAttributes
    ) -> (matrix: Matrix64, start: Int) {
        let start = head / (attributes.heads / attributes.keyHeads) * attributes.headSize
        switch key.place {
        case .parameter: return (real(4), start)
        case .live: return (real(1), start)
        case .stored(let stored): return (stored.keys, start)
        }
    }

    private func value(
        _ key: AttentionKey, _ head: Int, _ attributes: AttentionAttributes
    ) -> (matrix: Matrix64, start: Int) {
        let start = head / (attributes.heads / attributes.keyHeads) * attributes.valueSize
        switch key.place {
        case .parameter: return (real(5), start)
        case .live: return (real(2), start)
        case .stored(let stored): return (stored.values, start)
        }
    }
}
