/// A named row count that is known only when a batch is bound, such as the number of token rows of a run.
///
/// Two dimensions with the same symbol are equal in every batch; two different symbols may or may not be.
public struct Symbol: Hashable, Sendable, CustomStringConvertible {
    /// The name, `base.rows` for the token rows of the base run.
    public let name: String

    /// A symbol of this name.
    public init(_ name: String) { self.name = name }

    public var description: String { name }
}

/// One extent of a matrix: a number, or a symbol that is bound with each batch.
public enum Dimension: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    case fixed(Int)
    case symbol(Symbol)

    public init(integerLiteral value: Int) { self = .fixed(value) }

    /// A dimension named by a symbol.
    public static func named(_ name: String) -> Dimension { .symbol(Symbol(name)) }

    /// The number, where it is known without a batch.
    public var fixedValue: Int? {
        if case .fixed(let value) = self { value } else { nil }
    }

    public var description: String {
        switch self {
        case .fixed(let value): "\(value)"
        case .symbol(let symbol): symbol.name
        }
    }
}

/// The extents of a value. Every value is a matrix: a row vector is `[1, n]`, a scalar `[1, 1]`,
/// a list of indices `[n, 1]`.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
    public var rows: Dimension
    public var columns: Dimension

    /// A matrix of `rows` × `columns`.
    public init(_ rows: Dimension, _ columns: Dimension) {
        self.rows = rows
        self.columns = columns
    }

    /// `[1, 1]`.
    public static let scalar = Shape(1, 1)

    /// The number of elements, where both extents are known without a batch and it is a number at all.
    public var fixedCount: Int? {
        guard let rows = rows.fixedValue, let columns = columns.fixedValue else { return nil }
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        return overflow ? nil : count
    }

    public var description: String { "[\(rows), \(columns)]" }
}

/// What the elements of a value are.
public enum ElementType: String, Hashable, Sendable, Codable {
    /// A real number: Float32 when executed, Float64 in the interpreter.
    case real
    /// A 32-bit integer: token ids, positions, offsets, row indices.
    case index
}

/// Element type and shape of a value.
public struct ValueType: Hashable, Sendable, CustomStringConvertible {
    /// Real numbers or indices.
    public var element: ElementType
    public var shape: Shape

    public init(_ element: ElementType, _ shape: Shape) {
        self.element = element
        self.shape = shape
    }

    /// Real numbers of this shape.
    public static func real(_ rows: Dimension, _ columns: Dimension) -> ValueType {
        ValueType(.real, Shape(rows, columns))
    }

    /// A list of `count` indices.
    public static func indices(_ count: Dimension) -> ValueType { ValueType(.index, Shape(count, 1)) }

    public var description: String { element == .real ? "\(shape)" : "index\(shape)" }
}
