import Foundation

/// A temporary file that holds floats which memory has no room for, read through a mapping.
///
/// Its name is removed as soon as it is open, so that the system frees it however the process ends.
final class SpillFile {
    /// The most bytes that it holds.
    let budget: Int
    /// The bytes that are in use.
    private(set) var bytes = 0
    private let path: String
    private let descriptor: Int32
    private let start: UnsafeMutableRawPointer
    /// Byte ranges within the budget that nobody uses, ascending, with no two that touch.
    private var free: [Range<Int>]

    /// Makes the file, which must not exist yet, and maps it.
    /// - Parameter place: The file's path; nil for one in the system's folder of temporary files.
    /// - Throws: ``OverflowError``.
    init(at place: URL?, budget: Int) throws(OverflowError) {
        let name = "reft-activations-\(UUID().uuidString)"
        path = (place ?? FileManager.default.temporaryDirectory.appendingPathComponent(name)).path
        // Whole floats, and nothing that an offset could not say.
        self.budget = min(max(0, budget), Int(Int32.max) << 16) / 4 * 4
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, "can not be made") }
        unlink(path)
        // Only what was written is ever read; the file grows as it is written.
        guard let start = mmap(nil, max(4, self.budget), PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED
        else {
            let failure = Self.failure(path, "can not be mapped")
            close(descriptor)
            throw failure
        }
        self.start = start
        free = self.budget > 0 ? [0..<self.budget] : []
    }

    deinit {
        munmap(start, max(4, budget))
        close(descriptor)
    }

    /// Writes floats one part after another.
    /// - Returns: where they lie; nil if there is no stretch that is long enough.
    /// - Throws: ``OverflowError`` if the system can not write, as on a full disk. Nothing is in use then that was not before.
    func write(_ parts: [UnsafeBufferPointer<Float>]) throws(OverflowError) -> Range<Int>? {
        let count = parts.reduce(0) { $0 + 4 * $1.count }
        guard count > 0, let place = free.firstIndex(where: { $0.count >= count }) else { return nil }
        let range = free[place].lowerBound..<free[place].lowerBound + count
        var offset = range.lowerBound
        for part in parts {
            var rest = UnsafeRawBufferPointer(part)
            while let address = rest.baseAddress, !rest.isEmpty {
                let written = pwrite(descriptor, address, min(rest.count, 1 << 30), off_t(offset))
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw Self.failure(path, "can not be written") }
                offset += written
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
        free[place] = range.upperBound..<free[place].upperBound
        if free[place].isEmpty { free.remove(at: place) }
        bytes += count
        return range
    }

    /// The floats that were written there, until it is freed.
    func floats(in range: Range<Int>) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(
            start: (start + range.lowerBound).assumingMemoryBound(to: Float.self), count: range.count / 4)
    }

    /// Lets others have the range of a write.
    func release(_ range: Range<Int>) {
        bytes -= range.count
        var place = free.firstIndex { $0.lowerBound >= range.upperBound } ?? free.count
        free.insert(range, at: place)
        if place + 1 < free.count, free[place].upperBound == free[place + 1].lowerBound {
            free[place] = free[place].lowerBound..<free[place + 1].upperBound
            free.remove(at: place + 1)
        }
        if place > 0, free[place - 1].upperBound == free[place].lowerBound {
            place -= 1
            free[place] = free[place].lowerBound..<free[place + 1].upperBound
            free.remove(at: place + 1)
        }
    }

    private static func failure(_ path: String, _ what: String) -> OverflowError {
        OverflowError(path: path, problem: "\(what): \(String(cString: strerror(errno)))")
    }
}

/// Why an activation store does without its file.
public struct OverflowError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file that could not be used.
    public var path: String
    /// What went wrong.
    public var problem: String

    public var description: String {
        "\(path) \(problem); what memory has no room for is computed again instead of being stored"
    }
}
