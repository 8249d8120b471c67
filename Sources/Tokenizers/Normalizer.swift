import Foundation

/// One step that rewrites text before it is cut into pieces.
enum Normalizer: Sendable {
    case form(UnicodeForm)
    case lowercase
    /// Drops all combining marks.
    case stripAccents
    case bert(BertNormalization)
    case replace(ReplacedPattern, with: [UInt8])
    case prepend([UInt8])
    case strip(left: Bool, right: Bool)

    enum ReplacedPattern: Sendable {
        case literal([UInt8])
        case expression(PatternExpression)
    }

    func apply(_ text: inout AlignedText) {
        switch self {
        case .form(let form): form.apply(&text)
        case .lowercase: lowercase(&text)
        case .stripAccents: text.mapScalars { kind, _ in kind.isMark ? .drop : .keep }
        case .bert(let settings): settings.apply(&text)
        case .replace(let pattern, let content): replace(pattern, content, &text)
        case .prepend(let prefix): prepend(prefix, &text)
        case .strip(let left, let right): strip(left, right, &text)
        }
    }

    private func lowercase(_ text: inout AlignedText) {
        text.mapScalars { _, value in
            if value < 0x80 { return (0x41...0x5A).contains(value) ? .put([UInt8(value) | 0x20]) : .keep }
            guard let scalar = Unicode.Scalar(value) else { return .keep }
            let lower = scalar.properties.lowercaseMapping
            return lower.unicodeScalars.elementsEqual(CollectionOfOne(scalar)) ? .keep : .put(Array(lower.utf8))
        }
    }

    private func replace(_ pattern: ReplacedPattern, _ content: [UInt8], _ text: inout AlignedText) {
        let found = text.bytes.withUnsafeBufferPointer { buffer -> [Range<Int>] in
            guard let base = buffer.baseAddress else { return [] }
            switch pattern {
            case .literal(let literal): return occurrences(of: literal, in: base, 0..<buffer.count)
            case .expression(let expression): return expression.matches(in: base, 0, buffer.count)
            }
        }
        if found.isEmpty { return }
        var writer = AlignedText.Rewriter(text)
        var last = 0
        for range in found {
            writer.copy(last..<range.lowerBound)
            writer.replace(range, with: content)
            last = range.upperBound
        }
        writer.copy(last..<text.bytes.count)
        text = writer.finish()
    }

    private func prepend(_ prefix: [UInt8], _ text: inout AlignedText) {
        if text.bytes.isEmpty { return }
        var writer = AlignedText.Rewriter(text)
        writer.prepend(prefix, to: 0..<text.bytes.count, in: text.bytes)
        writer.copy(0..<text.bytes.count)
        text = writer.finish()
    }

    private func strip(_ left: Bool, _ right: Bool, _ text: inout AlignedText) {
        let kept = text.bytes.withUnsafeBufferPointer { buffer -> Range<Int> in
            guard let base = buffer.baseAddress else { return 0..<0 }
            var start = 0
            var end = buffer.count
            while left, start < end {
                let (value, length) = scalar(base, at: start, end: end)
                if !UnicodeClass(value).isSpace { break }
                start += length
            }
            while right, end > start {
                let last = scalarStart(base, before: end)
                if !UnicodeClass(scalar(base, at: last, end: end).value).isSpace { break }
                end = last
            }
            return start..<end
        }
        if kept.count == text.bytes.count { return }
        var writer = AlignedText.Rewriter(text)
        writer.copy(kept)
        text = writer.finish()
    }
}

/// BERT's normalization: clean up control characters, set Chinese characters apart, strip accents, lowercase.
struct BertNormalization: Sendable {
    var cleansText: Bool
    var separatesChinese: Bool
    var stripsAccents: Bool
    var lowercases: Bool
    /// Strips accents as llama.cpp does: of a decomposed scalar only the first is kept, and all kinds of marks go.
    var keepsBaseOnly = false

    func apply(_ text: inout AlignedText) {
        if cleansText {
            text.mapScalars { kind, value in
                switch value {
                case 0x09, 0x0A, 0x0D: .put([0x20])
                case 0, 0xFFFD: .drop
                // U+0085 is both; who comes first differs.
                case 0x85: keepsBaseOnly ? .put([0x20]) : .drop
                default: kind.isOther ? .drop : kind.isSpace && value != 0x20 ? .put([0x20]) : .keep
                }
            }
        }
        if separatesChinese {
            text.mapScalars { _, value in
                if !Self.isChinese(value) { return .keep }
                var spaced: [UInt8] = [0x20]
                spaced.appendScalar(value)
                return .put(spaced + [0x20])
            }
        }
        if stripsAccents, keepsBaseOnly {
            text.mapScalars { kind, value in
                if kind.isMark { return .drop }
                guard value >= 0xC0, let scalar = Unicode.Scalar(value) else { return .keep }
                let base = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars.first ?? scalar
                return base == scalar ? .keep : .put(Array(String(base).utf8))
            }
        } else if stripsAccents {
            UnicodeForm.canonicalDecomposition.apply(&text)
            text.mapScalars { kind, _ in kind.category == 5 ? .drop : .keep }
        }
        if lowercases { Normalizer.lowercase.apply(&text) }
    }

    /// The blocks that the reference implementation takes for Chinese (its fifth one begins at 2B920).
    static func isChinese(_ value: UInt32) -> Bool {
        switch value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}

/// What becomes of one scalar.
enum ScalarEdit {
    case keep
    case drop
    case put([UInt8])
}

extension AlignedText {
    /// Rewrites the text scalar by scalar; a text that stays as it is is not copied.
    mutating func mapScalars(_ edit: (UnicodeClass, UInt32) -> ScalarEdit) {
        var writer: Rewriter?
        var copied = 0
        let table = UnicodeClass.table
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var i = 0
            while i < buffer.count {
                let (value, length) = scalar(base, at: i, end: buffer.count)
                let change = edit(UnicodeClass(value, table), value)
                if case .keep = change {
                } else {
                    if writer == nil { writer = Rewriter(self) }
                    writer?.copy(copied..<i)
                    if case .put(let new) = change { writer?.replace(i..<i + length, with: new) }
                    copied = i + length
                }
                i += length
            }
        }
        guard var writer else { return }
        writer.copy(copied..<bytes.count)
        self = writer.finish()
    }
}
