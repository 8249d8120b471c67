import CKernels
import Foundation
import Graph

/// Runs a plan on batches of any size, again and again, without planning or allocating in between.
///
/// An executor owns the memory of its values: one run at a time, on one thread at a time (kernels use the pool).
/// Executors of the same plan or model share the frozen weights.
///
/// ```swift
/// let executor = try Executor(plan, weights: model.weights)
/// try executor.run(batch, parameters: parameters)
/// let loss = executor.output(0)[0, 0]
/// ```
public final class Executor {
    /// The plan that is run.
    public let plan: Plan
    /// How products with frozen weights are computed.
    public let precision: ProductPrecision

    // One element per step, per operand (inputs and results of all steps in a row) and per attention.
    let steps: UnsafeMutableBufferPointer<ExecutableStep>
    let operands: UnsafeMutableBufferPointer<Operand>
    let attentions: UnsafeMutableBufferPointer<ck_attention>
    var attentionPlans: [AttentionPlan] = []
    var pairPlans: [PairPlan] = []
    /// Where the numbers of a frozen weight lie, for operands that are one.
    var weightAddresses: [UnsafeMutableRawPointer?]

    var arena = BufferArena()
    /// The leaf of each node, by its number among the plan's leaves.
    var leafNumbers: [Int]
    var leafAddresses: [UnsafeMutableRawPointer?]
    var inputs: [InputMemory?]
    let inputTypes: [(name: String, type: ValueType, leaf: Int?)]
    private var constants: [UnsafeMutablePointer<Float>] = []
    /// Keeps what the addresses point into.
    private var weights: [FrozenWeight] = []

    /// The extents of the symbols in the last run.
    var sizes: [Int]
    var slotOffsets: [Int]
    var storageOffsets: [Int]
    var parameters: ParameterStore?
    let storedAttention = StoredAttention()
    /// The leaf of the offsets that all attentions with a key/value store share; nil where there is none.
    var storingOffsets: Int?
    var hasOneStoringOffsets = true
    var isResolved = false
    /// How many batches were bound so far: who wants to run one again can tell whether it is still the last.
    public internal(set) var batchCount = 0

    /// Whether each step is timed; see ``profile()``. Costs two looks at the clock per step.
    public var isProfiling = false
    var stepSeconds: [Double]
    var stepCalls: [Int]
    var stepOperations: [Double]

    /// Finds the weights and prepares the steps.
    /// - Throws: what the source throws for a missing weight; ``RuntimeError/weightShape(name:given:wanted:)``.
    public init(_ plan: Plan, weights source: any WeightSource, precision: ProductPrecision = .f32) throws {
        self.plan = plan
        self.precision = precision
        let operandCount = plan.steps.reduce(0) { $0 + $1.inputs.count + $1.results.count }
        steps = .allocate(capacity: max(1, plan.steps.count))
        operands = .allocate(capacity: max(1, operandCount))
        operands.initialize(repeating: Operand())
        attentions = .allocate(capacity: max(1, plan.attentionCount))
        attentions.initialize(repeating: ck_attention())
        weightAddresses = Array(repeating: nil, count: operandCount)
        leafNumbers = Array(repeating: -1, count: plan.graph.nodes.count)
        for (number, leaf) in plan.leaves.enumerated() { leafNumbers[leaf] = number }
        leafAddresses = Array(repeating: nil, count: plan.leaves.count)
        inputs = Array(repeating: nil, count: plan.leaves.count)
        sizes = Array(repeating: -1, count: plan.symbols.count)
        slotOffsets = Array(repeating: 0, count: plan.slots.count)
        storageOffsets = Array(repeating: 0, count: plan.places.count)
        stepSeconds = Array(repeating: 0, count: plan.steps.count)
        stepCalls = Array(repeating: 0, count: plan.steps.count)
        stepOperations = Array(repeating: 0, count: plan.steps.count)
        let numbers = leafNumbers
        inputTypes = plan.graph.nodes.enumerated().compactMap { id, node in
            guard case .input(let name) = node.operation else { return nil }
            return (name, node.results[0], numbers[id] < 0 ? nil : numbers[id])
        }
        prepareLeaves()
        try prepareSteps(source)
        findStoringOffsets()
        findProductsBeside()
    }

