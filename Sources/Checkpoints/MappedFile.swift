import Foundation

/// A file mapped read-only into memory. Opening reads nothing; pages arrive when they are touched.
///
/// The mapping ends with the last reference, including those that tensors of the file hold. Replacing the file by a
/// rename leaves an existing mapping as it was; truncating a file in place while it is mapped is not survivable, here
/// or in any other memory-mapping reader.
///
/// ```swift
/// let file = try MappedFile(at: URL(filePath: "model.safetensors"))
/// let magic = try file.withUnsafeBytes(in: 0..<4) { Array($0) }
/// ```
public final class MappedFile: Sendable {
    /// The path as it was given.
    public let path: String
    /// The size of the file in bytes, at least 1.
    public let byteCount: Int
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer

    /// Maps the file at `url`.
    /// - Throws: `CheckpointError.missing`, or `.unreadable` for a folder, an empty file, a device, or without permission.
    public init(at url: URL) throws(CheckpointError) {
        path = url.path
        var status = stat()
        // Asked before opening: opening a pipe would wait for a writer.
        guard stat(path, &status) == 0 else { throw Self.failure(path) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw .unreadable(path: path, reason: "it is a folder, not a file")
        default:
            throw .unreadable(
                path: path, reason: "it is a pipe or a device, and weights are mapped where they lie: they need a file")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { close(descriptor) }
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(path) }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else { throw .unreadable(path: path, reason: "it is empty") }
        guard let address = Self.map(descriptor, byteCount) else { throw Self.failure(path) }
        start = address
    }

    /// Maps the file where pages of 2 MiB can hold it: through small ones, weights are read up to a fifth more slowly.
    /// Whether there are large ones is for the file system and the file cache to say.
    private static func map(_ descriptor: Int32, _ byteCount: Int) -> UnsafeMutableRawPointer? {
        #if os(Linux)
            let large = AtomicFile.largePage
            let page = sysconf(Int32(_SC_PAGESIZE))
            // Room for the file wherever the first multiple lies; what is before and behind it is given back.
            guard byteCount >= large,
                let room = mmap(nil, byteCount + large, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                room != MAP_FAILED
            else { return plainly(descriptor, byteCount) }
            let before = (large - Int(bitPattern: room) % large) % large
            if before > 0 { munmap(room, before) }
            munmap(room + before + (byteCount + page - 1) / page * page, large - before)
            guard let address = plainly(descriptor, byteCount, at: room + before) else {
                munmap(room + before, byteCount)
                return nil
            }
            // What is not in the file cache yet is then read in large pages; kernels without them refuse, which does no harm.
            madvise(address, byteCount, MADV_HUGEPAGE)
            return address
        #else
            return plainly(descriptor, byteCount)
        #endif
    }

    private static func plainly(
        _ descriptor: Int32, _ byteCount: Int, at place: UnsafeMutableRawPointer? = nil
    ) -> UnsafeMutableRawPointer? {
        let address = mmap(place, byteCount, PROT_READ, MAP_PRIVATE | (place == nil ? 0 : MAP_FIXED), descriptor, 0)
        return address == MAP_FAILED ? nil : address
    }

    deinit { munmap(start, byteCount) }

    /// Calls `body` with the bytes in `range`. They must not be used after it returns.
    /// - Throws: `CheckpointError.damaged` when the range leaves the file, or what `body` throws.
    public func withUnsafeBytes<R>(
        in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        guard let region = whole.slice(range) else {
            throw CheckpointError.damaged(
                file: path, offset: max(0, min(range.lowerBound, byteCount)),
                problem: "bytes \(range.lowerBound)..<\(range.upperBound) are needed of a file of \(byteCount) bytes")
        }
        return try region.withUnsafeBytes(body)
    }

    /// All bytes of the file, keeping the mapping alive.
    var whole: ByteRegion { ByteRegion(owner: self, start: start, count: byteCount) }

    private static func failure(_ path: String) -> CheckpointError {
        let code = errno
        return code == ENOENT || code == ENOTDIR
            ? .missing(path: path) : .unreadable(path: path, reason: String(cString: strerror(code)))
    }
}
