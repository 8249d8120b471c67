import CKernels

extension ExecutableStep {
    func runReduction() {
        let (x, y) = (input(0), result())
        switch kernel {
        case .sumOfRows:
            ck_column_sums(x.rows64, x.columns64, x.floats, x.stride64, y.floats, false)
        case .sumOfColumns:
            ck_row_sums(x.rows64, x.columns64, x.floats, x.stride64, y.floats, y.stride64)
        case .sumOfAll:
            y.floats[0] = Float(ck_sum(x.rows64, x.columns64, x.floats, x.stride64))
        case .broadcast:
            runBroadcast(x, y)
        case .softmax:
            ck_softmax(y.rows64, y.columns64, x.floats, x.stride64, y.floats, y.stride64)
        case .softmaxGradient:
            let dy = input(1)
            ck_softmax_gradient(
                y.rows64, y.columns64, x.floats, x.stride64, dy.floats, dy.stride64, y.floats, y.stride64)
        case .logSoftmax:
            ck_log_softmax(y.rows64, y.columns64, x.floats, x.stride64, y.floats, y.stride64)
        case .logSoftmaxGradient:
            let dy = input(1)
            ck_log_softmax_gradient(
                y.rows64, y.columns64, x.floats, x.stride64, dy.floats, dy.stride64, y.floats, y.stride64)
        default:
            break
        }
    }

    private func runBroadcast(_ x: Operand, _ y: Operand) {
        if x.columns == y.columns {
            // A row stride of 0 reads the one row again for each row of the result.
            ck_copy(
                y.rows64, y.columns64, x.floats, x.rows == 1 && y.rows != 1 ? 0 : x.stride64, y.floats, y.stride64)
        } else {
            for row in 0..<y.rows {
                let value = x.floats[x.rows == 1 ? 0 : row * x.stride]
                ck_fill(1, y.columns64, value, y.floats + row * y.stride, y.stride64)
            }
        }
    }
}
