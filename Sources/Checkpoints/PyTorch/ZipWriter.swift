import Foundation

/// Writes a zip archive of stored members whose bytes begin at multiples of 64, as torch maps them.
struct ZipWriter {
    /// Gives the bytes of a member in parts; the same ones each time.
    typealias Parts = ((UnsafeRawBufferPointer) throws(CheckpointError) -> Void) throws(CheckpointError) -> Void

    private let file: AtomicFile
    private var directory: [UInt8] = []
    private var count = 0
    private static let alignment = 64

    init(replacing url: URL) throws(CheckpointError) { file = try AtomicFile(replacing: url) }

    /// Adds a member of bytes at hand.
    mutating func add(_ name: String, bytes: [UInt8]) throws(CheckpointError) {
        try add(name, byteCount: bytes.count) { (emit) throws(CheckpointError) in
            try bytes.withUnsafeBufferPointer { (bytes) throws(CheckpointError) in
                try emit(UnsafeRawBufferPointer(bytes))
            }
        }
    }

    /// Adds a member of `byteCount` bytes, which `parts` gives twice: for the checksum, and for the file.
    mutating func add(_ name: String, byteCount: Int, _ parts: Parts) throws(CheckpointError) {
        var checksum = CRC32()
        try parts { (bytes) in checksum.append(bytes) }
        let offset = file.byteCount
        guard let size = UInt32(exactly: byteCount), size < .max, let start = UInt32(exactly: offset), start < .max,
            count < 0xFFFE
        else {
            throw .invalidTensor(
                name: name, problem: "an archive of 4 GiB or more is not written; safetensors files may be larger")
        }
        let bodyStart = offset + 30 + name.utf8.count + 4
        let padding = (Self.alignment - bodyStart % Self.alignment) % Self.alignment
        // Version 0, UTF-8 names, stored; no time.
        var common = LittleEndian()
        common.append(0, 2)
        common.append(0x0800, 2)
        common.append(0, 2)
        common.append(0, 4)
        common.append(UInt64(checksum.value), 4)
        common.append(UInt64(size), 4)
        common.append(UInt64(size), 4)
        common.append(UInt64(name.utf8.count), 2)

        var header = LittleEndian()
        header.append(0x0403_4b50, 4)
        header.bytes += common.bytes
        header.append(UInt64(padding + 4), 2)
        header.bytes += Array(name.utf8)
        header.bytes += Array("FB".utf8)
        header.append(UInt64(padding), 2)
        header.bytes += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        try file.write(header.bytes)
        try parts { (bytes) throws(CheckpointError) in try file.write(bytes) }

        var entry = LittleEndian()
        entry.append(0x0201_4b50, 4)
        entry.append(0, 2)
        entry.bytes += common.bytes
        entry.append(0, 2)
        entry.append(0, 2)
        entry.append(0, 2)
        entry.append(0, 2)
        entry.append(0, 4)
        entry.append(UInt64(start), 4)
        directory += entry.bytes + Array(name.utf8)
        count += 1
    }

    /// Writes the directory and gives the file its name.
    func commit() throws(CheckpointError) {
        let offset = file.byteCount
        guard let start = UInt32(exactly: offset), start < .max else {
            throw .invalidTensor(
                name: "archive", problem: "an archive of 4 GiB or more is not written; safetensors files may be larger")
        }
        var end = LittleEndian()
        end.append(0x0605_4b50, 4)
        end.append(0, 4)
        end.append(UInt64(count), 2)
        end.append(UInt64(count), 2)
        end.append(UInt64(directory.count), 4)
        end.append(UInt64(start), 4)
        end.append(0, 2)
        try file.write(directory + end.bytes)
        try file.commit()
    }
}

/// Bytes to which numbers are appended, lowest byte first.
private struct LittleEndian {
    var bytes: [UInt8] = []

    mutating func append(_ value: UInt64, _ count: Int) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
    }
}
