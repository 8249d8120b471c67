/// Tokens of a text with what is known about each.
public struct TokenizedText: Sendable, Equatable {
    /// Token ids.
    public var ids: [Int32] = []
    /// The UTF-8 bytes of the text that each token covers, widened to whole scalars; empty for tokens that were added.
    public var ranges: [Range<Int>] = []
    /// 0 for the first text, 1 for the second of a pair (BERT's segment ids), as the tokenizer's template says.
    public var types: [Int32] = []
}

extension Tokenizer {
    /// Token ids of a text.
    ///
    /// Strings of special tokens in the text become those tokens, as in the `tokenizers` package.
    /// - Parameter addSpecialTokens: whether the model's frame (`<s>`, `[CLS]` … `[SEP]`) is put around them.
    public func encode(_ text: String, addSpecialTokens: Bool = true) -> [Int32] {
        let tokens = tokenize(text, wantsRanges: false)
        if !addSpecialTokens || postProcessor.single == [.first(type: 0)] { return tokens.ids }
        return frame(postProcessor.single, tokens, TokenizedText(), wantsRanges: false).ids
    }

    /// Token ids of a text, with the bytes of the text that each covers.
    public func encodeWithOffsets(_ text: String, addSpecialTokens: Bool = true) -> TokenizedText {
        let tokens = tokenize(text, wantsRanges: true)
        let template = addSpecialTokens ? postProcessor.single : [.first(type: 0)]
        return frame(template, tokens, TokenizedText(), wantsRanges: true)
    }

    /// Token ids of a pair of texts as one sequence (for BERT `[CLS] first [SEP] second [SEP]`); ranges count in each text.
    public func encode(_ first: String, pair second: String, addSpecialTokens: Bool = true) -> TokenizedText {
        let template: [PostProcessor.Element] =
            addSpecialTokens ? postProcessor.pair : [.first(type: 0), .second(type: 1)]
        return frame(
            template, tokenize(first, wantsRanges: true), tokenize(second, wantsRanges: true), wantsRanges: true)
    }

    private func frame(
        _ template: [PostProcessor.Element], _ first: TokenizedText, _ second: TokenizedText, wantsRanges: Bool
    ) -> TokenizedText {
        var result = TokenizedText()
        for element in template {
            switch element {
            case .token(let id, let type):
                result.ids.append(id)
                result.ranges.append(0..<0)
                result.types.append(type)
            case .first(let type), .second(let type):
                let part = if case .first = element { first } else { second }
                result.ids += part.ids
                result.ranges += part.ranges
                if wantsRanges { result.types += repeatElement(type, count: part.ids.count) }
            }
        }
        return result
    }

    private func tokenize(_ text: String, wantsRanges: Bool) -> TokenizedText {
        let bytes = Array(text.utf8)
        let lent = wantsRanges ? nil : cache.borrow(for: bytes.count)
        defer { cache.giveBack(lent) }
        var sink = TokenSink(wantsSpans: wantsRanges, cache: lent)
        var result = TokenizedText()
        for part in added.parts(of: bytes, isNormalized: false) {
            if let id = part.id {
                sink.ids.append(id)
                if wantsRanges { result.ranges.append(part.range) }
                continue
            }
            let isWhole = part.range == 0..<bytes.count
            var piece = AlignedText(
                isWhole ? bytes : Array(bytes[part.range]), base: part.range.lowerBound, isAligned: wantsRanges)
            for normalizer in normalizers { normalizer.apply(&piece) }
            for inner in added.parts(of: piece.bytes, isNormalized: true) {
                if let id = inner.id {
                    sink.ids.append(id)
                    if wantsRanges { result.ranges.append(piece.origin(inner.range)) }
                } else {
                    tokenizePart(piece.part(inner.range), &sink, &result.ranges)
                }
            }
        }
        result.ids = sink.ids
        if wantsRanges {
            for i in result.ranges.indices {
                result.ranges[i] = trimmed(widened(result.ranges[i], in: bytes), result.ids[i], isFirst: i == 0)
            }
        }
        return result
    }

    /// Tokenizes text without added tokens.
    private func tokenizePart(_ text: AlignedText, _ sink: inout TokenSink, _ ranges: inout [Range<Int>]) {
        var pieces = PreTokenizedText(text)
        for step in preTokenizers { step.apply(&pieces) }
        let first = sink.spans.count
        pieces.text.bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for i in 0..<pieces.starts.count {
                let piece = TextPiece(
                    text: base, start: Int(pieces.starts[i]), end: Int(pieces.ends[i]), readable: buffer.count)
                model.tokenize(piece, into: &sink)
            }
        }
        for span in sink.spans[first...] {
            ranges.append(pieces.text.origin(Int(span.lowerBound)..<Int(span.upperBound)))
        }
    }

    /// A range that begins and ends between scalars.
    private func widened(_ range: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        if start == end { return range }
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return start..<end
    }

    /// A range without the spaces at its token's ends, where the tokenizer wants that.
    private func trimmed(_ range: Range<Int>, _ id: Int32, isFirst: Bool) -> Range<Int> {
        guard postProcessor.trimsOffsets, let token = token(for: id)?.unicodeScalars else { return range }
        func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == "Ġ" || scalar.properties.isWhitespace }
        var leading = token.prefix(while: isSpace).count
        let trailing = token.reversed().prefix(while: isSpace).count
        if isFirst, postProcessor.keepsFirstSpace, leading == 1 { leading = 0 }
        let start = min(range.lowerBound + leading, range.upperBound)
        // A token of spaces alone may stand for one that was put before a wider scalar.
        return start..<(trailing == token.count ? start : max(range.upperBound - trailing, start))
    }
}
