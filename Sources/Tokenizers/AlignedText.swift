/// Text on its way through the tokenizer: UTF-8, and for each byte the range of the original text it came from.
struct AlignedText {
    var bytes: [UInt8]
    /// Original range of each byte; nil while the text is the original from `base` on, or when nobody asked for it.
    private(set) var starts: [Int32]?
    private(set) var ends: [Int32]?
    /// Where this text begins in the original.
    let base: Int
    /// Whether ranges are kept up when the text is rewritten.
    let isAligned: Bool

    init(_ bytes: [UInt8], base: Int, isAligned: Bool) {
        self.bytes = bytes
        self.base = base
        self.isAligned = isAligned
    }

    /// The original range that the bytes in `range` came from.
    func origin(_ range: Range<Int>) -> Range<Int> {
        guard let starts, let ends else { return base + range.lowerBound..<base + range.upperBound }
        guard !range.isEmpty else { return base..<base }
        let lower = Int(starts[range.lowerBound])
        return lower..<max(lower, Int(ends[range.upperBound - 1]))
    }

    /// Collects a rewritten text from copied, replaced and dropped parts of the old one.
    struct Rewriter {
        private let old: AlignedText
        private(set) var bytes: [UInt8] = []
        private var starts: [Int32] = []
        private var ends: [Int32] = []

        init(_ old: AlignedText) {
            self.old = old
            bytes.reserveCapacity(old.bytes.count + old.bytes.count / 8)
        }

        /// Takes over a range as it is.
        mutating func copy(_ range: Range<Int>) {
            bytes.append(contentsOf: old.bytes[range])
            if old.isAligned {
                for i in range {
                    starts.append(old.starts?[i] ?? Int32(old.base + i))
                    ends.append(old.ends?[i] ?? Int32(old.base + i + 1))
                }
            }
        }

        /// Puts other bytes in the place of a range.
        mutating func replace(_ range: Range<Int>, with new: some Collection<UInt8>) {
            bytes.append(contentsOf: new)
            if old.isAligned {
                let origin = old.origin(range)
                starts.append(contentsOf: repeatElement(Int32(origin.lowerBound), count: new.count))
                ends.append(contentsOf: repeatElement(Int32(origin.upperBound), count: new.count))
            }
        }

        func finish() -> AlignedText {
            var text = AlignedText(bytes, base: old.base, isAligned: old.isAligned)
            if old.isAligned {
                text.starts = starts
                text.ends = ends
            }
            return text
        }
    }

    /// The part of the text in `range`, as a text of its own.
    func part(_ range: Range<Int>) -> AlignedText {
        if range == 0..<bytes.count { return self }
        var text = AlignedText(
            Array(bytes[range]), base: starts == nil ? base + range.lowerBound : base, isAligned: isAligned)
        text.starts = starts.map { Array($0[range]) }
        text.ends = ends.map { Array($0[range]) }
        return text
    }
}
