import CKernels

extension ExecutableStep {
    /// op(a) [m, k] · op(b) [k, n] + bias [1, n].
    func runProduct(
        _ transposeLeft: Bool, _ transposeRight: Bool, _ storage: ck_storage, _ precision: ProductPrecision
    ) {
        let (a, b, y) = (input(0), input(1), result())
        guard y.rows > 0, y.columns > 0 else { return }
        let inner = transposeLeft ? a.rows64 : a.columns64
        let bias = inputCount > 2 ? UnsafePointer(input(2).floats) : nil
        guard inner > 0 else {
            // An empty sum: no labelled rows give a zero gradient.
            if let bias {
                ck_copy(y.rows64, y.columns64, bias, 0, y.floats, y.stride64)
            } else {
                ck_fill(y.rows64, y.columns64, 0, y.floats, y.stride64)
            }
            return
        }
        if precision == .int8, !transposeLeft, transposeRight {
            return ck_gemm_int8(
                storage, y.rows64, y.columns64, inner, a.floats, a.stride64, b.address, b.stride64, y.floats,
                y.stride64, bias)
        }
        if precision == .bf16, !transposeLeft {
            return ck_gemm_bf16(
                storage, transposeRight, y.rows64, y.columns64, inner, a.floats, a.stride64, b.address, b.stride64,
                y.floats, y.stride64, bias)
        }
        ck_gemm_stored(
            storage, transposeLeft, transposeRight, y.rows64, y.columns64, inner, 1, a.floats, a.stride64, b.address,
            b.stride64, 0, y.floats, y.stride64, bias)
    }

    func runLayout() {
        let (x, y) = (input(0), result())
        switch kernel {
        case .transpose:
            ck_transpose(x.rows64, x.columns64, x.floats, x.stride64, y.floats, y.stride64)
        case .replaceColumns(let start):
            let part = input(1)
            copyUnlessInPlace(x, to: y)
            ck_copy(part.rows64, part.columns64, part.floats, part.stride64, y.floats + start, y.stride64)
        case .padColumns(let start):
            let after = start + x.columns
            ck_fill(y.rows64, Int64(start), 0, y.floats, y.stride64)
            ck_fill(y.rows64, y.columns64 - Int64(after), 0, y.floats + after, y.stride64)
            ck_copy(x.rows64, x.columns64, x.floats, x.stride64, y.floats + start, y.stride64)
        case .concatenateColumns:
            var column = 0
            for place in 0..<inputCount {
                let part = input(place)
                ck_copy(part.rows64, part.columns64, part.floats, part.stride64, y.floats + column, y.stride64)
                column += part.columns
            }
        default:
            break
        }
    }

    func copyUnlessInPlace(_ x: Operand, to y: Operand) {
        if x.address != y.address {
            ck_copy(y.rows64, y.columns64, x.floats, x.stride64, y.floats, y.stride64)
        }
    }
}
