import Foundation

extension NodeEvaluation {
    /// y = f(x).
    func mapped(_ function: UnaryFunction) -> Matrix64 {
        var y = real(0)
        for i in y.values.indices { y.values[i] = function.value(y.values[i]) }
        return y
    }

    /// dx = f′(x) · dy.
    func mappedGradient(_ function: UnaryFunction) -> Matrix64 {
        let (x, dy) = (real(0), real(1))
        var dx = zeros()
        for i in dx.values.indices { dx.values[i] = function.derivative(x.values[i]) * dy.values[i] }
        return dx
    }

    /// y[r, c] = f(a[r, c], b[r, c]), an extent of 1 repeated.
    func combined(_ function: BinaryFunction) -> Matrix64 {
        let (a, b) = (real(0), real(1))
        var y = zeros()
        for row in 0..<y.rows {
            for column in 0..<y.columns {
                let left = a[a.rows == 1 ? 0 : row, a.columns == 1 ? 0 : column]
                let right = b[b.rows == 1 ? 0 : row, b.columns == 1 ? 0 : column]
                y[row, column] = function.value(left, right)
            }
        }
        return y
    }

    /// y = factor · x + offset.
    func affine(_ factor: Double, _ offset: Double) -> Matrix64 {
        var y = real(0)
        for i in y.values.indices { y.values[i] = factor * y.values[i] + offset }
        return y
    }

    /// y = f(gate) · up.
    func gated(_ function: UnaryFunction) -> Matrix64 {
        let (gate, up) = (real(0), real(1))
        var y = zeros()
        for i in y.values.indices { y.values[i] = function.value(gate.values[i]) * up.values[i] }
        return y
    }

    /// dgate = f′(gate) · up · dy, dup = f(gate) · dy.
    func gatedGradient(_ function: UnaryFunction) -> [Matrix64] {
        let (gate, up, dy) = (real(0), real(1), real(2))
        var (dgate, dup) = (zeros(0), zeros(1))
        for i in dgate.values.indices {
            dgate.values[i] = function.derivative(gate.values[i]) * up.values[i] * dy.values[i]
            dup.values[i] = function.value(gate.values[i]) * dy.values[i]
        }
        return [dgate, dup]
    }
}

extension UnaryFunction {
    /// f(x).
    func value(_ x: Double) -> Double {
        switch self {
        case .negate: -x
        case .absolute: abs(x)
        case .square: x * x
        case .squareRoot: x.squareRoot()
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        case .reciprocal: 1 / x
        case .exponential: exp(x)
        case .logarithm: log(x)
        case .relu: x > 0 ? x : 0
        case .sigmoid: logistic(x)
        case .tanh: Foundation.tanh(x)
        case .softplus: max(x, 0) + log1p(exp(-abs(x)))
        case .silu: x * logistic(x)
        case .gelu: x * normalDistribution(x)
        case .geluTanh: 0.5 * x * (1 + Foundation.tanh(geluTanhArgument(x)))
        case .quickGelu: x * logistic(1.702 * x)
        }
    }

    /// f′(x); 0 at the corners of relu and of the absolute value.
    func derivative(_ x: Double) -> Double {
        switch self {
        case .negate: return -1
        case .absolute: return x > 0 ? 1 : x < 0 ? -1 : 0
        case .square: return 2 * x
        case .squareRoot: return 0.5 / x.squareRoot()
        case .reciprocalSquareRoot: return -0.5 / (x * x.squareRoot())
        case .reciprocal: return -1 / (x * x)
        case .exponential: return exp(x)
        case .logarithm: return 1 / x
        case .relu: return x > 0 ? 1 : 0
        case .sigmoid: return logistic(x) * logistic(-x)
        case .tanh:
            let y = Foundation.tanh(x)
            return 1 - y * y
        case .softplus: return logistic(x)
        case .silu: return logistic(x) * (1 + x * logistic(-x))
        case .gelu: return normalDistribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
        case .geluTanh:
            let y = Foundation.tanh(geluTanhArgument(x))
            let slope = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
            return 0.5 * (1 + y) + 0.5 * x * (1 - y * y) * slope
        case .quickGelu: return logistic(1.702 * x) * (1 + 1.702 * x * logistic(-1.702 * x))
        }
    }
}

extension BinaryFunction {
    /// f(a, b).
    func value(_ a: Double, _ b: Double) -> Double {
        switch self {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .maximum: a > b ? a : b
        case .minimum: a < b ? a : b
        case .greater: a > b ? 1 : 0
        }
    }
}

/// σ(x) = 1 / (1 + e⁻ˣ).
private func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// Φ(x), the distribution function of the standard normal.
private func normalDistribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

private func geluTanhArgument(_ x: Double) -> Double { (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x) }
