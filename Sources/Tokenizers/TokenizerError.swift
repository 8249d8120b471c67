import Diagnostics

/// What can go wrong while a tokenizer or a chat template is read or used. Each case says what was given, where, and what is allowed.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// None of the files that describe a tokenizer is in the folder.
    case noTokenizer(folder: String, looked: [String])
    /// A file exists but could not be read.
    case unreadable(file: String, reason: String)
    /// The file is not well-formed JSON.
    case invalidJSON(file: String, line: Int, column: Int, reason: String)
    /// A field is absent, has the wrong type or a value that is not allowed.
    case invalidField(source: String, field: String, given: String, allowed: String)
    /// A component (model, normalizer, pre-tokenizer, …) that this package does not implement.
    case unsupportedComponent(source: String, field: String, given: String, known: [String])
    /// A splitting pattern outside the supported regular-expression subset.
    case unsupportedPattern(pattern: String, position: Int, reason: String)
    /// `tokenizer.ggml.pre` or `tokenizer.ggml.model` has a value that this package does not know; it is not guessed.
    case unknownGGUFKind(key: String, given: String?, known: [String])
    /// Vocabulary, merges and special tokens contradict each other.
    case inconsistentVocabulary(source: String, reason: String)
    /// A chat template could not be parsed or rendered.
    case template(line: Int, construct: String, reason: String)
    /// A chat template called `raise_exception`.
    case templateRefused(line: Int, message: String)
    /// There is no built-in chat template of this name.
    case unknownTemplate(name: String, known: [String])
    /// The tokenizer comes without a chat template.
    case noChatTemplate(known: [String])

    public var description: String {
        switch self {
        case .noTokenizer(let folder, let looked):
            "no tokenizer in \(folder): looked for \(looked.joined(separator: ", "))"
        case .unreadable(let file, let reason):
            "cannot read \(file): \(reason)"
        case .invalidJSON(let file, let line, let column, let reason):
            "\(file):\(line):\(column): not valid JSON: \(reason)"
        case .invalidField(let source, let field, let given, let allowed):
            "\(source): \(field) is \(given); allowed: \(allowed)"
        case .unsupportedComponent(let source, let field, let given, let known):
            "\(source): \(field) \"\(given)\" is not supported"
                + TokenizerError.suggestion(for: given, among: known)
        case .unsupportedPattern(let pattern, let position, let reason):
            "pattern \(pattern) is not supported at character \(position): \(reason)"
        case .unknownGGUFKind(let key, nil, let known):
            "\(key) is missing, and how text is split is not guessed; known: \(known.joined(separator: ", "))"
        case .unknownGGUFKind(let key, let given?, let known):
            "\(key) \"\(given)\" is not known" + TokenizerError.suggestion(for: given, among: known)
        case .inconsistentVocabulary(let source, let reason):
            "\(source): \(reason)"
        case .template(let line, let construct, let reason):
            "chat template, line \(line), in \(construct): \(reason)"
        case .templateRefused(let line, let message):
            "chat template, line \(line), refused these messages: \(message)"
        case .unknownTemplate(let name, let known):
            "no chat template named \"\(name)\"" + TokenizerError.suggestion(for: name, among: known)
        case .noChatTemplate(let known):
            "this tokenizer has no chat template; choose one by name: \(known.joined(separator: ", "))"
        }
    }

    private static func suggestion(for given: String, among known: [String]) -> String {
        let list = "; known: \(known.joined(separator: ", "))"
        guard let nearest = nearestName(to: given, among: known) else { return list }
        return "; did you mean \"\(nearest)\"?" + list
    }
}
