import Graph

/// An extent as the executor resolves it: a number, or the number of a symbol in ``Plan/symbols``.
struct PlannedDimension: Hashable, Sendable {
    /// −1 for a fixed extent.
    var symbol: Int
    var fixed: Int

    static func fixed(_ extent: Int) -> PlannedDimension { PlannedDimension(symbol: -1, fixed: extent) }

    func extent(_ sizes: [Int]) -> Int { symbol < 0 ? fixed : sizes[symbol] }
}

/// Where the numbers of a value lie.
enum Location: Hashable, Sendable {
    /// In an input, weight, parameter or constant: the node of the leaf and the first column.
    case leaf(NodeID, column: Int)
    /// In a buffer: the storage's number, the first column, and the length of a row of the storage.
    case buffer(Int, column: Int, rowLength: PlannedDimension)
}

/// A value as one step reads or writes it.
struct PlannedOperand: Hashable, Sendable {
    var location: Location
    var rows: PlannedDimension
    var columns: PlannedDimension
}

/// One kernel call.
struct PlannedStep: Sendable {
    /// The node whose operation it computes.
    var node: NodeID
    /// For a pair of rotary tables, which one call computes, the node of the other one.
    var twin: NodeID?
    var inputs: [PlannedOperand]
    /// nil where nobody reads the result.
    var results: [PlannedOperand?]
}

/// One piece of memory that values share, one after another: `coefficient` times the extents of its symbols.
struct BufferSlot: Hashable, Sendable {
    /// −1 where the extent is fixed and part of the coefficient.
    var rowSymbol: Int
    var columnSymbol: Int
    var coefficient: Int

    /// How many floats it takes.
    func count(_ sizes: [Int]) -> Int { coefficient * unit(sizes) }

    /// How many floats one of the coefficient stands for.
    func unit(_ sizes: [Int]) -> Int {
        (rowSymbol < 0 ? 1 : sizes[rowSymbol]) * (columnSymbol < 0 ? 1 : sizes[columnSymbol])
    }
}

/// Where a storage lies: in which slot, and how far from its beginning, in the unit of the slot's coefficient.
struct BufferPlace: Hashable, Sendable {
    var slot: Int
    var offset: Int
}
