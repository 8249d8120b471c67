import Foundation

/// The places that a command writes to, so that none of them is one that it reads or writes elsewhere.
enum OutputPaths {
    /// - Parameters:
    ///   - outputs: What is written, by option.
    ///   - inputs: What is read, by option or argument.
    /// - Throws: ``CommandError`` naming both options, before anything is read or written.
    static func check(_ outputs: [(option: String, path: String?)], reading inputs: [(option: String, path: String?)])
        throws
    {
        var taken = inputs.compactMap { input in place(input.path).map { (input.option, $0, false) } }
        for output in outputs {
            guard let place = place(output.path) else { continue }
            if let (option, _, isWritten) = taken.first(where: { $0.1 == place }) {
                let other = isWritten ? "is written by \(option) too" : "is what \(option) reads"
                throw CommandError("\(output.option) \(output.path ?? "") \(other); give it a place of its own")
            }
            taken.append((output.option, place, true))
        }
    }

    /// Where a path leads; nil for standard output and devices, which can be named twice.
    private static func place(_ path: String?) -> String? {
        guard let path, !path.isEmpty, path != "-", !path.hasPrefix("/dev/") else { return nil }
        return URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
}
