/// A set of scalars as a pattern writes it: ranges, categories, white space and so on, possibly negated.
indirect enum PatternCharacterSet: Sendable, Equatable {
    case any
    case ranges([ClosedRange<UInt32>])
    /// Bit i stands for `UnicodeClass.categories[i]`.
    case categories(UInt32)
    case space
    /// `\w`: alphabetic, mark, decimal digit, connector.
    case word
    case union([PatternCharacterSet])
    case inverted(PatternCharacterSet)

    func contains(_ value: UInt32, _ kind: UnicodeClass) -> Bool {
        switch self {
        case .any: true
        case .ranges(let ranges): ranges.contains { $0.contains(value) }
        case .categories(let mask): mask >> UInt32(kind.category) & 1 != 0
        case .space: kind.isSpace
        case .word: Self.isWord(kind, value)
        case .union(let sets): sets.contains { $0.contains(value, kind) }
        case .inverted(let set): !set.contains(value, kind)
        }
    }

    static func isWord(_ kind: UnicodeClass, _ value: UInt32) -> Bool {
        kind.isAlphabetic || kind.isMark || kind.category == 8 || kind.category == 11
            || value == 0x200C || value == 0x200D
    }

    /// `\p{…}`: a category or a group of them, nil for an unknown name.
    static func property(_ name: String) -> PatternCharacterSet? {
        var mask: UInt32 = 0
        for (index, category) in UnicodeClass.categories.enumerated()
        where category == name || category.prefix(1) == name {
            mask |= 1 << UInt32(index)
        }
        return mask == 0 ? nil : .categories(mask)
    }

    /// The set of a single scalar, with its other cases when case is ignored.
    static func single(_ value: UInt32, ignoresCase: Bool) -> PatternCharacterSet {
        var values: Set<UInt32> = [value]
        if ignoresCase, let scalar = Unicode.Scalar(value) {
            for mapped in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
            where mapped.unicodeScalars.count == 1 {
                values.formUnion(mapped.unicodeScalars.map(\.value))
            }
            // Scalars outside ASCII that fold to an ASCII letter.
            if values.contains(0x73) { values.insert(0x17F) }
            if values.contains(0x6B) { values.insert(0x212A) }
        }
        return .ranges(values.sorted().map { $0...$0 })
    }
}
