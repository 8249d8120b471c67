extension BytePairModel {
    /// What a byte-pair model is built with besides vocabulary and merges.
    struct Settings {
        var isByteLevel: Bool
        var hasByteFallback = false
        var unknown: Int32?
        var fusesUnknown = false
        var ignoresMerges = false
        /// Whether a merge whose parts or result are not tokens is an error (or passed over).
        var requiresMergeTokens = true
    }

    /// Resolves merges to ids, and turns a byte-level vocabulary back into bytes.
    convenience init(
        tokens: TokenVocabulary, merges list: MergeList, _ settings: Settings, source: String
    ) throws(TokenizerError) {
        var table = MergeTable(capacity: list.count)
        var merged: [Int32] = []
        merged.reserveCapacity(list.count)
        var whole: [UInt8] = []
        for rank in 0..<list.count {
            let (left, right) = list[rank]
            whole.removeAll(keepingCapacity: true)
            whole.append(contentsOf: left)
            whole.append(contentsOf: right)
            let split = left.count
            let ids = whole.withUnsafeBufferPointer { buffer -> (Int32, Int32, Int32) in
                guard let base = buffer.baseAddress else { return (-1, -1, -1) }
                return (
                    tokens.id(base, split), tokens.id(base + split, buffer.count - split),
                    tokens.id(base, buffer.count)
                )
            }
            if ids.0 < 0 || ids.1 < 0 || ids.2 < 0 {
                if !settings.requiresMergeTokens { continue }
                let missing = ids.0 < 0 ? left : ids.1 < 0 ? right : whole[...]
                throw .inconsistentVocabulary(
                    source: source,
                    reason: "merge \(rank) uses \"\(String(decoding: missing, as: UTF8.self))\", which is not a token")
            }
            table.set(ids.0, ids.1, rank: rank, merged: ids.2)
            merged.append(ids.2)
        }
        var fallback: [Int32] = []
        if settings.hasByteFallback {
            fallback = (0...255).map { tokens.id(ByteAlphabet.fallbackToken(UInt8($0))) ?? -1 }
        }
        self.init(
            vocabulary: settings.isByteLevel ? Self.inBytes(tokens) : tokens, merges: table, mergedIDs: merged,
            isByteLevel: settings.isByteLevel, fallback: fallback, unknown: settings.unknown,
            fusesUnknown: settings.fusesUnknown, ignoresMerges: settings.ignoresMerges)
    }

    /// The vocabulary with the bytes that its tokens stand for; tokens outside the byte alphabet are never met in text.
    private static func inBytes(_ tokens: TokenVocabulary) -> TokenVocabulary {
        var vocabulary = TokenVocabulary()
        for id in 0..<tokens.count {
            guard let token = tokens.token(id), let bytes = ByteAlphabet.bytes(of: token) else { continue }
            _ = vocabulary.set(id, bytes)
        }
        vocabulary.finish()
        return vocabulary
    }
}
