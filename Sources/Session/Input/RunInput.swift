import Foundation

/// The input of a run in token form: a list of examples, read from JSON or from text.
///
/// ```json
/// { "sequences": [[1, 5, 9]], "labels": [[-100, 5, 9]], "prompt_lengths": [1],
///   "token_types": [[0, 0, 0]], "positions": {"subject": [[1, 2]]},
///   "sources": {"clean": {"sequences": [[1, 5, 8]]}} }
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
        "sequences", "labels", "prompt_lengths", "token_types", "positions", "sources",
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

    /// Checks everything that the model knows about tokens: ids, token types, classes, lengths.
    /// - Throws: ``InputError`` with every problem.
    public func validate(
        vocabularySize: Int, maximumLength: Int?, classes: Int?, file: String = "input"
    ) throws(InputError) {
        var problems: [String] = []
        if examples.isEmpty { problems.append("there is no sequence: at least one is needed") }
        for (index, example) in examples.enumerated() {
            let place = "sequence \(index)"
            if example.tokens.isEmpty { problems.append("\(place) is empty: at least one token is needed") }
            if let maximumLength, example.tokens.count > maximumLength {
                problems.append("\(place) has \(example.tokens.count) tokens; the model takes at most \(maximumLength)")
            }
            for (position, token) in example.tokens.enumerated() where token < 0 || token >= vocabularySize {
                problems.append("\(place), position \(position): token \(token) is not within 0..<\(vocabularySize)")
                break
            }
            switch example.target {
            case .tokens(let labels):
                if classes != nil {
                    problems.append("\(place) has a label for each token; a classifier takes one for the sequence")
                }
                for (position, label) in labels.enumerated()
                where label != Example.ignoredLabel && (label < 0 || label >= vocabularySize) {
                    problems.append(
                        "\(place), position \(position): label \(label) is not within 0..<\(vocabularySize), nor −100")
                    break
                }
            case .category(let label):
                guard let classes else {
                    problems.append("\(place) has the label \(label); a language model takes one for each token")
                    continue
                }
                if label < 0 || label >= classes {
                    problems.append("\(place): class \(label) is not within 0..<\(classes)")
                }
            case .number, .none:
                break
            }
            if let length = example.givenPromptLength, length < 0 || length > example.tokens.count {
                problems.append("\(place): the prompt length \(length) is not within 0...\(example.tokens.count)")
            }
        }
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
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
    static func reason(_ error: any Error) -> String {
        let details = (error as NSError).userInfo["NSDebugDescription"] as? String
        return details ?? error.localizedDescription
    }
}
