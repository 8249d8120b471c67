/// The directory of a zip file whose members are stored, not compressed: what torch.save writes.
///
/// Sizes come from the central directory (torch leaves them out of the members' own headers), with zip64's wide fields
/// where they are given. Every range is checked against the file before it is used. Checksums are not compared:
/// `torch.serialization.set_crc32_options` leaves them out. Format: APPNOTE.TXT 6.3.10 of PKWARE.
struct ZipArchive {
    /// One member: its name and where its bytes lie in the file.
    struct Member {
        var name: String
        var bytes: Range<Int>
    }

    /// In the order of the directory.
    let members: [Member]
    private let places: [String: Int]

    subscript(_ name: String) -> Member? { places[name].map { members[$0] } }

    /// Reads the directory of `bytes`; `file` is for messages.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(CheckpointError) {
        var reader = ZipReader(bytes: bytes, file: file)
        let directory = try reader.directory()
        var members: [Member] = []
        var places: [String: Int] = [:]
        var place = directory.range.lowerBound
        for _ in 0..<directory.count {
            let header = place
            let member = try reader.member(at: &place, before: directory.range.upperBound)
            guard places.updateValue(members.count, forKey: member.name) == nil else {
                throw reader.failure("the archive has two members named '\(member.name)'", at: header)
            }
            members.append(member)
        }
        guard place == directory.range.upperBound else {
            throw reader.failure("the archive's directory does not end with its last member", at: place)
        }
        self.members = members
        self.places = places
    }
}

/// Reads the records of a zip file.
private struct ZipReader {
    let bytes: UnsafeRawBufferPointer
    let file: String

    struct Directory {
        var range: Range<Int>
        var count: Int
    }

    func failure(_ problem: String, at offset: Int) -> CheckpointError {
        .damaged(file: file, offset: offset, problem: problem)
    }

    /// A little-endian number of `count` bytes; every caller has checked that they exist.
    private func number(at offset: Int, _ count: Int) -> UInt64 {
        (0..<count).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private func isRecord(_ signature: UInt64, at offset: Int, length: Int) -> Bool {
        offset >= 0 && offset <= bytes.count - length && number(at: offset, 4) == signature
    }

    /// Finds the end record, which is followed by a comment of at most 65,535 bytes.
    func directory() throws(CheckpointError) -> Directory {
        let last = bytes.count - 22
        var end = last
        while end >= max(0, last - 0xFFFF), !isRecord(0x0605_4b50, at: end, length: 22) { end -= 1 }
        guard end >= max(0, last - 0xFFFF), end >= 0 else {
            throw failure("the end record of a zip archive is missing; the file may be cut short", at: bytes.count)
        }
        var count = number(at: end + 10, 2)
        var size = number(at: end + 12, 4)
        var start = number(at: end + 16, 4)
        var limit = end
        if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
            let locator = end - 20
            guard isRecord(0x0706_4b50, at: locator, length: 20),
                let wide = Int(exactly: number(at: locator + 8, 8)), wide <= locator - 56,
                isRecord(0x0606_4b50, at: wide, length: 56)
            else { throw failure("the archive's zip64 end record is missing", at: end) }
            (count, size, start) = (number(at: wide + 32, 8), number(at: wide + 40, 8), number(at: wide + 48, 8))
            limit = wide
        }
        guard size <= UInt64(limit), start <= UInt64(limit) - size else {
            throw failure("the archive's directory of \(size) bytes at \(start) leaves the file", at: end)
        }
        // A directory entry takes at least 46 bytes, which bounds the count.
        guard count <= size / 46 else {
            throw failure("a directory of \(size) bytes can not hold \(count) members", at: end)
        }
        return Directory(range: Int(start)..<Int(start + size), count: Int(count))
    }

