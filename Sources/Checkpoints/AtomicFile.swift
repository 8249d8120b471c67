import Foundation

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same folder; `commit` flushes it to the disk and renames it over the target, so
/// that a crash leaves either the old file or the new one. Without `commit` the temporary file is removed.
///
/// ```swift
/// let file = try AtomicFile(replacing: url)
/// try file.write(header)
/// try file.write(payload)
/// try file.commit()
///
/// try AtomicFile.write(Data(json.utf8), to: url)   // the same in one call
/// ```
///
/// What is written reaches the file in pieces of 2 MiB, which Linux then keeps in large pages: who maps the file reads it faster.
public final class AtomicFile {
    /// The bytes of a large page of the usual processors.
    static let largePage = 2 << 20

    private let target: String
    private let temporary: String
    private var descriptor: Int32
    /// Bytes that wait for the rest of their piece.
    private var pending: [UInt8] = []
    /// Bytes given so far.
    public private(set) var byteCount = 0

    /// Begins a new file that is to replace the one at `url`. Its folder must exist.
    /// - Throws: `CheckpointError.unwritable`.
    public init(replacing url: URL) throws(CheckpointError) {
        target = url.path
        var status = stat()
        if stat(target, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw .unwritable(path: target, reason: "something that is no regular file has this name")
        }
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let folder = url.deletingLastPathComponent()
        temporary = folder.appendingPathComponent(".\(url.lastPathComponent).\(suffix).tmp").path
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .unwritable(path: target, reason: String(cString: strerror(errno))) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary)
    }

    /// Writes `data` as the whole file at `url`.
    /// - Throws: `CheckpointError.unwritable`; the old file is then unchanged.
    public static func write(_ data: Data, to url: URL) throws(CheckpointError) {
        let file = try AtomicFile(replacing: url)
        try file.write([UInt8](data))
        try file.commit()
    }

    /// Appends bytes.
    /// - Throws: `CheckpointError.unwritable`, after which the file can not be committed.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        try checkOpen()
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.largePage - pending.count)
            pending.append(contentsOf: part)
            rest = rest.dropFirst(part.count)
            if pending.count == Self.largePage { try writePending() }
        }
        byteCount += bytes.count
    }

    /// Appends bytes.
    /// - Throws: `CheckpointError.unwritable`, after which the file can not be committed.
    public func write(_ bytes: [UInt8]) throws(CheckpointError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(CheckpointError) in
            try write(UnsafeRawBufferPointer(bytes))
        }
    }

    private func writePending() throws(CheckpointError) {
        var written = 0
        while written < pending.count {
            let count = pending[written...].withUnsafeBytes { part in
                #if canImport(Darwin)
                    Darwin.write(descriptor, part.baseAddress, part.count)
                #else
                    Glibc.write(descriptor, part.baseAddress, part.count)
                #endif
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw abandon()
            }
            written += count
        }
        pending.removeAll(keepingCapacity: true)
    }

    /// Makes the file durable and gives it its name. Nothing can be written afterwards.
    /// - Throws: `CheckpointError.unwritable`; the old file is then unchanged.
    public func commit() throws(CheckpointError) {
        try checkOpen()
        try writePending()
        guard fsync(descriptor) == 0 else { throw abandon() }
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0, rename(temporary, target) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw .unwritable(path: target, reason: reason)
        }
        // The new name is durable only once its folder is.
        let folder = open(URL(filePath: target).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private func checkOpen() throws(CheckpointError) {
        if descriptor < 0 {
            throw .unwritable(path: target, reason: "the file has already been committed or given up")
        }
    }

    private func abandon() -> CheckpointError {
        let reason = String(cString: strerror(errno))
        close(descriptor)
        unlink(temporary)
        descriptor = -1
        return .unwritable(path: target, reason: reason)
    }
}
