import Graph

/// An index input of a plan whose numbers can be changed where they lie, from one run to the next.
public struct IndexInput: Sendable {
    /// The name of the graph's input.
    public let name: String
    let leaf: Int
}

extension Executor {
    /// The index input of that name; nil where the plan reads none, and for offsets, which decide how large values are.
    public func indexInput(_ name: String) -> IndexInput? {
        for input in inputTypes where input.name == name && input.type.element == .index {
            guard let leaf = input.leaf, let memory = inputs[leaf], !memory.isOffsets else { return nil }
            return IndexInput(name: name, leaf: leaf)
        }
        return nil
    }

    /// Whether ``runAgain(parameters:keyValues:)`` can follow: something was run, and no extent depends on how much is stored.
    public var canRunAgain: Bool { isResolved && plan.pairCounts.isEmpty }

    /// Changes one number of the last batch for the next run.
    /// - Throws: ``RuntimeError/indexOutOfRange(input:place:value:allowed:meaning:)`` for a row that the input does not have.
    public func set(_ input: IndexInput, row: Int, to index: Int32) throws(RuntimeError) {
        guard let memory = inputs[input.leaf], 0..<memory.count ~= row else {
            throw .indexOutOfRange(
                input: input.name, place: row, value: Int(index), allowed: "rows of the last batch", meaning: "a row")
        }
        memory.set(row, index)
    }

    /// Runs the plan once more on the last batch, with the indices that were changed since. What a run prepares for its
    /// batch is kept: nothing is allocated, but room in the key/value store where that is full.
    /// - Throws: ``RuntimeError`` for changed indices that point at nothing, or where ``canRunAgain`` is false.
    public func runAgain(parameters: ParameterStore? = nil, keyValues: KeyValueStore? = nil) throws(RuntimeError) {
        guard canRunAgain else { throw .setting(name: "run again", given: "the first run", allowed: "later ones") }
        try bind(parameters)
        try checkIndices()
        resolve()
        try runSteps(on: keyValues)
    }
}
