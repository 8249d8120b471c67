/// Names of declarations, runs, parts of subspaces and fields are printed, and stand in files and on command lines: they
/// are not empty and hold no control characters, line breaks and marks that turn the direction of text included.
extension String {
    /// Why it can not be a name; nil if it can.
    var nameProblem: String? {
        if isEmpty { return "is empty" }
        guard let scalar = unicodeScalars.first(where: \.isUnprintable) else { return nil }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return "is \"\(printable)\", which holds the control character \(code)"
    }

    /// The text with control characters as `\u{1B}`.
    var printable: String {
        unicodeScalars.contains(where: \.isUnprintable)
            ? unicodeScalars.map { $0.isUnprintable ? $0.escaped(asASCII: true) : String($0) }.joined() : self
    }
}

extension Unicode.Scalar {
    fileprivate var isUnprintable: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        // Marks that turn the direction of what follows; joiners of letters and emoji are fine.
        default:
            (0x200E...0x200F).contains(value) || (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
        }
    }
}
