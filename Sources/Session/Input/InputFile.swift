import Foundation
import JSON

/// Files that a user names, and pipes: standard input as `/dev/stdin`, `<(command)` of a shell, named pipes.
package enum InputFile {
    /// More comes through no pipe: it is kept in memory, and an endless one must end somewhere.
    package static let pipeLimit = 1 << 28

    /// The bytes of a file, or all that comes through a pipe. A pipe can be read once.
    /// - Throws: ``InputError`` that says in plain words why it can not be read.
    package static func contents(of path: String) throws(InputError) -> Data {
        guard !path.isEmpty else { throw failure(path, "its name is empty") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, reason()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, reason()) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: throw failure(path, "it is a folder, not a file")
        case S_IFREG: return try read(descriptor, path, expecting: Int(status.st_size), limit: .max)
        default: return try read(descriptor, path, expecting: 0, limit: pipeLimit)
        }
    }

    private static func read(
        _ descriptor: Int32, _ path: String, expecting size: Int, limit: Int
    ) throws(InputError) -> Data {
        // A byte more than expected, so that the end of a file is met without another piece.
        var data = Data(count: max(size + 1, 1 << 16))
        var count = 0
        while true {
            if count == data.count { data.count *= 2 }
            let given = data.withUnsafeMutableBytes { bytes in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
                #if canImport(Darwin)
                    return Darwin.read(descriptor, rest.baseAddress, rest.count)
                #else
                    return Glibc.read(descriptor, rest.baseAddress, rest.count)
                #endif
            }
            if given < 0 {
                if errno == EINTR { continue }
                throw failure(path, reason())
            }
            count += given
            guard count <= limit else {
                throw failure(path, "more than \(limit >> 20) MiB come through this pipe; put them into a file")
            }
            if given == 0 { return data.prefix(count) }
        }
    }

    private static func failure(_ path: String, _ reason: String) -> InputError {
        InputError(file: path, problems: ["can not be read: \(reason)"])
    }

    /// What the system said last.
    private static func reason() -> String {
        switch errno {
        case ENOENT, ENOTDIR: "there is no such file"
        case EACCES: "permission denied"
        case let code: String(cString: strerror(code))
        }
    }

    /// Whether there is something at `path` that is neither a file nor a folder, and whose name says nothing of what
    /// comes through it.
    package static func isPipe(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }

    /// What keeps bytes from being read as JSON, in one sentence; nil if nothing does.
    package static func damage(inJSON data: Data) -> String? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: Array(data))
            return nil
        } catch {
            return error.complaint
        }
    }
}
