import CKernels
import Graph

/// What a step on pairs of queries and keys needs besides its operands.
struct PairPlan {
    var operation: Operation
    /// The leaves of the offsets of the queries, and of the keys where they have their own.
    var offsets: Int
    var keyOffsets: Int?
    /// The place of its slot among the plan's, or nil.
    var slot: Int?
    /// Its step.
    var step: Int
    /// Where it has a bias: the bucket of each distance from −span to span.
    var buckets: [Int32] = []
    var description = ck_attention()

    /// From this distance on the bucket does not change.
    var span: Int64 { Int64(buckets.count / 2) }
}

extension Executor {
    func addPairs(_ operation: Operation, _ step: PlannedStep, at index: Int) {
        guard let (rows, store) = operation.pairRows, let first = operation.pairOffsetsPlace else { return }
        let leaves = step.inputs[first...].map { input -> Int in
            guard case .leaf(let leaf, _) = input.location else { return -1 }
            return leafNumbers[leaf]
        }
        var plan = PairPlan(
            operation: operation, offsets: leaves[0], keyOffsets: rows.hasKeyOffsets ? leaves[1] : nil,
            slot: store.flatMap { slot in self.plan.keyValueSlots.firstIndex { $0.slot == slot } }, step: index)
        switch operation {
        case .positionBias(let attributes), .positionBiasGradient(let attributes):
            let span = attributes.maximumDistance
            plan.buckets = (-span...span).map { Int32(clamping: attributes.bucket(distance: $0)) }
        default: break
        }
        pairPlans.append(plan)
    }

    func resolvePairs(_ number: Int) {
        let plan = pairPlans[number]
        let step = steps[plan.step]
        var description = ck_attention()
        description.sequences = Int64(max(0, step.input(plan.operation.pairOffsetsPlace ?? 0).rows - 1))
        description.query_offsets = UnsafePointer(inputs[plan.offsets]?.wide)
        description.key_offsets = plan.keyOffsets.flatMap { UnsafePointer(inputs[$0]?.wide) }
        switch plan.operation {
        case .attentionScores(let attributes), .attentionScoresGradient(let attributes):
            description.describe(attributes.attention)
            (description.queries, description.query_stride) = (
                UnsafePointer(step.input(0).floats), step.input(0).stride64
            )
            (description.keys, description.key_stride) = (UnsafePointer(step.input(1).floats), step.input(1).stride64)
        case .attentionMix(let attributes), .attentionMixGradient(let attributes):
            description.describe(attributes.attention)
            (description.values, description.value_stride) = (
                UnsafePointer(step.input(1).floats), step.input(1).stride64
            )
        case .attentionPattern(let attributes), .attentionPatternGradient(let attributes):
            description.describe(attributes.attention)
        default:
            // The heads of a bias are the columns of its table.
            (description.heads, description.kv_heads) = (step.input(0).columns64, step.input(0).columns64)
        }
        pairPlans[number].description = description
    }

    /// - Returns: false when the kernel refused its operands.
    func runPairs(_ step: ExecutableStep, _ number: Int, _ stored: StoredAttention?) -> Bool {
        let plan = pairPlans[number]
        guard let stored, plan.operation.pairRows?.store != nil else { return run(step, plan, plan.description) }
        var description = plan.description
        // Without a slot of its own only the number of stored rows matters, which all slots have in common.
        let done = stored.withSegments(plan.slot ?? 0, &description) { run(step, plan, $0) }
        switch plan.operation {
        case .attentionScores: if let slot = plan.slot { stored.append(slot, keys: step.input(1)) }
        case .attentionMix: if let slot = plan.slot { stored.append(slot, values: step.input(1)) }
        default: break
        }
        return done
    }

    private func run(_ step: ExecutableStep, _ plan: PairPlan, _ given: ck_attention) -> Bool {
        var description = given
        let (x, y) = (step.input(0), step.result())
        // The number of rows is one that the graph's builder may have got wrong.
        let pairs = ck_pair_count(&description)
        switch plan.operation {
        case .attentionScores:
            return y.rows64 == pairs && ck_pair_scores(&description, y.floats, y.stride64)
        case .attentionScoresGradient:
            let dScores = step.input(2)
            var gradients = ck_attention_gradients()
            (gradients.queries, gradients.query_stride) = (y.optionalFloats, y.stride64)
            (gradients.keys, gradients.key_stride) = (step.result(1).optionalFloats, step.result(1).stride64)
            return dScores.rows64 == pairs
                && ck_pair_scores_gradient(&description, dScores.floats, dScores.stride64, &gradients)
        case .attentionPattern:
            return y.rows64 == pairs && ck_pair_pattern(&description, x.floats, x.stride64, y.floats, y.stride64)
        case .attentionPatternGradient:
            let dPattern = step.input(1)
            return y.rows64 == pairs
                && ck_pair_pattern_gradient(
                    &description, x.floats, x.stride64, dPattern.floats, dPattern.stride64, y.floats, y.stride64)
        case .attentionMix:
            return x.rows64 == pairs && ck_pair_mix(&description, x.floats, x.stride64, y.floats, y.stride64)
        case .attentionMixGradient:
            let (dy, dValue) = (step.input(2), step.result(1))
            return x.rows64 == pairs
                && ck_pair_mix_gradient(
                    &description, x.floats, x.stride64, dy.floats, dy.stride64, y.optionalFloats, y.stride64,
                    dValue.optionalFloats, dValue.stride64)
        case .positionBias:
            return y.rows64 == pairs
                && ck_pair_bias(&description, x.floats, x.stride64, plan.buckets, plan.span, y.floats, y.stride64)
        case .positionBiasGradient:
            return x.rows64 == pairs
                && ck_pair_bias_gradient(
                    &description, x.floats, x.stride64, plan.buckets, plan.span, y.floats, y.stride64, y.rows64)
        default:
            return false
        }
    }
}

extension ck_attention {
    /// Heads, sizes, scale and mask.
    mutating func describe(_ attributes: AttentionAttributes) {
        heads = Int64(attributes.heads)
        kv_heads = Int64(attributes.keyHeads)
        key_size = Int64(attributes.headSize)
        value_size = Int64(attributes.valueSize)
        scale = Float(attributes.scale)
        soft_cap = Float(attributes.softCap ?? 0)
        causal = attributes.causal
        window = Int64(attributes.window ?? 0)
    }
}
