import CKernels
import Graph

extension ExecutableStep {
    func runNorm() {
        let (x, y) = (input(0), result())
        switch kernel {
        case .rmsNorm(let attributes):
            forEachGroup(attributes.groups, x) { rows, width, column, scale in
                ck_rms_norm(
                    rows, width, x.floats + column, x.stride64 / scale, input(1).floats, Float(attributes.epsilon),
                    Float(attributes.weightOffset), y.floats + column, y.stride64 / scale)
            }
        case .rmsNormGradient(let attributes):
            let dy = input(2)
            forEachGroup(attributes.groups, x) { rows, width, column, scale in
                ck_rms_norm_gradient(
                    rows, width, x.floats + column, x.stride64 / scale, input(1).floats, Float(attributes.epsilon),
                    Float(attributes.weightOffset), dy.floats + column, dy.stride64 / scale, y.floats + column,
                    y.stride64 / scale)
            }
        case .rmsNormWeightGradient(let attributes):
            runWeightGradient(attributes, x, dy: input(2), y)
        case .layerNorm(let epsilon):
            ck_layer_norm(
                y.rows64, y.columns64, x.floats, x.stride64, input(1).floats, input(2).floats, epsilon, y.floats,
                y.stride64)
        case .layerNormGradient(let epsilon):
            let dy = input(2)
            ck_layer_norm_gradient(
                y.rows64, y.columns64, x.floats, x.stride64, input(1).floats, epsilon, dy.floats, dy.stride64,
                y.floats, y.stride64)
        case .layerNormWeightGradient(let epsilon):
            let dy = input(1)
            ck_layer_norm_weight_gradient(
                x.rows64, x.columns64, x.floats, x.stride64, epsilon, dy.floats, dy.stride64, y.floats, nil)
        default:
            break
        }
    }

    /// Column groups that are normalised on their own. Where rows have no gaps a group is a row of a taller matrix and
    /// one call does them all: `scale` is what its stride shrinks by.
    private func forEachGroup(
        _ groups: Int, _ x: Operand, _ body: (_ rows: Int64, _ width: Int64, _ column: Int, _ scale: Int64) -> Void
    ) {
        let width = x.columns / max(groups, 1)
        var gapless = true
        for place in 0..<inputCount + resultCount where operands[place].columns == x.columns {
            gapless = gapless && operands[place].stride == x.columns
        }
        if groups > 1, gapless {
            body(Int64(x.rows * groups), Int64(width), 0, Int64(groups))
        } else {
            for group in 0..<groups { body(x.rows64, Int64(width), group * width, 1) }
        }
    }

    private func runWeightGradient(_ attributes: RMSNormAttributes, _ x: Operand, dy: Operand, _ y: Operand) {
        let width = x.columns / max(attributes.groups, 1)
        ck_fill(1, y.columns64, 0, y.floats, y.stride64)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(width, 1)) { part in
            guard let partial = part.baseAddress else { return }
            for group in 0..<attributes.groups {
                ck_rms_norm_weight_gradient(
                    x.rows64, Int64(width), x.floats + group * width, x.stride64, Float(attributes.epsilon),
                    dy.floats + group * width, dy.stride64, partial)
                ck_add_scaled(1, Int64(width), y.floats, y.stride64, 1, partial, Int64(width), y.floats, y.stride64)
            }
        }
    }
}
