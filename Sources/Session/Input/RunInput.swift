import Foundation

/// The input of a run in token form: a list of examples, read from JSON or from text.
///
/// ```json
/// { "sequences": [[1, 5, 9]], "labels": [[-100, 5, 9]], "prompt_lengths": [1],
///   "token_types": [[0, 0, 0]], "positions": {"subject": [[1, 2]]},
///   "sources": {"clean": {"sequences": [[1, 5, 8]]}}, "subspaces": {"loreft": [["style"]]} }
/// ```
/// For classifiers `labels` holds one class, or one number, for each sequence.
public struct RunInput: Hashable, Sendable {
    public var examples: [Example]
    /// The sequences of each source run.
    public var sources: [String: [Example]]

    /// The examples of a run.
    public init(_ examples: [Example], sources: [String: [Example]] = [:]) {
        self.examples = examples
        self.sources = sources
    }

    static let keys = [
        "sequences", "labels", "prompt_lengths", "token_types", "positions", "sources", "subspaces",
    ]

    /// Reads the JSON form.
    /// - Throws: ``InputError`` naming the place and every problem found.
    public init(json data: Data, file: String) throws(InputError) {
        let parsed: Any
        do {
            parsed = try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
        } catch {
            throw InputError(file: file, problems: ["this is no JSON: \(InputError.reason(error))"])
        }
        guard let object = parsed as? [String: Any] else {
            throw InputError(file: file, problems: ["expected an object with the key \"sequences\""])
        }
        var reader = RunInputReader(object: object)
        let examples = reader.examples()
        let sources = reader.sources()
        guard reader.problems.isEmpty else { throw InputError(file: file, problems: reader.problems) }
        self.init(examples, sources: sources)
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

    /// What Foundation says of damaged JSON, in one line.
    package static func reason(_ error: any Error) -> String {
        let details = (error as NSError).userInfo["NSDebugDescription"] as? String
        return details ?? error.localizedDescription
    }
}
