import CKernels
import Graph

extension Executor {
    /// Finds products of the same rows that follow one another, such as those of query, key and value.
    func findProductsBeside() {
        var index = 0
        while index < plan.steps.count {
            var count = 1
            while index + count < plan.steps.count, count < Int(CK_MOST_BESIDE), canStandBeside(index, index + count) {
                count += 1
            }
            steps[index].besideCount = count
            index += count
        }
    }

    /// Nothing that a product beside others reads but their rows is in a buffer, which one of them might write to. Rows in
    /// 8 bits have a kernel of their own.
    private func canStandBeside(_ first: Int, _ other: Int) -> Bool {
        guard plan.steps[first].inputs[0] == plan.steps[other].inputs[0] else { return false }
        return [first, other].allSatisfy { index in
            guard case .matmul(transposeLeft: false, transposeRight: true, _, let precision) = steps[index].kernel,
                precision != .int8
            else { return false }
            return plan.steps[index].inputs.dropFirst().allSatisfy {
                if case .leaf = $0.location { true } else { false }
            }
        }
    }

    /// Runs the products beside step `index` in one parallel region.
    /// - Returns: false, and nothing is done, where their rows are not few.
    func runProductsBeside(_ index: Int) -> Bool {
        let rows = steps[index].input(0)
        let count = steps[index].besideCount
        return withUnsafeTemporaryAllocation(of: ck_product_beside.self, capacity: Int(CK_MOST_BESIDE)) { parts in
            for place in 0..<count {
                let step = steps[index + place]
                guard case .matmul(_, _, let storage, _) = step.kernel else { return false }
                let (matrix, product) = (step.input(1), step.result())
                parts.initializeElement(
                    at: place,
                    to: ck_product_beside(
                        storage: storage, n: product.columns64, b: matrix.address, b_stride: matrix.stride64,
                        c: product.floats, c_stride: product.stride64,
                        bias: step.inputCount > 2 ? UnsafePointer(step.input(2).floats) : nil))
            }
            return ck_gemm_beside(
                Int64(count), parts.baseAddress, rows.rows64, rows.columns64, rows.floats, rows.stride64)
        }
    }
}