    deinit {
        steps.deallocate()
        operands.deallocate()
        attentions.deallocate()
        for constant in constants { constant.deallocate() }
    }

    /// Runs the plan on a batch.
    ///
    /// - Parameters:
    ///   - parameters: the trained tensors, where the plan reads any.
    ///   - keyValues: what is stored of the sequences so far; the live rows are added. Without it attention sees live
    ///     rows only and keeps nothing.
    /// - Throws: ``RuntimeError`` before anything is computed, for whatever the batch lacks or contradicts.
    public func run(
        _ batch: InputBatch, parameters: ParameterStore? = nil, keyValues: KeyValueStore? = nil
    ) throws(RuntimeError) {
        try bind(batch, stored: keyValues?.lengths ?? [])
        try bind(parameters)
        try checkIndices()
        resolve()
        try runSteps(on: keyValues)
    }

    func runSteps(on keyValues: KeyValueStore?) throws(RuntimeError) {
        let isStoring = try prepareStoredAttention(keyValues)
        try runSteps(isStoring ? storedAttention : nil)
        if isStoring { storedAttention.commit() }
    }

    /// How many bytes the values of a batch take together; nothing is run.
    /// - Throws: ``RuntimeError`` for whatever the batch lacks or contradicts.
    public func bufferBytes(for batch: InputBatch) throws(RuntimeError) -> Int {
        try bind(batch, stored: [])
        return plan.bytes(of: sizes)
    }

    private func runSteps(_ stored: StoredAttention?) throws(RuntimeError) {
        let count = plan.steps.count
        var index = 0
        while index < count {
            // A profile tells products apart.
            if steps[index].besideCount > 1, !isProfiling, runProductsBeside(index) {
                index += steps[index].besideCount
                continue
            }
            let began = isProfiling ? DispatchTime.now().uptimeNanoseconds : 0
            let done: Bool
            switch steps[index].kernel {
            case .attention(let number): done = runAttention(steps[index], number, stored)
            case .attentionGradient(let number): done = runAttentionGradient(steps[index], number, stored)
            case .pairs(let number): done = runPairs(steps[index], number, stored)
            default: done = steps[index].run()
            }
            if isProfiling {
                stepSeconds[index] += Double(DispatchTime.now().uptimeNanoseconds - began) * 1e-9
                stepCalls[index] += 1
                stepOperations[index] += steps[index].productOperations
            }
            guard done else { throw refused(plan.steps[index].node) }
            index += 1
        }
    }

    func refused(_ id: NodeID) -> RuntimeError {
        let node = plan.graph.nodes[id]
        return .kernel(
            operation: node.operation.name, value: ValueID(id).description, provenance: node.provenance.description)
    }
}

// MARK: - Outputs

extension Executor {
    /// The numbers of output `index` of the plan, valid until the next run. Before the first run it has no rows.
    public func output(_ index: Int) -> MatrixView {
        let operand = isResolved ? operand(plan.outputOperands[index]) : Operand()
        guard let address = operand.address else {
            return MatrixView(pointer: UnsafePointer(arena.base), rows: 0, columns: 0, stride: 0)
        }
        return MatrixView(
            pointer: UnsafePointer(address.assumingMemoryBound(to: Float.self)), rows: operand.rows,
            columns: operand.columns, stride: operand.stride)
    }

    /// The numbers of an output by its value, valid until the next run.
    /// - Throws: ``RuntimeError/notAnOutput(value:outputs:)``.
    public func output(of value: ValueID) throws(RuntimeError) -> MatrixView {
        guard let index = plan.outputs.firstIndex(of: value) else {
            throw .notAnOutput(value: value.description, outputs: plan.outputs.map(\.description))
        }
        return output(index)
    }
}

// MARK: - Preparation

extension Executor {
    private func prepareLeaves() {
        for (number, leaf) in plan.leaves.enumerated() {
            switch plan.graph.nodes[leaf].operation {
            case .input:
                inputs[number] = InputMemory(isOffsets: plan.isOffsets(leaf))
            case .constant(let index):
                leafAddresses[number] = keepConstant(plan.graph.constants[index].values.map { Float($0) })
            case .scalar(let value):
                leafAddresses[number] = keepConstant([Float(value)])
            default:
                break
            }
        }
    }

