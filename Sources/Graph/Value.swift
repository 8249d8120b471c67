/// A value of a graph that is being built, with arithmetic that appends nodes.
///
/// ```swift
/// let edited = rows + (target - rows.times(rotation)).times(rotation, transposed: true)
/// ```
public struct Value {
    /// The builder that the value belongs to.
    public let builder: GraphBuilder
    /// Its place in the builder's graph.
    public let id: ValueID
    /// Element type and shape.
    public let type: ValueType

    /// The extents.
    public var shape: Shape { type.shape }
    /// The number of columns, which is known without a batch for all real values of a model; 0 if it is not.
    public var width: Int { type.shape.columns.fixedValue ?? 0 }
}

// MARK: - Arithmetic

extension Value {
    /// Sum; an extent of 1 is repeated.
    public static func + (left: Value, right: Value) -> Value { left.builder.node(.binary(.add), left, right) }
    /// Difference; an extent of 1 is repeated.
    public static func - (left: Value, right: Value) -> Value { left.builder.node(.binary(.subtract), left, right) }
    /// Elementwise product; an extent of 1 is repeated.
    public static func * (left: Value, right: Value) -> Value { left.builder.node(.binary(.multiply), left, right) }
    /// Elementwise quotient; an extent of 1 is repeated.
    public static func / (left: Value, right: Value) -> Value { left.builder.node(.binary(.divide), left, right) }
    /// Product with a number.
    public static func * (left: Double, right: Value) -> Value { right.affine(factor: left, offset: 0) }
    /// Product with a number.
    public static func * (left: Value, right: Double) -> Value { left.affine(factor: right, offset: 0) }
    /// Sum with a number.
    public static func + (left: Value, right: Double) -> Value { left.affine(factor: 1, offset: right) }
    /// Difference to a number.
    public static func - (left: Value, right: Double) -> Value { left.affine(factor: 1, offset: -right) }
    /// Difference from a number.
    public static func - (left: Double, right: Value) -> Value { right.affine(factor: -1, offset: left) }
    /// Negation.
    public static prefix func - (value: Value) -> Value { value.affine(factor: -1, offset: 0) }

    /// factor · x + offset.
    public func affine(factor: Double, offset: Double) -> Value {
        builder.node(.affine(factor: factor, offset: offset), self)
    }

    /// A function of each element.
    public func applying(_ function: UnaryFunction) -> Value { builder.node(.unary(function), self) }

    /// A function of each element and its counterpart; an extent of 1 is repeated.
    public func applying(_ function: BinaryFunction, _ other: Value) -> Value {
        builder.node(.binary(function), self, other)
    }
}

// MARK: - Reductions

extension Value {
    /// The sum over an axis.
    public func sum(_ axis: SumAxis) -> Value { builder.node(.sum(axis), self) }

    /// The softmax of each row.
    public func softmax() -> Value { builder.node(.softmax, self) }

    /// Repeats extents of 1 up to a shape; the value itself if it has that shape.
    public func broadcast(to shape: Shape) -> Value {
        self.shape == shape ? self : builder.node(.broadcast(shape), self)
    }
}

// MARK: - Products and layout

extension Value {
    /// self · other, or self · otherᵀ.
    public func times(_ other: Value, transposed: Bool = false) -> Value {
        builder.node(.matmul(transposeLeft: false, transposeRight: transposed), self, other)
    }

    /// A linear layer as checkpoints store it: self · weightᵀ + bias, weight `[outputs, inputs]`.
    public func linear(_ weight: Value, bias: Value? = nil) -> Value {
        let product = times(weight, transposed: true)
        return bias.map { product + $0 } ?? product
    }

    /// [n, c] → [c, n].
    public func transposed() -> Value { builder.node(.transpose, self) }

    /// The columns of a range.
    public func columns(_ range: Range<Int>) -> Value {
        builder.node(.sliceColumns(start: range.lowerBound, count: range.count), self)
    }

    /// The columns from `start` on replaced by another value.
    public func replacingColumns(from start: Int, with part: Value) -> Value {
        builder.node(.replaceColumns(start: start), self, part)
    }

    /// The rows at the indices.
    public func rows(at indices: Value) -> Value { builder.node(.gatherRows, self, indices) }

    /// The rows at the (distinct) indices replaced.
    public func replacingRows(at indices: Value, with rows: Value) -> Value {
        builder.node(.scatterRows, self, indices, rows)
    }
}
