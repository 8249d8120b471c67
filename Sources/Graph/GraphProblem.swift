/// A mistake in the construction of a graph: what was given, where, and what is allowed.
public struct GraphProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence that says what was given and what is allowed.
    public var message: String
    /// Where the faulty node comes from.
    public var provenance: Provenance

    public init(_ message: String, at provenance: Provenance) {
        self.message = message
        self.provenance = provenance
    }

    public var description: String { "\(provenance): \(message)" }
}

/// All problems found at once.
public struct GraphProblems: Error, Sendable, CustomStringConvertible {
    public var problems: [GraphProblem]

    public init(_ problems: [GraphProblem]) { self.problems = problems }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
