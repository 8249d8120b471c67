import ArgumentParser
import Foundation
import SwiftReFT

/// Whether what no edit reaches is kept, for commands that read it more than once.
struct ReuseOptions: ParsableArguments {
    @Flag(help: "Compute everything each time, also what no edit reaches.") var noReuse = false
    @Option(
        parsing: .unconditional,
        help: "The most megabytes that are kept of what no edit reaches, to be read where its sequence comes again.")
    var reuseMemory = 1024
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most megabytes of it that a temporary file takes when memory has no room; 8192 with --reuse-file."))
    var reuseDisk: Int?
    @Option(
        help: "Where that file is made, which must not exist; else in the system's folder of temporary files.",
        completion: .file())
    var reuseFile: String?

    func validate() throws {
        if let reuseDisk, !(1...1 << 30).contains(reuseDisk) {
            throw ValidationError("--reuse-disk must be at least 1 and at most \(1 << 30), not \(reuseDisk)")
        }
        if noReuse, reuseDisk != nil || reuseFile != nil {
            throw ValidationError("--no-reuse stores nothing: leave out --reuse-disk and --reuse-file")
        }
        if let reuseFile { try refuseUnusable(reuseFile) }
        if reuseMemory < 0 { throw ValidationError("--reuse-memory must be 0 or more, not \(reuseMemory)") }
        if reuseMemory > 1 << 30 {
            throw ValidationError("--reuse-memory must be at most \(1 << 30), not \(reuseMemory)")
        }
    }

    /// The file is made only when memory is full, which may be hours later.
    private func refuseUnusable(_ path: String) throws {
        let file = URL(fileURLWithPath: path)
        let folder = file.deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        let files = FileManager.default
        if files.fileExists(atPath: file.path) {
            throw ValidationError(
                "--reuse-file must name a file that does not exist yet; there is something at \(path)")
        }
        guard files.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw ValidationError("--reuse-file: there is no folder \(folder)")
        }
        guard files.isWritableFile(atPath: folder) else {
            throw ValidationError("--reuse-file: nothing can be written in the folder \(folder)")
        }
    }

    /// Where values that no edit reaches are kept.
    var activations: ActivationStore? {
        guard !noReuse else { return nil }
        let disk = (reuseDisk ?? (reuseFile == nil ? 0 : 8192)) << 20
        let overflow: ActivationStore.Overflow =
            disk == 0
            ? .none : reuseFile.map { .file(URL(fileURLWithPath: $0), budget: disk) } ?? .temporary(budget: disk)
        let store = ActivationStore(budget: reuseMemory << 20, overflow: overflow)
        store.onOverflowError = { Terminal.warn("\($0)") }
        return store
    }

    /// Where they are kept for a batch: only sequences that come more than once pay for being stored.
    func activations(for examples: [Example]) -> ActivationStore? {
        Set(examples.map(\.tokens)).count < examples.count ? activations : nil
    }
}
