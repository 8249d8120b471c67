import CKernels

extension ExecutableStep {
    /// Each row times the matrix of its group. Thin matrices in one call; else one product for each group, on the group's
    /// rows side by side.
    func runGroupedProduct(_ groups: Int, _ transposeRight: Bool) {
        let (x, y) = (input(0), result())
        guard y.rows > 0, y.columns > 0 else { return }
        let matrices = input(1)
        if ck_grouped_gemm(
            transposeRight, y.rows64, y.columns64, x.columns64, x.floats, x.stride64, matrices.floats,
            matrices.rows64 / Int64(groups), matrices.stride64, input(2).indices, y.floats, y.stride64)
        {
            return
        }
        let group = UnsafeBufferPointer(start: input(2).indices, count: y.rows)
        let runs = Self.runs(of: group)
        guard Set(runs.map { group[$0.lowerBound] }).count < runs.count else {
            for run in runs {
                product(
                    run.count, x.floats + run.lowerBound * x.stride, x.stride, group: Int(group[run.lowerBound]),
                    groups,
                    transposeRight, y.floats + run.lowerBound * y.stride, y.stride)
            }
            return
        }
        runSorted(group, groups, transposeRight)
    }

    /// Groups come back after others: the rows of each are copied together, and the results to their places.
    private func runSorted(_ group: UnsafeBufferPointer<Int32>, _ groups: Int, _ transposeRight: Bool) {
        let (x, y) = (input(0), result())
        let order = group.indices.sorted { (group[$0], $0) < (group[$1], $1) }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: y.rows * (x.columns + y.columns)) { scratch in
            guard let rows = scratch.baseAddress else { return }
            let products = rows + y.rows * x.columns
            for (place, row) in order.enumerated() {
                (rows + place * x.columns).update(from: x.floats + row * x.stride, count: x.columns)
            }
            let sorted = order.map { group[$0] }
            sorted.withUnsafeBufferPointer { sorted in
                for run in Self.runs(of: sorted) {
                    product(
                        run.count, rows + run.lowerBound * x.columns, x.columns, group: Int(sorted[run.lowerBound]),
                        groups, transposeRight, products + run.lowerBound * y.columns, y.columns)
                }
            }
            for (place, row) in order.enumerated() {
                (y.floats + row * y.stride).update(from: products + place * y.columns, count: y.columns)
            }
        }
    }

    private func product(
        _ count: Int, _ rows: UnsafeMutablePointer<Float>, _ rowStride: Int, group: Int, _ groups: Int,
        _ transposeRight: Bool, _ products: UnsafeMutablePointer<Float>, _ productStride: Int
    ) {
        let (x, matrices, y) = (input(0), input(1), result())
        let first = matrices.floats + group * (matrices.rows / groups) * matrices.stride
        ck_gemm_stored(
            CK_STORAGE_F32, false, transposeRight, Int64(count), y.columns64, x.columns64, 1, rows, Int64(rowStride),
            first, matrices.stride64, 0, products, Int64(productStride), nil)
    }

    /// Where neighbours are equal.
    private static func runs(of groups: UnsafeBufferPointer<Int32>) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        for place in groups.indices where place + 1 == groups.count || groups[place + 1] != groups[place] {
            runs.append(start..<place + 1)
            start = place + 1
        }
        return runs
    }
}
