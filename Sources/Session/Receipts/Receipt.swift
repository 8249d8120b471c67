/// What a program did: for every edit where it fired and how much it changed.
///
/// ```swift
/// let result = try session.run(examples, receipt: true)
/// if let receipt = result.receipt { print(receipt) }
/// ```
public struct Receipt: Codable, Hashable, Sendable {
    /// What was run.
    public enum Stage: String, Codable, Hashable, Sendable {
        /// One batch.
        case run
        /// Prompts, which are step 0, and the decode steps from 1 on.
        case generation
        /// Epochs, counted from 1.
        case training
    }

    public var stage: Stage
    /// One for each site or head and part of the positions of each declaration, in the order of the program's hooks.
    public var edits: [Edit]

    /// One application of a declaration.
    public struct Edit: Codable, Hashable, Sendable {
        /// The declaration's name.
        public var declaration: String
        /// The line or the place in the program file that it was declared on.
        public var location: String
        /// The type of the intervention.
        public var intervention: String
        public var run: String
        public var component: String
        public var layer: Int?
        public var head: Int?
        /// The positions, or the part of them that is edited apart, in their text form.
        public var positions: String
        /// How many rows were edited, those of every step and every beam counted.
        public var rows = 0
        /// How many sequences had at least one such row; in training those of every epoch.
        public var sequences = 0
        /// The edited rows of each sequence, counted from its start; not in training. Beams and samples of one prompt
        /// count as one sequence. Empty where a site has one row for each sequence.
        public var sequenceRows: [SequenceRows] = []
        /// How much rows were changed; nil where they are only read, or none fired.
        public var change: Change?
        /// The same for each decode step or epoch in which a row was edited; empty for a run of one batch.
        public var steps: [Step] = []

        enum CodingKeys: String, CodingKey {
            case declaration, location, intervention, run, component, layer, head, positions, rows, sequences
            case sequenceRows = "sequence_rows"
            case change, steps
        }
    }

    /// The edited rows of one sequence.
    public struct SequenceRows: Codable, Hashable, Sendable {
        public var sequence: Int
        /// Ascending, each once.
        public var rows: [Int]
    }

    /// ‖edit(h) − h‖ over rows, and its ratio to ‖h‖. Of heads, over the head's columns; the declaration's scale
    /// and its weights within averages are in it. Rows with numbers that are not finite are left out.
    public struct Change: Codable, Hashable, Sendable {
        public var mean: Double
        public var largest: Double
        /// Over the rows that are not zero.
        public var relativeMean: Double
        public var relativeLargest: Double

        enum CodingKeys: String, CodingKey {
            case mean, largest
            case relativeMean = "relative_mean"
            case relativeLargest = "relative_largest"
        }
    }

    /// What an edit did in one decode step or epoch.
    public struct Step: Codable, Hashable, Sendable {
        public var step: Int
        public var rows: Int
        public var change: Change?
    }
}

extension Receipt {
    /// The declarations none of whose edits fired, each with why, in their order.
    public var neverFired: [String] {
        var order: [String] = []
        var fired: Set<String> = []
        var first: [String: Edit] = [:]
        for edit in edits {
            if first.updateValue(first[edit.declaration] ?? edit, forKey: edit.declaration) == nil {
                order.append(edit.declaration)
            }
            if edit.rows > 0 { fired.insert(edit.declaration) }
        }
        return order.filter { !fired.contains($0) }.compactMap { first[$0] }.map { edit in
            "\(edit.location): '\(edit.declaration)' never fired: "
                + "no row of \(edit.component) was computed at its positions '\(edit.positions)'"
        }
    }
}
