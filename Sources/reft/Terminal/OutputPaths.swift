import Foundation

/// The places that a command writes to, so that none of them is one that it reads or writes elsewhere, nor a file of a model
/// or an adapter that it reads.
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
            if output.path?.isEmpty == true { throw CommandError("\(output.option) is empty; give it a name") }
            guard let place = place(output.path) else { continue }
            func refuse(_ other: String) -> CommandError {
                CommandError("\(output.option) \(output.path ?? "") \(other); give it a place of its own")
            }
            if let (option, _, isWritten) = taken.first(where: { $0.1 == place }) {
                throw refuse(isWritten ? "is written by \(option) too" : "is what \(option) reads")
            }
            var isFolder: ObjCBool = false
            let isFile = FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) && !isFolder.boolValue
            // Further files of the same option lie where it was asked to write.
            let isFurther = taken.contains { $0.0 == output.option && $0.2 }
            if isFile, !isFurther, let (option, _, _) = taken.first(where: { !$0.2 && place.hasPrefix($0.1 + "/") }) {
                throw refuse("is a file of what \(option) reads")
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
