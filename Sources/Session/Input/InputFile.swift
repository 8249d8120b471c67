import Foundation

/// Files that a user names.
package enum InputFile {
    /// The bytes of a file.
    /// - Throws: ``InputError`` that says in plain words why it can not be read.
    package static func contents(of path: String) throws(InputError) -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw InputError(
                file: path, problems: ["can not be read: \(obstacle(at: path) ?? error.localizedDescription)"])
        }
    }

    /// Why the file at `path` can not be read, where the file system says it.
    package static func obstacle(at path: String) -> String? {
        var isFolder: ObjCBool = false
        guard !path.isEmpty else { return "its name is empty" }
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return "there is no such file"
        }
        if isFolder.boolValue { return "it is a folder, not a file" }
        return FileManager.default.isReadableFile(atPath: path) ? nil : "permission denied"
    }

    /// Where bytes stop being JSON, in one sentence; nil if they are JSON.
    package static func damage(inJSON data: Data) -> String? {
        do {
            _ = try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
            return nil
        } catch {
            return InputError.reason(error)
        }
    }
}
