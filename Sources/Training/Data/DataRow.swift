/// One row of a data set before it meets a tokenizer.
public enum DataRow: Hashable, Sendable {
    /// A prompt and what should follow it.
    case text(prompt: String, completion: String)
    /// An instruction with an input (perhaps empty) and the output, to be put into a template.
    case instruction(String, input: String, output: String)
    /// A sentence, or a pair of them, and its class or number.
    case classified(String, pair: String?, label: Double)
    /// Token ids and one label for each, −100 where nothing is predicted.
    case tokens([Int32], labels: [Int32], promptLength: Int?)
    /// Token ids and the class or number of the whole sequence.
    case classifiedTokens([Int32], label: Double)
}

/// Data that can not be used, with every problem found in it.
public struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var problems: [String]

    /// Problems of one file.
    public init(file: String, problems: [String]) {
        self.file = file
        self.problems = problems
    }

    /// At most this many problems are printed; the rest are counted.
    static let shown = 20

    public var description: String {
        var lines = problems.prefix(Self.shown).map { "\(file): \($0)" }
        if problems.count > Self.shown { lines.append("\(file): and \(problems.count - Self.shown) more problems") }
        return lines.joined(separator: "\n")
    }
}