    private func keepConstant(_ values: [Float]) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: max(1, values.count))
        memory.initialize(repeating: 0, count: max(1, values.count))
        for (place, value) in values.enumerated() { memory[place] = value }
        constants.append(memory)
        return UnsafeMutableRawPointer(memory)
    }

    private func prepareSteps(_ source: any WeightSource) throws {
        var found: [NodeID: FrozenWeight] = [:]
        var firstOperand = 0
        for (index, step) in plan.steps.enumerated() {
            let node = plan.graph.nodes[step.node]
            var storage = CK_STORAGE_F32
            var isProductWithWeight = false
            let keepsStored = try storedTypesAgree(step, node.operation, source, &found)
            for (place, input) in step.inputs.enumerated() {
                guard case .leaf(let leaf, let column) = input.location,
                    let weight = try weight(of: leaf, source, &found)
                else { continue }
                let readsStored = node.operation.readsStoredType(input: place)
                if readsStored { isProductWithWeight = true }
                // Columns cut out of blocks are read as f32.
                let isWhole = column == 0 && input.columns == .fixed(weight.columns)
                let fits = weight.storage.isQuantised ? isWhole && node.operation.readsBlocks : column == 0
                if keepsStored, readsStored, fits {
                    let elements = try weight.elements()
                    storage = elements.storage
                    weightAddresses[firstOperand + place] = UnsafeMutableRawPointer(mutating: elements.address)
                } else {
                    weightAddresses[firstOperand + place] = UnsafeMutableRawPointer(
                        mutating: try weight.floats() + column)
                }
            }
            let kernel = StepKernel(
                node.operation, storage: storage, precision: isProductWithWeight ? precision : .f32,
                attention: attentionPlans.count, pairs: pairPlans.count)
            guard let kernel, let base = operands.baseAddress else { throw refused(step.node) }
            if case .attention(let attributes) = node.operation { addAttention(attributes, step, at: index) }
            if case .attentionGradient(let attributes) = node.operation { addAttention(attributes, step, at: index) }
            if node.operation.pairRows != nil { addPairs(node.operation, step, at: index) }
            (steps.baseAddress.map { $0 + index })?.initialize(
                to: ExecutableStep(
                    kernel: kernel, operands: base + firstOperand, inputCount: step.inputs.count,
                    resultCount: step.results.count))
            firstOperand += step.inputs.count + step.results.count
        }
        // A weight that is itself an output is read as f32.
        for output in plan.outputOperands {
            guard case .leaf(let leaf, _) = output.location, let weight = try weight(of: leaf, source, &found) else {
                continue
            }
            leafAddresses[leafNumbers[leaf]] = UnsafeMutableRawPointer(mutating: try weight.floats())
        }
        weights = Array(found.values)
    }

    /// Whether a step that reads several matrices in their stored type finds them all in the same one.
    private func storedTypesAgree(
        _ step: PlannedStep, _ operation: Graph.Operation, _ source: any WeightSource,
        _ found: inout [NodeID: FrozenWeight]
    ) throws -> Bool {
        guard case .expertProduct = operation else { return true }
        var known: ck_storage?
        for (place, input) in step.inputs.enumerated() where operation.readsStoredType(input: place) {
            guard case .leaf(let leaf, 0) = input.location, let weight = try weight(of: leaf, source, &found) else {
                return false
            }
            let storage = try weight.elements().storage
            if let known, known != storage { return false }
            known = storage
        }
        return true
    }

    private func weight(
        of leaf: NodeID, _ source: any WeightSource, _ found: inout [NodeID: FrozenWeight]
    ) throws -> FrozenWeight? {
        guard case .weight(let name) = plan.graph.nodes[leaf].operation else { return nil }
        if let known = found[leaf] { return known }
        let weight = try source.weight(named: name)
        let wanted = plan.graph.nodes[leaf].results[0].shape
        guard wanted.rows == .fixed(weight.rows), wanted.columns == .fixed(weight.columns) else {
            throw RuntimeError.weightShape(
                name: name, given: "[\(weight.rows), \(weight.columns)]", wanted: wanted.description)
        }
        found[leaf] = weight
        return weight
    }
}
