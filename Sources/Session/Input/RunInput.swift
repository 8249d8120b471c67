import Foundation
import JSON

/// The input of a run in token form: a list of examples, read from JSON or from text.
///
/// ```json
/// { "sequences": [[1, 5, 9]], "labels": [[-100, 5, 9]], "prompt_lengths": [1],
///   "token_types": [[0, 0, 0]], "positions": {"subject": [[1, 2]]},
///   "sources": {"clean": {"sequences": [[1, 5, 8]], "example_map": [0]}}, "subspaces": {"loreft": [["style"]]} }
/// ```
/// For classifiers `labels` holds one class, or one number, for each sequence. A source run has a sequence for each of
/// the base run's, or one that all read; `example_map` says otherwise: sequence i reads sequence `example_map[i]`.
public struct RunInput: Hashable, Sendable {
    /// The sequences of the base run with those of the source runs that they read.
    public var examples: [Example]

    /// The examples of a run.
    public init(_ examples: [Example]) { self.examples = examples }

    static let keys = [
        "sequences", "labels", "prompt_lengths", "token_types", "positions", "sources", "subspaces",
        "adapter_index",
    ]

    static let sourceKeys = ["sequences", "prompt_lengths", "token_types", "positions", "subspaces", "example_map"]

    /// Reads the JSON form.
    /// - Throws: ``InputError`` naming the place and every problem found.
    public init(json data: Data, file: String) throws(InputError) {
        let parsed: JSONValue
        do throws(JSONError) {
            parsed = try JSONValue(parsing: Array(data))
        } catch {
            throw InputError(file: file, problems: [error.complaint])
        }
        guard case .object(let object) = parsed else {
            throw InputError(file: file, problems: ["expected an object with the key \"sequences\""])
        }
        var reader = RunInputReader(object: object)
        let examples = reader.examplesWithSources()
        guard reader.problems.isEmpty else { throw InputError(file: file, problems: reader.problems) }
        self.init(examples)
    }
}

/// Input that can not be used, with every problem found in it.
public struct InputError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var problems: [String]

    /// Problems of one input.
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
