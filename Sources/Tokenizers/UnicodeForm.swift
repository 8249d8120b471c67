import Foundation

/// The Unicode normalization forms.
enum UnicodeForm: String, Sendable {
    case canonicalComposition = "NFC"
    case canonicalDecomposition = "NFD"
    case compatibilityComposition = "NFKC"
    case compatibilityDecomposition = "NFKD"

    /// Normalizes; ranges of the original are kept for each cluster (a starter with what may combine with it).
    func apply(_ text: inout AlignedText) {
        let clusters = text.bytes.withUnsafeBufferPointer { self.clusters(in: $0) }
        if clusters.isEmpty { return }
        var writer: AlignedText.Rewriter?
        var copied = 0
        for cluster in clusters {
            let old = String(decoding: text.bytes[cluster], as: UTF8.self)
            let new = normalized(old)
            if new.unicodeScalars.elementsEqual(old.unicodeScalars) { continue }
            if writer == nil { writer = AlignedText.Rewriter(text) }
            writer?.copy(copied..<cluster.lowerBound)
            if self == .canonicalDecomposition || self == .compatibilityDecomposition {
                for (range, scalar) in decomposed(old, at: cluster.lowerBound) {
                    writer?.replace(range, with: Array(String(scalar).utf8))
                }
            } else {
                writer?.replace(cluster, with: Array(new.utf8))
            }
            copied = cluster.upperBound
        }
        guard var writer else { return }
        writer.copy(copied..<text.bytes.count)
        text = writer.finish()
    }

    /// The scalars of a decomposed cluster, each with the range of the scalar it came from: every scalar is decomposed
    /// alone, then marks are put in order of their combining class.
    private func decomposed(_ cluster: String, at start: Int) -> [(Range<Int>, Unicode.Scalar)] {
        var result: [(range: Range<Int>, scalar: Unicode.Scalar)] = []
        var position = start
        for scalar in cluster.unicodeScalars {
            let range = position..<position + UTF8.width(scalar)
            for part in normalized(String(scalar)).unicodeScalars {
                let order = part.properties.canonicalCombiningClass
                var place = result.count
                while order != .notReordered, place > 0,
                    result[place - 1].scalar.properties.canonicalCombiningClass > order
                {
                    place -= 1
                }
                result.insert((range, part), at: place)
            }
            position = range.upperBound
        }
        return result.map { ($0.range, $0.scalar) }
    }

    private func normalized(_ text: String) -> String {
        switch self {
        case .canonicalComposition: text.precomposedStringWithCanonicalMapping
        case .canonicalDecomposition: text.decomposedStringWithCanonicalMapping
        case .compatibilityComposition: text.precomposedStringWithCompatibilityMapping
        case .compatibilityDecomposition: text.decomposedStringWithCompatibilityMapping
        }
    }

    /// Parts of the text that normalization may change: a run of clusters is left out when all its scalars are stable.
    private func clusters(in buffer: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        guard let base = buffer.baseAddress else { return [] }
        var found: [Range<Int>] = []
        var clusterStart = 0
        var isStable = true
        var i = 0
        while i < buffer.count {
            let (value, length) = scalar(base, at: i, end: buffer.count)
            let stable = isStableStarter(value)
            if stable || startsCluster(value) {
                if !isStable { found.append(clusterStart..<i) }
                clusterStart = i
                isStable = stable
            } else {
                isStable = false
            }
            i += length
        }
        if !isStable { found.append(clusterStart..<buffer.count) }
        return found
    }

    /// Whether nothing before the scalar can compose or be reordered with it.
    private func startsCluster(_ value: UInt32) -> Bool {
        switch value {
        // Vowels and final consonants of Hangul compose with what precedes them, also in compatibility forms.
        case 0x1160...0x11FF, 0xD7B0...0xD7FF: return false
        case 0x3130...0x318F, 0xFFA0...0xFFDC: return false
        default: break
        }
        guard let properties = Unicode.Scalar(value)?.properties else { return true }
        return properties.canonicalCombiningClass == .notReordered && !properties.isGraphemeExtend
    }

    /// Common scalars that the form leaves alone and that compose with nothing before them.
    private func isStableStarter(_ value: UInt32) -> Bool {
        if value < 0x80 || (0x4E00...0x9FFF).contains(value) { return true }
        switch self {
        case .canonicalComposition:
            return value < 0x300 || (0x400...0x482).contains(value) || (0x2010...0x203A).contains(value)
                || (0x3041...0x3096).contains(value) || (0x30A1...0x30FA).contains(value)
                || (0xAC00...0xD7A3).contains(value)
        default: return (0x430...0x438).contains(value) || (0x43A...0x44F).contains(value)
        }
    }
}
