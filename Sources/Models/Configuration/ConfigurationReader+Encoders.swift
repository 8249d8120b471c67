/// What encoders carry on top.
extension ConfigurationReader {
    /// By the class that the checkpoint was saved from: scores of tokens, a classifier, or hidden states.
    mutating func encoderKind() -> ModelKind {
        let architecture = value("architectures")?.list?.first?.text ?? ""
        var kind = ModelKind.encoder
        if architecture.hasSuffix("ForSequenceClassification") { kind = .sequenceClassifier(labels: classLabels()) }
        if architecture.hasSuffix("ForMaskedLM") { kind = .maskedLanguageModel }
        _ = value("num_labels")
        _ = value("problem_type")
        return kind
    }

    /// The names of the classes, from `id2label` or `num_labels`; two without names if neither is there.
    mutating func classLabels() -> [String] {
        let type = value("problem_type")
        if let type, ![.text("regression"), .text("single_label_classification")].contains(type) {
            refuse("problem_type", allowed: "allowed are \"single_label_classification\" and \"regression\"")
        }
        let given = value("num_labels") == nil ? nil : integer("num_labels", in: 1...65_536)
        guard case .object(let names)? = value("id2label") else {
            return (0..<(given ?? 2)).map { "LABEL_\($0)" }
        }
        let labels = (0..<names.count).compactMap { names["\($0)"]?.text }
        if labels.isEmpty || labels.count != names.count {
            refuse("id2label", allowed: "one name for each class, numbered from \"0\", is needed")
            return ["LABEL_0"]
        }
        if let given, given != labels.count {
            refuse("num_labels", allowed: "\"id2label\" names \(labels.count) classes")
        }
        if type == .text("regression"), labels.count != 1 {
            refuse("problem_type", allowed: "a regression has one output, \"id2label\" names \(labels.count)")
        }
        return labels
    }
}
