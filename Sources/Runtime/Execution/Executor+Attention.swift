import CKernels
import Graph

/// What an attention step needs besides its operands.
struct AttentionPlan {
    var attributes: AttentionAttributes
    /// The leaf of its offsets.
    var offsets: Int
    /// The place of its slot among the plan's, or nil.
    var slot: Int?
    /// Its step's operands.
    var step: Int
}

extension Executor {
    func addAttention(_ attributes: AttentionAttributes, _ step: PlannedStep, at index: Int) {
        guard case .leaf(let leaf, _) = step.inputs[3].location else { return }
        attentionPlans.append(
            AttentionPlan(
                attributes: attributes, offsets: leafNumbers[leaf],
                slot: attributes.store.flatMap { slot in plan.keyValueSlots.firstIndex { $0.slot == slot } },
                step: index))
    }

    func resolveAttention(_ number: Int) {
        let attention = attentionPlans[number]
        let (attributes, step) = (attention.attributes, steps[attention.step])
        let (query, key, value) = (step.input(0), step.input(1), step.input(2))
        var description = ck_attention()
        description.sequences = Int64(max(0, step.input(3).rows - 1))
        description.query_offsets = UnsafePointer(inputs[attention.offsets]?.wide)
        description.describe(attributes)
        description.queries = UnsafePointer(query.floats)
        description.query_stride = query.stride64
        description.keys = UnsafePointer(key.floats)
        description.key_stride = key.stride64
        description.values = UnsafePointer(value.floats)
        description.value_stride = value.stride64
        if attributes.hasParameterKeys {
            let (keys, values) = (step.input(4), step.input(5))
            description.parameter_keys = UnsafePointer(keys.floats)
            description.parameter_key_stride = keys.stride64
            description.parameter_values = UnsafePointer(values.floats)
            description.parameter_value_stride = values.stride64
            description.parameter_count = keys.rows64
        }
        attentions[number] = description
    }

    func findStoringOffsets() {
        let storing =
            attentionPlans.filter { $0.slot != nil }.map(\.offsets) + pairPlans.filter { $0.slot != nil }.map(\.offsets)
        storingOffsets = storing.first
        hasOneStoringOffsets = storing.allSatisfy { $0 == storing.first }
    }

    /// Finds the stored rows for this run, with room for the live ones.
    /// - Returns: false where nothing is stored.
    func prepareStoredAttention(_ store: KeyValueStore?) throws(RuntimeError) -> Bool {
        guard let store, !plan.keyValueSlots.isEmpty, let storingOffsets, let memory = inputs[storingOffsets] else {
            return false
        }
        guard hasOneStoringOffsets else {
            throw .keyValues(problem: "attentions that append to it have different offsets")
        }
        try storedAttention.begin(store, slots: plan.keyValueSlots, offsets: memory.indices)
        return true
    }

    func runAttention(_ step: ExecutableStep, _ number: Int, _ stored: StoredAttention?) -> Bool {
        let (output, logSums) = (step.result(0), step.result(1))
        guard let outputAddress = output.optionalFloats else { return false }
        guard let stored, let slot = attentionPlans[number].slot else {
            return ck_attention_forward(
                &attentions[number], outputAddress, output.stride64, logSums.optionalFloats)
        }
        let done = stored.withSegments(slot, &attentions[number]) {
            ck_attention_forward(&$0, outputAddress, output.stride64, logSums.optionalFloats)
        }
        stored.append(slot, keys: step.input(1), values: step.input(2))
        forgetSegments(number)
        return done
    }

    func runAttentionGradient(_ step: ExecutableStep, _ number: Int, _ stored: StoredAttention?) -> Bool {
        let attributes = attentionPlans[number].attributes
        let base = attributes.hasParameterKeys ? 6 : 4
        let (output, logSums, outputGradient) = (step.input(base), step.input(base + 1), step.input(base + 2))
        // The kernel reads the second result without gaps, as the forward kernel wrote it.
        guard logSums.stride == attributes.heads || logSums.rows <= 1 else { return false }
        var gradients = ck_attention_gradients()
        (gradients.queries, gradients.query_stride) = (step.result(0).optionalFloats, step.result(0).stride64)
        (gradients.keys, gradients.key_stride) = (step.result(1).optionalFloats, step.result(1).stride64)
        (gradients.values, gradients.value_stride) = (step.result(2).optionalFloats, step.result(2).stride64)
        if attributes.hasParameterKeys {
            let (keys, values) = (step.result(3), step.result(4))
            (gradients.parameter_keys, gradients.parameter_key_stride) = (keys.optionalFloats, keys.stride64)
            (gradients.parameter_values, gradients.parameter_value_stride) = (values.optionalFloats, values.stride64)
        }
        guard let stored, let slot = attentionPlans[number].slot else {
            return ck_attention_backward(
                &attentions[number], output.floats, output.stride64, logSums.floats, outputGradient.floats,
                outputGradient.stride64, &gradients)
        }
        let done = stored.withSegments(slot, &attentions[number]) {
            ck_attention_backward(
                &$0, output.floats, output.stride64, logSums.floats, outputGradient.floats, outputGradient.stride64,
                &gradients)
        }
        forgetSegments(number)
        return done
    }

    /// The stored rows' addresses are good for one run only.
    private func forgetSegments(_ number: Int) {
        attentions[number].segments = nil
        attentions[number].segment_offsets = nil
        attentions[number].first_positions = nil
    }
}
