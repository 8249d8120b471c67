import ArgumentParser
import Foundation
import SwiftReFT

/// --receipt of commands that run a program.
struct ReceiptOptions: ParsableArguments {
    @Option(
        help: """
            Where to write which declarations fired at which rows, and how much they changed: a JSON file, or - for a \
            table on standard output.
            """, completion: .file(extensions: ["json"]))
    var receipt: String?

    /// Whether a receipt is wanted.
    var isWanted: Bool { receipt != nil }
    /// Whether it is shown, and not written to a file.
    var isShown: Bool { receipt == "-" }

    /// Finds a place that can not be written before the work is done.
    func check(printsJSON: Bool) throws {
        guard let receipt else { return }
        if isShown {
            if printsJSON { throw CommandError("--receipt - prints a table; with --json name a file") }
            return
        }
        _ = try AtomicFile(replacing: URL(fileURLWithPath: receipt))
    }

    /// Writes the receipt, and warns of declarations that never fired.
    func show(_ given: Receipt?) throws {
        guard let receipt, let given else { return }
        if isShown { return Terminal.show(given.description, terminator: "") }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(given) + Data("\n".utf8), to: URL(fileURLWithPath: receipt))
    }
}
