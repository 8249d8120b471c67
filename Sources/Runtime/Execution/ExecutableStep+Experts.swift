import CKernels
import Graph

extension ExecutableStep {
    func runTopK(_ count: Int) {
        let (x, values, columns) = (input(0), result(0), result(1))
        let rows = x.rows64
        // The kernel writes both results; one that nobody reads goes to scratch memory.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(x.rows * count, 1)) { scratch in
            guard let spare = scratch.baseAddress else { return }
            ck_top_k(
                rows, x.columns64, Int64(count), x.floats, x.stride64, values.optionalFloats ?? spare,
                values.address == nil ? Int64(count) : values.stride64, columns.optionalFloats ?? spare,
                columns.address == nil ? Int64(count) : columns.stride64)
        }
    }

    func runBlocks(_ operation: ColumnBlockOperation) {
        let (x, y) = (input(0), result())
        guard y.rows > 0 else { return }
        switch operation {
        case .slice(let blocks):
            for block in 0..<blocks.count {
                ck_copy(
                    x.rows64, Int64(blocks.width), x.floats + blocks.start(block), x.stride64,
                    y.floats + block * blocks.width, y.stride64)
            }
        case .pad(let blocks, _):
            ck_fill(y.rows64, y.columns64, 0, y.floats, y.stride64)
            for block in 0..<blocks.count {
                ck_copy(
                    x.rows64, Int64(blocks.width), x.floats + block * blocks.width, x.stride64,
                    y.floats + blocks.start(block), y.stride64)
            }
        case .place(let count):
            let places = input(1)
            ck_place_blocks(
                y.rows64, Int64(y.columns / count), places.columns64, Int64(count), x.floats, x.stride64,
                places.floats, places.stride64, y.floats, y.stride64)
        case .take(let count):
            let places = input(1)
            ck_take_blocks(
                y.rows64, Int64(x.columns / count), places.columns64, Int64(count), x.floats, x.stride64,
                places.floats, places.stride64, y.floats, y.stride64)
        case .mix:
            let weights = input(1)
            ck_mix_blocks(
                y.rows64, y.columns64, weights.columns64, x.floats, x.stride64, weights.floats, weights.stride64,
                y.floats, y.stride64)
        case .spread:
            let weights = input(1)
            ck_spread_blocks(
                y.rows64, x.columns64, weights.columns64, x.floats, x.stride64, weights.floats, weights.stride64,
                y.floats, y.stride64)
        case .dot:
            let other = input(1)
            ck_dot_blocks(
                y.rows64, other.columns64, y.columns64, x.floats, x.stride64, other.floats, other.stride64, y.floats,
                y.stride64)
        }
    }

    /// One product for each expert, on the slots that chose it side by side.
    func runExpertProduct(_ product: ExpertProduct, _ storage: ck_storage, _ rounds: Bool) {
        let (x, y) = (input(0), result())
        guard y.rows > 0 else { return }
        let inputs = x.columns / (product.sharesInput ? 1 : product.slots)
        let outputs = y.columns / (product.sumsSlots ? 1 : product.slots)
        ck_fill(y.rows64, y.columns64, 0, y.floats, y.stride64)
        let slots = SlotsOfExperts(input(1), experts: product.experts)
        func source(_ slot: Slot) -> UnsafeMutablePointer<Float> {
            x.floats + slot.row * x.stride + (product.sharesInput ? 0 : slot.place * inputs)
        }
        func target(_ slot: Slot) -> UnsafeMutablePointer<Float> {
            y.floats + slot.row * y.stride + (product.sumsSlots ? 0 : slot.place * outputs)
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(slots.largest * (inputs + outputs), 1)) { scratch in
            guard let rows = scratch.baseAddress else { return }
            let products = rows + slots.largest * inputs
            for expert in 0..<product.experts {
                let chosen = slots[expert]
                if chosen.isEmpty { continue }
                for (place, slot) in chosen.enumerated() {
                    (rows + place * inputs).update(from: source(slot), count: inputs)
                }
                let matrix = input(2 + expert)
                if rounds {
                    ck_gemm_bf16(
                        storage, product.transposesMatrices, Int64(chosen.count), Int64(outputs), Int64(inputs), rows,
                        Int64(inputs), matrix.address, matrix.stride64, products, Int64(outputs), nil)
                } else {
                    ck_gemm_stored(
                        storage, false, product.transposesMatrices, Int64(chosen.count), Int64(outputs), Int64(inputs),
                        1, rows, Int64(inputs), matrix.address, matrix.stride64, 0, products, Int64(outputs), nil)
                }
                for (place, slot) in chosen.enumerated() {
                    let (from, to) = (products + place * outputs, target(slot))
                    // Slots of a row are added up in the order of the experts, whatever the batch.
                    ck_add_scaled(1, Int64(outputs), to, 0, 1, from, 0, to, 0)
                }
            }
        }
    }

    /// dyᵀ · x of the slots that chose the expert, or xᵀ · dy where matrices are not transposed.
    func runExpertWeightGradient(_ product: ExpertProduct, _ expert: Int) {
        let (x, dy, y) = (input(0), input(2), result())
        let inputs = x.columns / (product.sharesInput ? 1 : product.slots)
        let outputs = dy.columns / (product.sumsSlots ? 1 : product.slots)
        let chosen = SlotsOfExperts(input(1), experts: product.experts)[expert]
        ck_fill(y.rows64, y.columns64, 0, y.floats, y.stride64)
        if chosen.isEmpty { return }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: chosen.count * (inputs + outputs)) { scratch in
            guard let rows = scratch.baseAddress else { return }
            let adjoints = rows + chosen.count * inputs
            for (place, slot) in chosen.enumerated() {
                let (from, to) = (
                    product.sharesInput ? 0 : slot.place * inputs, product.sumsSlots ? 0 : slot.place * outputs
                )
                (rows + place * inputs).update(from: x.floats + slot.row * x.stride + from, count: inputs)
                (adjoints + place * outputs).update(from: dy.floats + slot.row * dy.stride + to, count: outputs)
            }
            let (left, right) = product.transposesMatrices ? (adjoints, rows) : (rows, adjoints)
            let (leftWidth, rightWidth) = product.transposesMatrices ? (outputs, inputs) : (inputs, outputs)
            ck_gemm_stored(
                CK_STORAGE_F32, true, false, Int64(leftWidth), Int64(rightWidth), Int64(chosen.count), 1, left,
                Int64(leftWidth), right, Int64(rightWidth), 0, y.floats, y.stride64, nil)
        }
    }
}

