/// Text cut into the pieces that the model tokenizes one by one.
struct PreTokenizedText {
    var text: AlignedText
    /// Start and end of each piece in `text`; what lies between pieces is dropped.
    var starts: [Int32]
    var ends: [Int32]

    init(_ text: AlignedText) {
        self.text = text
        starts = text.bytes.isEmpty ? [] : [0]
        ends = text.bytes.isEmpty ? [] : [Int32(text.bytes.count)]
    }

    /// Replaces each piece by parts of it: `body` gets the text and one piece, and appends parts from the left.
    mutating func refine(
        _ body: (_ text: UnsafePointer<UInt8>, _ piece: Range<Int>, _ parts: inout PieceList) -> Void
    ) {
        var parts = PieceList()
        parts.starts.reserveCapacity(max(starts.count, text.bytes.count / 4))
        parts.ends.reserveCapacity(max(starts.count, text.bytes.count / 4))
        text.bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for i in 0..<starts.count { body(base, Int(starts[i])..<Int(ends[i]), &parts) }
        }
        starts = parts.starts
        ends = parts.ends
    }

    /// Rewrites the text piece by piece; `body` writes the new piece.
    mutating func rewrite(_ body: (_ piece: Range<Int>, _ writer: inout AlignedText.Rewriter) -> Void) {
        var writer = AlignedText.Rewriter(text)
        for i in 0..<starts.count {
            let piece = Int(starts[i])..<Int(ends[i])
            starts[i] = Int32(writer.bytes.count)
            body(piece, &writer)
            ends[i] = Int32(writer.bytes.count)
        }
        text = writer.finish()
    }
}

/// Pieces under construction.
struct PieceList {
    var starts: [Int32] = []
    var ends: [Int32] = []

    @inline(__always)
    mutating func append(_ start: Int, _ end: Int) {
        if start < end {
            starts.append(Int32(truncatingIfNeeded: start))
            ends.append(Int32(truncatingIfNeeded: end))
        }
    }

    /// Appends what a delimiter behaviour makes of `piece` and the matches in it.
    mutating func append(_ piece: Range<Int>, matches: [Range<Int>], _ behavior: SplitBehavior, inverted: Bool) {
        var spans: [(range: Range<Int>, isDelimiter: Bool)] = []
        var last = piece.lowerBound
        for match in matches {
            if last < match.lowerBound { spans.append((last..<match.lowerBound, inverted)) }
            spans.append((match, !inverted))
            last = match.upperBound
        }
        if last < piece.upperBound { spans.append((last..<piece.upperBound, inverted)) }
        var merged: [(range: Range<Int>, isDelimiter: Bool)] = []
        for (range, isDelimiter) in spans {
            let previous = merged.last
            let joins =
                switch behavior {
                case .isolated, .removed: false
                case .contiguous: previous?.isDelimiter == isDelimiter
                case .mergedWithPrevious: isDelimiter && previous?.isDelimiter == false
                case .mergedWithNext: !isDelimiter && previous?.isDelimiter == true
                }
            if joins, let previous {
                // A joined piece takes nothing more in, but runs of a kind go on.
                merged[merged.count - 1] = (
                    previous.range.lowerBound..<range.upperBound,
                    behavior == .contiguous ? isDelimiter : behavior == .mergedWithPrevious
                )
            } else if behavior != .removed || !isDelimiter {
                merged.append((range, isDelimiter))
            }
        }
        for (range, _) in merged { append(range.lowerBound, range.upperBound) }
    }
}

/// What becomes of a delimiter.
enum SplitBehavior: String, CaseIterable, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
}
