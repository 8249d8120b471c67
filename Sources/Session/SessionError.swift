/// What can go wrong between a program, an adapter and a model.
public enum SessionError: Error, Sendable, CustomStringConvertible {
    /// The model can not do what was asked of it.
    case unsuited(model: String, needs: String)
    /// What was asked can not be done, because of something other than the model: the program, an option, two adapters.
    case impossible(what: String, reason: String)
    /// The model's own chat template was asked for, and it has none; those that can be given by name.
    case noChatTemplate(model: String, known: [String])
    /// A site that was asked for does not exist; the nearest known spelling, if any.
    case unknownSite(given: String, nearest: String?, known: [String])
    /// The batch has no labels, but the loss was asked for.
    case noLabels
    /// Generation settings that make no sense, all at once.
    case settings([String])
    /// A prompt that can not be generated from.
    case prompt(index: Int, problem: String)
    /// A folder that is no adapter, or a damaged one.
    case adapter(path: String, problem: String)
    /// A bank of adapters that can not be made, filled or used so.
    case bank(problem: String)
    /// The adapter was trained on another model.
    case wrongBase(adapter: String, model: String, details: String)

    public var description: String {
        switch self {
        case .unsuited(let model, let needs):
            return "\(model) does not fit: this needs \(needs)"
        case .impossible(let what, let reason):
            return "\(what): \(reason)"
        case .noChatTemplate(let model, let known):
            return
                "\(model) has no chat template of its own; give one with --template: \(known.joined(separator: ", "))"
        case .unknownSite(let given, let nearest, let known):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? "."
            return "unknown site '\(given)'\(hint) Known components: \(known.joined(separator: ", "))"
        case .noLabels:
            return "the input has no label that is judged: give \"labels\" with at least one entry other than −100"
        case .settings(let problems):
            return problems.joined(separator: "\n")
        case .prompt(let index, let problem):
            return "prompt \(index): \(problem)"
        case .adapter(let path, let problem):
            return "\(path): \(problem)"
        case .bank(let problem):
            return "bank of adapters: \(problem)"
        case .wrongBase(let adapter, let model, let details):
            return "\(adapter) was trained on another model than \(model): \(details)"
        }
    }
}
