/// A matrix of Float64 numbers, row after row.
///
/// ```swift
/// let identity = Matrix64(rows: 2, columns: 2, values: [1, 0, 0, 1])
/// ```
public struct Matrix64: Hashable, Sendable {
    public var rows: Int
    public var columns: Int
    /// rows · columns numbers; the interpreter refuses a matrix with another count.
    public var values: [Double]

    /// A matrix of given numbers.
    public init(rows: Int, columns: Int, values: [Double]) {
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// A matrix of equal numbers; without rows if an extent is negative.
    public init(rows: Int, columns: Int, repeating value: Double = 0) {
        self.rows = max(rows, 0)
        self.columns = max(columns, 0)
        values = Array(repeating: value, count: self.rows * self.columns)
    }

    /// A `[1, 1]` matrix.
    public init(_ scalar: Double) { self.init(rows: 1, columns: 1, values: [scalar]) }

    /// One element.
    public subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// The numbers of one row.
    public func row(_ row: Int) -> [Double] { Array(values[row * columns..<(row + 1) * columns]) }

    /// Whether there are as many numbers as the extents say.
    var isConsistent: Bool {
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        return rows >= 0 && columns >= 0 && !overflow && values.count == count
    }
}
