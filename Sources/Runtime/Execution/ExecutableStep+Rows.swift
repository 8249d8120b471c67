import CKernels
import Graph

extension ExecutableStep {
    /// - Returns: false when an index points nowhere, which the checks before a run rule out.
    func runRows() -> Bool {
        let (x, y) = (input(0), result())
        switch kernel {
        case .gatherRows(let storage):
            let indices = input(1)
            return ck_gather_rows(
                storage, y.rows64, y.columns64, x.address, x.rows64, x.stride64, indices.indices, y.floats, y.stride64)
                < 0
        case .scatterRows:
            let (indices, rows) = (input(1), input(2))
            copyUnlessInPlace(x, to: y)
            return ck_scatter_rows(
                rows.rows64, rows.columns64, rows.floats, rows.stride64, indices.indices, y.floats, y.rows64,
                y.stride64) < 0
        case .scatterAddRows:
            ck_fill(y.rows64, y.columns64, 0, y.floats, y.stride64)
            return ck_scatter_add_rows(
                x.rows64, x.columns64, x.floats, x.stride64, input(1).indices, y.floats, y.rows64, y.stride64) < 0
        default:
            return false
        }
    }

    func runRotaryTables(_ factor: Float) {
        let (positions, frequencies, cosines, sines) = (input(0), input(1), result(0), result(1))
        // Angles rounded to f32, as the frameworks that the models were trained with have them.
        ck_rotary_tables(
            cosines.rows64, cosines.columns64, positions.indices, frequencies.floats, factor, true, cosines.floats,
            sines.floats, cosines.stride64)
    }

    func runRotation(_ attributes: RotaryAttributes) {
        let (x, cosines, sines, y) = (input(0), input(1), input(2), result())
        // The kernel reads both tables with one stride. They differ only where a table was cut out of a wider value.
        guard cosines.stride == sines.stride || cosines.rows <= 1 else {
            return rotateRowByRow(attributes, x, cosines, sines, y)
        }
        ck_rotary(
            x.rows64, Int64(attributes.heads), Int64(attributes.headSize), cosines.columns64, attributes.interleaved,
            attributes.inverse, x.floats, x.stride64, cosines.floats, sines.floats, cosines.stride64, y.floats,
            y.stride64)
    }

    private func rotateRowByRow(
        _ attributes: RotaryAttributes, _ x: Operand, _ cosines: Operand, _ sines: Operand, _ y: Operand
    ) {
        for row in 0..<x.rows {
            ck_rotary(
                1, Int64(attributes.heads), Int64(attributes.headSize), cosines.columns64, attributes.interleaved,
                attributes.inverse, x.floats + row * x.stride, x.stride64, cosines.floats + row * cosines.stride,
                sines.floats + row * sines.stride, cosines.columns64, y.floats + row * y.stride, y.stride64)
        }
    }

    func runLoss() -> Bool {
        let (logits, targets, y) = (input(0), input(1), result())
        switch kernel {
        case .crossEntropy:
            return ck_cross_entropy(
                logits.rows64, logits.columns64, logits.floats, logits.stride64, targets.indices, y.floats, nil) < 0
        case .crossEntropyGradient:
            let dy = input(2)
            let dyStride = dy.rows == 1 ? 0 : dy.stride64
            return ck_cross_entropy_gradient(
                logits.rows64, logits.columns64, logits.floats, logits.stride64, targets.indices, nil, dy.floats,
                dyStride, y.floats, y.stride64) < 0
        case .linearCrossEntropy(let storage, let rounds):
            let (matrix, classes, slopes) = (input(1), input(2), result(1))
            return ck_linear_cross_entropy(
                storage, rounds, logits.rows64, matrix.rows64, logits.columns64, logits.floats, logits.stride64,
                matrix.address, matrix.stride64, classes.indices, y.optionalFloats, slopes.optionalFloats,
                slopes.stride64) < 0
        default:
            return false
        }
    }

    func runRandom() {
        let (seedInput, y) = (input(0), result())
        guard seedInput.rows > 0 else { return }
        let seed = UInt64(UInt32(bitPattern: seedInput.indices[0]))
        let count = y.rows64 * y.columns64
        switch kernel {
        case .uniform(let stream): ck_random_uniform(seed, UInt64(stream), 0, count, y.floats)
        case .normal(let stream): ck_random_normal(seed, UInt64(stream), 0, count, y.floats)
        case .dropoutMask(let rate, let stream): ck_dropout_mask(seed, UInt64(stream), 0, count, rate, y.floats)
        default: break
        }
    }
}
