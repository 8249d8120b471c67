import Foundation

/// Standard error, where everything goes that is not a result.
enum Terminal {
    /// Whether standard error is looked at by a person.
    static let isInteractive = isatty(STDERR_FILENO) == 1

    /// A line on standard error.
    static func report(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// A warning on standard error.
    static func warn(_ text: String) { report("warning: \(text)") }

    /// Overwrites the last line of an interactive terminal.
    static func overwrite(_ text: String) { FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8)) }

    /// A result on standard output, shown at once.
    static func show(_ text: String, terminator: String = "\n") {
        FileHandle.standardOutput.write(Data((text + terminator).utf8))
    }

    /// A result as JSON on standard output.
    static func show(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        show(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
