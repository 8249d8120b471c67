extension [Example] {
    /// The same examples, each with the sequence of a source run that it reads.
    ///
    /// ```swift
    /// let patched = try examples.reading("clean", from: [cleanPrompt])            // all read the same
    /// let mapped = try examples.reading("clean", from: cleanPrompts, map: [0, 0, 1])
    /// ```
    /// - Parameters:
    ///   - sequences: One for each example, or one that all read.
    ///   - map: Example i reads sequence `map[i]`; then there may be any number of sequences.
    /// - Throws: ``InputError`` for a number of sequences that does not fit, or an entry of the map without a sequence.
    public func reading(
        _ run: String, from sequences: [Example], map: [Int]? = nil
    ) throws(InputError) -> [Example] {
        var problems: [String] = []
        if sequences.isEmpty { problems.append("there is no sequence: at least one is needed") }
        if let map {
            if map.count != count { problems.append("example_map has \(map.count) entries where \(count) are needed") }
            for (place, entry) in map.enumerated() where !sequences.indices.contains(entry) && !sequences.isEmpty {
                problems.append("example_map[\(place)] is \(entry), which is not within 0..<\(sequences.count)")
            }
        } else if sequences.count > 1, sequences.count != count {
            problems.append(
                "has \(sequences.count) sequences where the base run has \(count): "
                    + "give as many, 1 that all read, or an example_map")
        }
        guard problems.isEmpty else { throw InputError(file: "sources.\(run)", problems: problems) }
        return enumerated().map { place, example in
            var reading = example
            reading.sources[run] = sequences[map?[place] ?? (sequences.count == 1 ? 0 : place)]
            return reading
        }
    }
}
