/// What the tokenizers ask about a scalar, packed in a byte: bits 0–4 the general category, then white space, alphabetic.
///
/// The table covers the first two planes and is filled once; the rest is asked of the standard library each time.
struct UnicodeClass {
    let bits: UInt8

    static let spaceBit: UInt8 = 0x20
    static let alphabeticBit: UInt8 = 0x40
    static let tableSize: UInt32 = 0x20000

    /// Look-up table of `tableSize` entries; lives as long as the process.
    nonisolated(unsafe) static let table: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(tableSize))
        for value in 0..<tableSize { table[Int(value)] = computed(value) }
        return UnsafePointer(table)
    }()

    @inline(__always)
    init(_ value: UInt32, _ table: UnsafePointer<UInt8> = UnicodeClass.table) {
        bits = value < Self.tableSize ? table[Int(value)] : Self.computed(value)
    }

    /// Index in `categories`.
    @inline(__always) var category: UInt8 { bits & 0x1F }
    @inline(__always) var isLetter: Bool { category < 5 }
    @inline(__always) var isMark: Bool { (5..<8).contains(category) }
    @inline(__always) var isNumber: Bool { (8..<11).contains(category) }
    @inline(__always) var isPunctuation: Bool { (11..<18).contains(category) }
    @inline(__always) var isSymbol: Bool { (18..<22).contains(category) }
    /// Control, format, surrogate, private use or unassigned.
    @inline(__always) var isOther: Bool { category >= 25 }
    @inline(__always) var isSpace: Bool { bits & Self.spaceBit != 0 }
    @inline(__always) var isAlphabetic: Bool { bits & Self.alphabeticBit != 0 }

    /// Short names of the general categories, grouped by their first letter.
    static let categories = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    private static func computed(_ value: UInt32) -> UInt8 {
        guard let scalar = Unicode.Scalar(value) else { return 27 }
        let properties = scalar.properties
        return index(of: properties.generalCategory)
            | (properties.isWhitespace ? spaceBit : 0) | (properties.isAlphabetic ? alphabeticBit : 0)
    }

    private static func index(of category: Unicode.GeneralCategory) -> UInt8 {
        switch category {
        case .uppercaseLetter: 0
        case .lowercaseLetter: 1
        case .titlecaseLetter: 2
        case .modifierLetter: 3
        case .otherLetter: 4
        case .nonspacingMark: 5
        case .spacingMark: 6
        case .enclosingMark: 7
        case .decimalNumber: 8
        case .letterNumber: 9
        case .otherNumber: 10
        case .connectorPunctuation: 11
        case .dashPunctuation: 12
        case .openPunctuation: 13
        case .closePunctuation: 14
        case .initialPunctuation: 15
        case .finalPunctuation: 16
        case .otherPunctuation: 17
        case .mathSymbol: 18
        case .currencySymbol: 19
        case .modifierSymbol: 20
        case .otherSymbol: 21
        case .spaceSeparator: 22
        case .lineSeparator: 23
        case .paragraphSeparator: 24
        case .control: 25
        case .format: 26
        case .surrogate: 27
        case .privateUse: 28
        case .unassigned: 29
        @unknown default: 29
        }
    }
}
