/// placeholder
public struct ChatTemplate: Sendable {
    public init(_ source: String, bosToken: String?, eosToken: String?) throws(TokenizerError) {}
}
