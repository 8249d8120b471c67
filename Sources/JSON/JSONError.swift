/// What breaks a JSON text, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was found or missed. A `found` of nil is the end of the text.
    public enum Problem: Equatable, Sendable {
        case expected(Unicode.Scalar, found: UInt8?)
        /// Neither a comma nor the bracket that closes the list or object.
        case expectedSeparator(close: Unicode.Scalar, found: UInt8?)
        case expectedString(found: UInt8?)
        case expectedValue(found: UInt8?)
        /// A word or number that JSON does not know.
        case unknownWord(String)
        case trailingText(found: UInt8)
        case unclosedString
        case controlCharacter
        case invalidUTF8
        case unfinishedEscape
        case unknownEscape(UInt8)
        case hexadecimalDigits
        case loneSurrogate
        /// A key that its object has already, and where it has it.
        case repeatedKey(String, firstLine: Int, firstColumn: Int)
        case tooDeep(limit: Int)
        case negativeCount
        case leadingZero
        case fraction
        case tooLarge
    }

    /// What is wrong.
    public var problem: Problem
    /// The byte, counted from 0.
    public var offset: Int
    /// The line, counted from 1.
    public var line: Int
    /// The column in bytes, counted from 1.
    public var column: Int
    /// Whether the key of a member is concerned.
    public var isKey: Bool

    /// The problem in words, without its place.
    public var reason: String {
        switch problem {
        case .expected(_, nil), .expectedSeparator(_, nil), .expectedString(nil), .expectedValue(nil):
            "the document ends too early"
        case .expected(let wanted, let found?): "expected \(wanted) but found \(Unicode.Scalar(found))"
        case .expectedSeparator(_, let found?): "expected , but found \(Unicode.Scalar(found))"
        case .expectedString(let found?): "expected \" but found \(Unicode.Scalar(found))"
        case .expectedValue(let found?): "expected a value but found \(Unicode.Scalar(found))"
        case .unknownWord(let word): "expected a value but found \(word)"
        case .trailingText: "text after the end of the document"
        case .unclosedString: "the string is not closed"
        case .controlCharacter: "a control character inside a string"
        case .invalidUTF8: "the string is not valid UTF-8"
        case .unfinishedEscape: "the string is not closed"
        case .unknownEscape(let code): "unknown escape \\\(Unicode.Scalar(code))"
        case .hexadecimalDigits: "\\u needs four hexadecimal digits"
        case .loneSurrogate: "half a surrogate pair"
        case .repeatedKey(let key, let firstLine, let firstColumn):
            "the key \"\(key)\" is given twice, first in "
                + (firstLine == line ? "column \(firstColumn)" : "line \(firstLine), column \(firstColumn)")
        case .tooDeep(let limit): "more than \(limit) levels of nesting"
        case .negativeCount: "a negative number where a count is needed"
        case .leadingZero: "a number that starts with a zero"
        case .fraction: "a fraction where a whole number is needed"
        case .tooLarge: "a number that does not fit 64 bits"
        }
    }

    /// Whether the text is no JSON. If not, it is JSON that one of the reader's rules refuses.
    public var breaksGrammar: Bool {
        switch problem {
        case .repeatedKey, .tooDeep: false
        default: true
        }
    }

    /// What is to be said of the document: `this is no JSON: line 3, column 9: expected , but found }`, or
    /// `line 3, column 9: the key "rank" is given twice, first in line 2, column 9`.
    public var complaint: String { breaksGrammar ? "this is no JSON: \(self)" : description }

    /// The place and the problem: `line 3, column 9: expected , but found }`.
    public var description: String { "line \(line), column \(column): \(reason)" }
}