    /// Reads one directory entry and moves `place` behind it.
    mutating func member(at place: inout Int, before limit: Int) throws(CheckpointError) -> ZipArchive.Member {
        let entry = place
        guard entry <= limit - 46, number(at: entry, 4) == 0x0201_4b50 else {
            throw failure("a directory entry of the archive is expected here", at: entry)
        }
        let (nameLength, extraLength) = (Int(number(at: entry + 28, 2)), Int(number(at: entry + 30, 2)))
        let commentLength = Int(number(at: entry + 32, 2))
        let end = entry + 46 + nameLength + extraLength + commentLength
        guard end <= limit else { throw failure("a directory entry leaves the directory", at: entry) }
        guard let name = text(entry + 46, nameLength) else {
            throw failure("a member's name is not valid UTF-8", at: entry + 46)
        }
        guard number(at: entry + 8, 2) & 1 == 0 else {
            throw CheckpointError.unsupported(
                file: file, offset: entry + 8, given: "an encrypted member '\(name)'", allowed: "stored members")
        }
        let method = number(at: entry + 10, 2)
        guard method == 0 else {
            throw CheckpointError.unsupported(
                file: file, offset: entry + 10, given: "the compressed member '\(name)' (method \(method))",
                allowed: "stored members, as torch.save writes them")
        }
        let sizes = try sizes(of: entry, extra: entry + 46 + nameLength..<entry + 46 + nameLength + extraLength)
        guard sizes.stored == sizes.plain else {
            throw failure(
                "the member '\(name)' is stored and has two sizes, \(sizes.stored) and \(sizes.plain)", at: entry)
        }
        place = end
        return ZipArchive.Member(name: name, bytes: try range(name, sizes, entry))
    }

    private struct Sizes {
        var plain: UInt64
        var stored: UInt64
        var offset: UInt64
    }

    /// The sizes and the place of a member, from the wide fields of zip64 where the narrow ones say so.
    private func sizes(of entry: Int, extra: Range<Int>) throws(CheckpointError) -> Sizes {
        var sizes = Sizes(
            plain: number(at: entry + 24, 4), stored: number(at: entry + 20, 4), offset: number(at: entry + 42, 4))
        let wide = UInt64(0xFFFF_FFFF)
        guard sizes.plain == wide || sizes.stored == wide || sizes.offset == wide else { return sizes }
        var place = extra.lowerBound
        while place <= extra.upperBound - 4 {
            let (tag, length) = (number(at: place, 2), Int(number(at: place + 2, 2)))
            place += 4
            guard length <= extra.upperBound - place else { break }
            if tag == 1 {
                var field = place
                func next(_ value: inout UInt64) -> Bool {
                    guard value == wide else { return true }
                    guard field <= place + length - 8 else { return false }
                    value = number(at: field, 8)
                    field += 8
                    return true
                }
                guard next(&sizes.plain), next(&sizes.stored), next(&sizes.offset) else { break }
                return sizes
            }
            place += length
        }
        throw failure("a directory entry lacks the sizes of zip64", at: entry)
    }

    /// Where the member's bytes lie, which its own header tells.
    private func range(_ name: String, _ sizes: Sizes, _ entry: Int) throws(CheckpointError) -> Range<Int> {
        guard let header = Int(exactly: sizes.offset), isRecord(0x0403_4b50, at: header, length: 30) else {
            throw failure("the member '\(name)' has no header at byte \(sizes.offset)", at: entry)
        }
        let (nameLength, extraLength) = (Int(number(at: header + 26, 2)), Int(number(at: header + 28, 2)))
        let start = header + 30 + nameLength + extraLength
        guard start <= bytes.count, sizes.plain <= UInt64(bytes.count - start) else {
            throw failure("the member '\(name)' of \(sizes.plain) bytes leaves the file", at: header)
        }
        guard text(header + 30, nameLength) == name else {
            throw failure("the member '\(name)' has another name in its own header", at: header + 30)
        }
        return start..<start + Int(sizes.plain)
    }

    private func text(_ offset: Int, _ count: Int) -> String? {
        String(validating: bytes[offset..<offset + count], as: UTF8.self)
    }
}
