import Foundation
import Synchronization

/// Standard output, which gets results, and standard error, which gets everything else.
enum Terminal {
    /// Whether standard error is looked at by a person.
    static let isInteractive = isatty(STDERR_FILENO) == 1

    /// Puts /dev/null in the place of standard streams that the caller has closed, so that no file that is opened
    /// later gets their numbers, and with them what is meant for the terminal.
    static func completeStandardStreams() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
            // The lowest free number is taken, which is this one. Results that nobody can get are an error, not lost.
            _ = open("/dev/null", stream == STDOUT_FILENO ? O_RDONLY : O_RDWR)
        }
    }

    /// From now on writing where nobody reads any more is an error of the write, and not the end of the process: a
    /// result that is still to be saved must not be lost because `head` has seen enough.
    /// So is writing more than a file may hold.
    static func outliveReaders() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    private static let hasReaderLeft = Atomic<Bool>(false)

    /// Whether standard output was a pipe whose reader has gone. Nothing more is shown then.
    static var isUnread: Bool { hasReaderLeft.load(ordering: .relaxed) }

    /// A line, or several, on standard error. Control characters of names and files are escaped: they must not move the
    /// cursor or change colours.
    static func report(_ text: String) { write("\(escaped(text))\n", to: STDERR_FILENO) }

    /// A text whose control characters are escaped, but for line ends and tabs.
    static func escaped(_ text: String) -> String {
        func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
        }
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        return text.unicodeScalars.map { isHarmful($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    }

    /// A warning on standard error.
    static func warn(_ text: String) { report("warning: \(text)") }

    /// Overwrites the last line of an interactive terminal.
    static func overwrite(_ text: String) { write("\r\u{1B}[K\(text)", to: STDERR_FILENO) }

    /// A result on standard output, shown at once; so what goes into files is written before. A reader who has gone has
    /// what he wanted: the rest is left out, see ``isUnread``. Ends the process with code 2 where it can not be written for
    /// another reason.
    static func show(_ text: String, terminator: String = "\n") {
        guard !isUnread, let problem = write(text + terminator, to: STDOUT_FILENO) else { return }
        if problem == EPIPE { return hasReaderLeft.store(true, ordering: .relaxed) }
        report("Error: standard output can not be written: \(String(cString: strerror(problem)))")
        exit(2)
    }

    /// A result as JSON on standard output.
    static func show(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        show(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes all of a text; Foundation's file handles trap where this gives the error's number.
    @discardableResult
    private static func write(_ text: String, to stream: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { send($0, to: stream) }
            if written < 0, errno != EINTR { return errno }
            rest = rest.dropFirst(max(written, 0))
        }
        return nil
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, to stream: Int32) -> Int {
        #if canImport(Darwin)
            Darwin.write(stream, bytes.baseAddress, bytes.count)
        #else
            Glibc.write(stream, bytes.baseAddress, bytes.count)
        #endif
    }
}
