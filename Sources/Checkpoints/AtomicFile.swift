import Foundation

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a file in the same folder that has no name yet, or a temporary one where the system has no such files;
/// `commit` flushes it to the disk and renames it over the target, so that a crash leaves either the old file or the new
/// one. Without `commit` nothing is left. A target that is a symbolic link stays one: what it leads to is replaced, and keeps
/// its permissions.
///
/// ```swift
/// let file = try AtomicFile(replacing: url)
/// try file.write(header)
/// try file.write(payload)
/// try file.commit()
///
/// try AtomicFile.write(Data(json.utf8), to: url)   // the same in one call
/// try AtomicFile.commit([weights, configuration])  // none takes its name before all are on the disk
/// ```
///
/// What is written reaches the file in pieces of 2 MiB, which Linux then keeps in large pages: who maps the file reads it faster.
public final class AtomicFile {
    /// The bytes of a large page of the usual processors.
    static let largePage = 2 << 20

    /// As it was given, for messages.
    private let path: String
    private let target: String
    private let temporary: String
    private var descriptor: Int32
    /// Whether the temporary name is still to be given.
    private var isNameless = false
    /// Whether all bytes are on the disk, under the temporary name.
    private var isComplete = false
    /// Bytes that wait for the rest of their piece.
    private var pending: [UInt8] = []
    /// Bytes given so far.
    public private(set) var byteCount = 0

    /// Begins a new file that is to replace the one at `url`. Its folder must exist.
    /// - Throws: `CheckpointError.unwritable`.
    public init(replacing url: URL) throws(CheckpointError) {
        path = url.path
        var status = stat()
        let replaces = stat(path, &status) == 0
        if replaces, status.st_mode & S_IFMT != S_IFREG {
            throw .unwritable(path: path, reason: "something that is no regular file has this name")
        }
        target = replaces ? url.resolvingSymlinksInPath().path : path
        let folder = URL(fileURLWithPath: target).deletingLastPathComponent()
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        temporary = folder.appendingPathComponent(".reft-\(suffix).tmp").path
        descriptor = Self.openNameless(in: folder.path)
        if descriptor >= 0 {
            isNameless = true
        } else {
            descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        }
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: String(cString: strerror(errno))) }
        if replaces { fchmod(descriptor, status.st_mode & 0o777) }
    }

    deinit {
        giveUp()
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isNameless { unlink(temporary) }
    }

    /// A file that vanishes with the process, however that ends; −1 where the system has none.
    private static func openNameless(in folder: String) -> Int32 {
        #if os(Linux)
            // What is given a name later is found by its number.
            guard access("/proc/self/fd", X_OK) == 0 else { return -1 }
            let nameless: Int32 = 0o20_000_000 | O_DIRECTORY
            return open(folder, O_RDWR | O_CLOEXEC | nameless, 0o666)
        #else
            return -1
        #endif
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

    /// Calls `body` with what was written so far, piece by piece.
    /// - Throws: `CheckpointError.unwritable` where it can not be read again.
    public func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(CheckpointError) {
        try checkOpen()
        try writePending()
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while offset < byteCount {
            let count = piece.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw abandon() }
            piece.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += count
        }
    }

    /// Makes the file durable and gives it its name. Nothing can be written afterwards.
    /// - Throws: `CheckpointError.unwritable`; the old file is then unchanged.
    public func commit() throws(CheckpointError) { try Self.commit([self]) }

    /// Makes several files durable, and only then gives each its name: where one can not be written, none is replaced.
    /// - Throws: `CheckpointError.unwritable`.
    public static func commit(_ files: [AtomicFile]) throws(CheckpointError) {
        do throws(CheckpointError) {
            for file in files { try file.complete() }
            for file in files { try file.takeName() }
        } catch {
            for file in files { file.giveUp() }
            throw error
        }
    }

    private func giveUp() {
        if isComplete { unlink(temporary) }
        isComplete = false
    }

    /// Brings all bytes to the disk, under the temporary name.
    private func complete() throws(CheckpointError) {
        try checkOpen()
        try writePending()
        guard fsync(descriptor) == 0 else { throw abandon() }
        if isNameless {
            let number = "/proc/self/fd/\(descriptor)"
            guard linkat(AT_FDCWD, number, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) == 0 else { throw abandon() }
            isNameless = false
        }
        let closed = close(descriptor)
        descriptor = -1
        isComplete = true
        guard closed == 0 else { throw .unwritable(path: path, reason: String(cString: strerror(errno))) }
    }

    private func takeName() throws(CheckpointError) {
        guard rename(temporary, target) == 0 else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        isComplete = false
        // The new name is durable only once its folder is.
        let folder = open(URL(filePath: target).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private func checkOpen() throws(CheckpointError) {
        if descriptor < 0 {
            throw .unwritable(path: path, reason: "the file has already been committed or given up")
        }
    }

    private func abandon() -> CheckpointError {
        let reason = String(cString: strerror(errno))
        close(descriptor)
        descriptor = -1
        if !isNameless { unlink(temporary) }
        return .unwritable(path: path, reason: reason)
    }
}
