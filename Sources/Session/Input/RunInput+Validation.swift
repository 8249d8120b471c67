import Models

extension RunInput {
    /// Checks everything that the model knows about its input: token ids, token types, labels, lengths.
    /// - Throws: ``InputError`` with every problem.
    public func validate(for model: Model, file: String = "input") throws(InputError) {
        try validate(for: model, file: file, numbers: nil)
    }

    /// - Parameter numbers: By what number messages know each sequence; nil for its place.
    func validate(for model: Model, file: String, numbers: [Int]?) throws(InputError) {
        var problems: [String] = []
        if examples.isEmpty { problems.append("there is no sequence: at least one is needed") }
        for (index, example) in examples.enumerated() {
            problems += Self.problems(of: example, "sequence \(numbers?[index] ?? index)", model)
        }
        let labelled = examples.count { $0.target != .none }
        if !model.kind.scoresTokens, labelled > 0, labelled < examples.count {
            problems.append("\(labelled) of \(examples.count) sequences have a label: give one to each, or to none")
        }
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
    }

    private static func problems(of example: Example, _ place: String, _ model: Model) -> [String] {
        var problems: [String] = []
        let (count, vocabulary) = (example.tokens.count, model.sizes.vocabulary)
        if count == 0 { problems.append("\(place) is empty: at least one token is needed") }
        if let limit = model.sizes.positionLimit, count > limit {
            problems.append("\(place) has \(count) tokens; the model takes at most \(limit)")
        }
        if let position = example.tokens.firstIndex(where: { $0 < 0 || $0 >= vocabulary }) {
            problems.append(
                "\(place), position \(position): token \(example.tokens[position]) is not within 0..<\(vocabulary)")
        }
        problems += self.problems(ofFeatures: example, place, model)
        if let types = example.tokenTypes {
            if types.count != count { problems.append("\(place) has \(types.count) token types for \(count) tokens") }
            if model.kind == .causalLanguageModel, let type = types.first(where: { $0 != 0 }) {
                problems.append("\(place) has the token type \(type); a language model has none but 0")
            }
        }
        if let length = example.givenPromptLength, length < 0 || length > count {
            problems.append("\(place): the prompt length \(length) is not within 0...\(count)")
        }
        return problems + self.problems(ofTarget: example.target, count, place, model)
    }

    private static func problems(ofFeatures example: Example, _ place: String, _ model: Model) -> [String] {
        switch (example.features, model.sizes.features) {
        case (nil, nil): return []
        case (.some, nil): return ["\(place) has rows of numbers; \(model.name) takes tokens"]
        case (nil, .some(let columns)): return ["\(place) has tokens; \(model.name) takes rows of \(columns) numbers"]
        case (.some(let rows), .some(let columns)):
            guard rows.count == example.tokens.count else {
                return ["\(place) has \(rows.count) rows of numbers for \(example.tokens.count) positions"]
            }
            guard let wrong = rows.firstIndex(where: { $0.count != columns }) else { return [] }
            return ["\(place), row \(wrong) has \(rows[wrong].count) numbers; \(model.name) takes \(columns)"]
        }
    }

    private static func problems(
        ofTarget target: Example.Target, _ count: Int, _ place: String, _ model: Model
    ) -> [String] {
        let vocabulary = model.sizes.vocabulary
        switch (target, model.kind) {
        case (.none, _):
            return []
        case (_, .encoder):
            return ["\(place) has a label; \(model.name) has no output that a label could judge"]
        case (.tokens, .maskedLanguageModel):
            return ["\(place) has labels of next tokens; a masked language model takes one for each token's own row"]
        case (.ownTokens, .causalLanguageModel):
            return ["\(place) has labels of its own tokens; a causal language model takes those of next tokens"]
        case (.tokens(let labels), .causalLanguageModel), (.ownTokens(let labels), .maskedLanguageModel):
            guard labels.count == count else { return ["\(place) has \(labels.count) labels for \(count) tokens"] }
            let isWrong = { (label: Int32) in label != Example.ignoredLabel && (label < 0 || label >= vocabulary) }
            guard let position = labels.firstIndex(where: isWrong) else { return [] }
            return [
                "\(place), position \(position): label \(labels[position]) is not within 0..<\(vocabulary), nor −100"
            ]
        case (.tokens, .sequenceClassifier), (.ownTokens, .sequenceClassifier):
            return ["\(place) has a label for each token; a classifier takes one for the sequence"]
        case (.category(let label), .causalLanguageModel), (.category(let label), .maskedLanguageModel):
            return ["\(place) has the label \(label); a language model takes one for each token"]
        case (.number(let label), .causalLanguageModel), (.number(let label), .maskedLanguageModel):
            return ["\(place) has the label \(label); a language model takes one for each token"]
        case (.category(let label), .sequenceClassifier(let labels)):
            // A whole number is a number too.
            if model.kind.predictsNumbers { return [] }
            return labels.indices.contains(Int(label))
                ? [] : ["\(place): class \(label) is not within 0..<\(labels.count)"]
        case (.number(let label), .sequenceClassifier(let labels)):
            if model.kind.predictsNumbers {
                return label.isFinite ? [] : ["\(place): the label \(label) is no finite 32-bit number"]
            }
            return ["\(place) has the label \(label); a class, a whole number within 0..<\(labels.count), is needed"]
        }
    }
}
