import Graph

/// What the numbers of an index input must satisfy before a run.
struct IndexRule: Hashable, Sendable {
    enum Requirement: Hashable, Sendable {
        /// Each lies in 0 ..< extent.
        case within(PlannedDimension)
        /// Each lies below the extent; negative ones mean that there is none.
        case below(PlannedDimension)
        /// Each lies in 0 ..< extent and none occurs twice.
        case distinct(PlannedDimension)
        /// They rise from 0 to the extent.
        case offsets(PlannedDimension)
    }
    /// The node of the input.
    var input: NodeID
    var requirement: Requirement
    /// What the numbers point at, for the message.
    var meaning: String

    /// How many of the things that are pointed at there are.
    var dimension: PlannedDimension {
        switch requirement {
        case .within(let extent), .below(let extent), .distinct(let extent), .offsets(let extent): extent
        }
    }

    func check(_ name: String, _ indices: UnsafeBufferPointer<Int32>, extent: Int) throws(RuntimeError) {
        switch requirement {
        case .within:
            try checkRange(name, indices, extent)
        case .below:
            for (place, index) in indices.enumerated() where Int(index) >= extent {
                throw .indexOutOfRange(
                    input: name, place: place, value: Int(index), allowed: "0..<\(extent), or negative for none",
                    meaning: meaning)
            }
        case .distinct:
            try checkRange(name, indices, extent)
            try checkDistinct(name, indices)
        case .offsets:
            try checkOffsets(name, indices, extent)
        }
    }

    private func checkRange(
        _ name: String, _ indices: UnsafeBufferPointer<Int32>, _ extent: Int
    ) throws(RuntimeError) {
        for (place, index) in indices.enumerated() where index < 0 || Int(index) >= extent {
            throw .indexOutOfRange(
                input: name, place: place, value: Int(index), allowed: "0..<\(extent)", meaning: meaning)
        }
    }

    private func checkDistinct(_ name: String, _ indices: UnsafeBufferPointer<Int32>) throws(RuntimeError) {
        // Row lists are nearly always ascending, which shows that they are distinct without memory for it.
        var isAscending = true
        for place in 0..<indices.count where place > 0 && indices[place] <= indices[place - 1] { isAscending = false }
        if isAscending { return }
        var seen = Set<Int32>(minimumCapacity: indices.count)
        for (place, index) in indices.enumerated() where !seen.insert(index).inserted {
            throw .repeatedIndex(input: name, place: place, value: Int(index))
        }
    }

    private func checkOffsets(
        _ name: String, _ offsets: UnsafeBufferPointer<Int32>, _ rows: Int
    ) throws(RuntimeError) {
        guard offsets.count > 0 else { throw .inputExtent(name: name, axis: "rows", given: 0, wanted: 1) }
        let (first, last) = (offsets[0], offsets[offsets.count - 1])
        if first != 0 {
            throw .offsets(input: name, place: 0, value: Int(first), problem: "begin with 0")
        }
        for place in offsets.indices.dropFirst() where offsets[place] < offsets[place - 1] {
            throw .offsets(
                input: name, place: place, value: Int(offsets[place]),
                problem: "do not fall, and place \(place - 1) holds \(offsets[place - 1])")
        }
        if Int(last) != rows {
            throw .offsets(
                input: name, place: offsets.count - 1, value: Int(last),
                problem: "end with the number of rows, \(rows)")
        }
    }
}
