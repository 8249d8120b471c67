/// What is put around the tokens of a text (or of a pair of texts).
struct PostProcessor: Sendable, Equatable {
    /// One element of a template.
    enum Element: Sendable, Equatable {
        case token(Int32, type: Int32)
        case first(type: Int32)
        case second(type: Int32)
    }

    var single: [Element] = [.first(type: 0)]
    var pair: [Element] = [.first(type: 0), .second(type: 1)]
    /// Spaces at a token's ends are left out of its range …
    var trimsOffsets = false
    /// … but for a single one before the first token.
    var keepsFirstSpace = false
}
