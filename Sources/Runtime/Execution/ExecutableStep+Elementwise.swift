import CKernels

extension ExecutableStep {
    func runElementwise() {
        let (x, y) = (input(0), result())
        switch kernel {
        case .unary(let kind):
            ck_unary(kind, y.rows64, y.columns64, x.floats, x.stride64, y.floats, y.stride64)
        case .unaryGradient(let kind):
            let dy = input(1)
            ck_unary_gradient(
                kind, y.rows64, y.columns64, x.floats, x.stride64, dy.floats, dy.stride64, y.floats, y.stride64)
        case .binary(let kind):
            let (a, b) = (repeated(x, over: y), repeated(input(1), over: y))
            ck_binary(
                kind, y.rows64, y.columns64, x.floats, a.row, a.column, input(1).floats, b.row, b.column, y.floats,
                y.stride64)
        case .greater:
            runComparison(x, input(1), y)
        case .scaleShift(let scale, let shift):
            ck_scale_shift(y.rows64, y.columns64, scale, shift, x.floats, x.stride64, y.floats, y.stride64)
        case .gated(let kind):
            let up = input(1)
            ck_gated(kind, y.rows64, y.columns64, x.floats, x.stride64, up.floats, up.stride64, y.floats, y.stride64)
        case .gatedGradient(let kind):
            let (up, dy, dUp) = (input(1), input(2), result(1))
            ck_gated_gradient(
                kind, x.rows64, x.columns64, x.floats, x.stride64, up.floats, up.stride64, dy.floats, dy.stride64,
                y.optionalFloats, y.stride64, dUp.optionalFloats, dUp.stride64)
        default:
            break
        }
    }

    /// The strides with which an operand of a smaller extent is repeated over the result.
    private func repeated(_ operand: Operand, over result: Operand) -> (row: Int64, column: Int64) {
        (
            operand.rows == 1 && result.rows != 1 ? 0 : operand.stride64,
            operand.columns == 1 && result.columns != 1 ? 0 : 1
        )
    }

    /// 1 where a > b, else 0. Rare, so that it has no kernel of its own.
    private func runComparison(_ a: Operand, _ b: Operand, _ y: Operand) {
        let (aStrides, bStrides) = (repeated(a, over: y), repeated(b, over: y))
        for row in 0..<y.rows {
            let (aRow, bRow) = (a.floats + row * Int(aStrides.row), b.floats + row * Int(bStrides.row))
            let yRow = y.floats + row * y.stride
            for column in 0..<y.columns {
                yRow[column] = aRow[column * Int(aStrides.column)] > bRow[column * Int(bStrides.column)] ? 1 : 0
            }
        }
    }
}
