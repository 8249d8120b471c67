/// What a run is given: indices and numbers by the names of the graph's inputs.
///
/// ```swift
/// var batch = InputBatch()
/// batch.set("base.tokens", indices: [5, 9, 2])
/// batch.set("base.offsets", indices: [0, 3])
/// try executor.run(batch)
/// ```
/// Names that the plan does not read may be present; their extents still count.
public struct InputBatch: Sendable {
    enum Entry: Sendable {
        case indices([Int32])
        case numbers([Float], rows: Int, columns: Int)

        var rows: Int {
            switch self {
            case .indices(let indices): indices.count
            case .numbers(_, let rows, _): rows
            }
        }

        var columns: Int {
            switch self {
            case .indices: 1
            case .numbers(_, _, let columns): columns
            }
        }
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var sizes: [String: Int] = [:]

    /// An empty batch.
    public init() {}

    /// Gives an index input, `[indices.count, 1]`.
    public mutating func set(_ name: String, indices: [Int32]) { entries[name] = .indices(indices) }

    /// Gives a real input, row after row.
    public mutating func set(_ name: String, rows: Int, columns: Int, values: [Float]) {
        entries[name] = .numbers(values, rows: rows, columns: columns)
    }

    /// Gives the extent of a symbol that no input shows.
    public mutating func set(size symbol: String, _ extent: Int) { sizes[symbol] = extent }

    /// The indices that an index input has been given.
    public func indices(_ name: String) -> [Int32]? {
        if case .indices(let indices) = entries[name] { indices } else { nil }
    }

    /// The names that have been given.
    public var names: [String] { entries.keys.sorted() }
}