/// A chosen expert of a row.
private struct Slot {
    var row: Int
    /// Its number among the row's.
    var place: Int
}

/// The slots that chose each expert, in the order of rows: a counting sort.
private struct SlotsOfExperts {
    private var slots: [Slot] = []
    private var starts: [Int]

    /// - Parameter chosen: [rows, slots], numbers of experts; what is no expert's number is left out.
    init(_ chosen: Operand, experts: Int) {
        func expert(_ row: Int, _ place: Int) -> Int? {
            let number = chosen.floats[row * chosen.stride + place]
            return number >= 0 && number < Float(experts) ? Int(number) : nil
        }
        starts = Array(repeating: 0, count: experts + 1)
        for row in 0..<chosen.rows {
            for place in 0..<chosen.columns {
                if let expert = expert(row, place) { starts[expert + 1] += 1 }
            }
        }
        for expert in 0..<experts { starts[expert + 1] += starts[expert] }
        var next = starts
        slots = Array(repeating: Slot(row: 0, place: 0), count: starts[experts])
        for row in 0..<chosen.rows {
            for place in 0..<chosen.columns {
                guard let expert = expert(row, place) else { continue }
                slots[next[expert]] = Slot(row: row, place: place)
                next[expert] += 1
            }
        }
    }

    subscript(_ expert: Int) -> ArraySlice<Slot> { slots[starts[expert]..<starts[expert + 1]] }

    /// How many slots chose the expert that most did.
    var largest: Int { zip(starts, starts.dropFirst()).map { $1 - $0 }.max() ?? 0 }
}
