/// Why a graph could not be interpreted: what was given, where, and what is allowed.
public enum InterpreterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The graph itself is wrong, as ``ComputationGraph/verify()`` says.
    case invalidGraph([GraphProblem])
    /// A value was asked for that the graph does not have.
    case noSuchValue(ValueID, nodes: Int)
    /// A leaf has no numbers. `leaf` is `input x`; `nearest` is the likeliest bound name.
    case unbound(leaf: String, type: ValueType, nearest: String?)
    /// A leaf has numbers of another kind or shape than its type says.
    case wrongShape(leaf: String, given: String, expected: ValueType)
    /// A matrix whose extents and count of numbers disagree.
    case inconsistentMatrix(leaf: String, rows: Int, columns: Int, count: Int)
    /// Two bindings give one symbol different numbers.
    case contradiction(symbol: Symbol, first: Int, firstSource: String, second: Int, secondSource: String)
    /// No binding gives the symbol a number.
    case unboundSymbol(Symbol, value: ValueID, provenance: Provenance)
    /// A result that would have too many elements to count.
    case tooLarge(ValueID, rows: Int, columns: Int)
    /// An index outside of what it points into.
    case indexOutOfRange(operation: String, place: Int, index: Int, count: Int, provenance: Provenance)
    /// An index given twice where rows are replaced.
    case repeatedIndex(index: Int, places: [Int], provenance: Provenance)
    /// Sequence offsets that do not start at 0, descend, or do not end at the number of rows.
    case offsets([Int], rows: Int, provenance: Provenance)
    /// Another number of pairs than the offsets of queries and keys make.
    case pairs(given: Int, wanted: Int, provenance: Provenance)
    /// Stored keys or values that do not fit the attention that reads them.
    case stored(slot: Int, message: String, provenance: Provenance)

    public var description: String {
        switch self {
        case .invalidGraph(let problems):
            return problems.map(\.description).joined(separator: "\n")
        case .noSuchValue(let value, let nodes):
            return "there is no value \(value) in a graph of \(nodes) nodes"
        case .unbound(let leaf, let type, let nearest):
            let hint = nearest.map { "; did you mean to bind it as \($0)?" } ?? ""
            return "\(leaf) of type \(type) is not bound\(hint)"
        case .wrongShape(let leaf, let given, let expected):
            return "\(leaf) is bound to \(given), its type is \(expected)"
        case .inconsistentMatrix(let leaf, let rows, let columns, let count):
            return "\(leaf) is bound to a matrix of \(rows) × \(columns) that holds \(count) numbers"
        case .contradiction(let symbol, let first, let firstSource, let second, let secondSource):
            return "\(symbol) is \(first) by \(firstSource) but \(second) by \(secondSource)"
        case .unboundSymbol(let symbol, let value, let provenance):
            return "\(provenance): the extent \(symbol) of \(value) is not given by any bound input"
        case .tooLarge(let value, let rows, let columns):
            return "\(value) would have \(rows) × \(columns) elements"
        case .indexOutOfRange(let operation, let place, let index, let count, let provenance):
            return "\(provenance): \(operation) reads index \(index) at place \(place), allowed are 0..<\(count)"
        case .repeatedIndex(let index, let places, let provenance):
            let shown = places.map(String.init).joined(separator: " and ")
            return "\(provenance): scatterRows replaces row \(index) twice, by places \(shown)"
        case .offsets(let offsets, let rows, let provenance):
            return "\(provenance): the offsets \(offsets) must start at 0, not descend and end at the \(rows) rows"
        case .pairs(let given, let wanted, let provenance):
            return "\(provenance): the offsets make \(wanted) pairs of queries and keys, not \(given)"
        case .stored(let slot, let message, let provenance):
            return "\(provenance): store slot \(slot) \(message)"
        }
    }
}
