import Foundation
import Testing

@testable import Checkpoints

@Suite("Mapped and atomically replaced files")
struct FilesTests {
    @Test("A mapped file gives the bytes that are asked for and no others")
    func mapping() throws {
        let folder = try TemporaryFolder()
        let file = try MappedFile(at: try folder.write([10, 11, 12, 13]))
        #expect(file.byteCount == 4)
        #expect(try file.withUnsafeBytes(in: 1..<3) { Array($0) } == [11, 12])
        #expect(try file.withUnsafeBytes(in: 4..<4) { $0.count } == 0)
        #expect(
            folder.error { try file.withUnsafeBytes(in: 2..<5) { _ in } }
                == "'file' is damaged at byte 2: bytes 2..<5 are needed of a file of 4 bytes.")
        #expect(
            folder.error { try file.withUnsafeBytes(in: -1..<5) { _ in } }
                == "'file' is damaged at byte 0: bytes -1..<5 are needed of a file of 4 bytes.")
    }

    @Test("What can not be mapped is refused with the reason")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        func error(_ name: String) -> String? {
            folder.error { _ = try MappedFile(at: folder.url.appendingPathComponent(name)) }
        }
        _ = try folder.write([], to: "empty")
        let locked = try folder.write([1], to: "locked")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: locked.path)
        #expect(mkfifo(folder.url.appendingPathComponent("pipe").path, 0o600) == 0)
        #expect(error("absent") == "No file or folder exists at 'absent'.")
        #expect(error("locked/below") == "No file or folder exists at 'locked/below'.")
        #expect(error("empty") == "'empty' can not be read: it is empty.")
        #expect(
            error("pipe")
                == "'pipe' can not be read: it is a pipe or a device, and weights are mapped where they lie: they need a "
                + "file.")
        #expect(error("") == "'FOLDER' can not be read: it is a folder, not a file.")
        // The superuser may read everything.
        if geteuid() != 0 { #expect(error("locked") == "'locked' can not be read: Permission denied.") }
    }

    @Test("An atomic file appears whole, or not at all")
    func atomicFile() throws {
        let folder = try TemporaryFolder()
        let url = try folder.write([1], to: "a.json")
        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
        }

        var file: AtomicFile? = try AtomicFile(replacing: url)
        try file?.write([7, 8])
        // Where a file can have no name, there is none to see.
        let others = try names().filter { $0 != "a.json" }
        #expect(others.count <= 1 && others.allSatisfy { $0.hasPrefix(".reft-") })
        #expect(try Data(contentsOf: url) == Data([1]))
        file = nil
        #expect(try names() == ["a.json"])

        let second = try AtomicFile(replacing: url)
        try second.write([7, 8])
        try second.write([])
        try second.write([9])
        #expect(second.byteCount == 3)
        try second.commit()
        #expect(try names() == ["a.json"])
        #expect(try Data(contentsOf: url) == Data([7, 8, 9]))
        #expect(
            folder.error { try second.write([1]) }
                == "'a.json' can not be written: the file has already been committed or given up.")

        try AtomicFile.write(Data([5]), to: url)
        #expect(try Data(contentsOf: url) == Data([5]))
    }

    @Test("Of files that belong together none is replaced before all are written")
    func filesTogether() throws {
        let folder = try TemporaryFolder()
        let (a, b) = (try folder.write([1], to: "a"), folder.url.appendingPathComponent("b"))
        let (first, second) = (try AtomicFile(replacing: a), try AtomicFile(replacing: b))
        try first.write([2])
        try second.write([3])
        try AtomicFile.commit([second])
        #expect(
            folder.error { try AtomicFile.commit([first, second]) }
                == "'b' can not be written: the file has already been committed or given up.")
        #expect(try Data(contentsOf: a) == Data([1]))

        let both = (try AtomicFile(replacing: a), try AtomicFile(replacing: b))
        try both.0.write([4])
        try both.1.write([5, 6])
        var seen: [UInt8] = []
        try both.1.forEachPiece { seen += $0 }
        #expect(seen == [5, 6])
        try AtomicFile.commit([both.0, both.1])
        #expect(try Data(contentsOf: a) == Data([4]))
        #expect(try Data(contentsOf: b) == Data([5, 6]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).filter { $0.hasPrefix(".") } == [])
    }

    @Test("What a link leads to is replaced, with its permissions; names may be as long as they can be")
    func linksAndNames() throws {
        let folder = try TemporaryFolder()
        let url = try folder.write([1], to: "a")
        let link = folder.url.appendingPathComponent("link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
        try AtomicFile.write(Data([2]), to: link)
        #expect(try Data(contentsOf: url) == Data([2]))
        let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == url.path)

        let long = folder.url.appendingPathComponent(String(repeating: "n", count: 255))
        try AtomicFile.write(Data([3]), to: long)
        #expect(try Data(contentsOf: long) == Data([3]))
    }

    @Test(
        "A file of many pieces holds what was written, and is mapped where large pages fit",
        arguments: [AtomicFile.largePage - 1, AtomicFile.largePage, 2 * AtomicFile.largePage + 5000])
    func largeFile(count: Int) throws {
        // A different number in each place where a piece or a page could be exchanged for another.
        var bytes = [UInt8](repeating: 0, count: count)
        for place in stride(from: 0, to: count, by: 1000) { bytes[place] = UInt8(truncatingIfNeeded: place / 1000) }
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("large")
        let written = try AtomicFile(replacing: url)
        for start in stride(from: 0, to: count, by: 700_001) {
            try written.write(Array(bytes[start..<min(count, start + 700_001)]))
        }
        #expect(written.byteCount == count)
        try written.commit()
        // Several at a time, so that what one gives back of its addresses is taken by the next.
        let files = try (0..<4).map { _ in try MappedFile(at: url) }
        for file in files {
            try file.withUnsafeBytes(in: 0..<count) { mapped in
                #expect(mapped.baseAddress.map { memcmp($0, bytes, count) } == 0)
                #if os(Linux)
                    let isAligned = Int(bitPattern: mapped.baseAddress) % AtomicFile.largePage == 0
                    #expect(isAligned || count < AtomicFile.largePage)
                #endif
            }
        }
    }

    @Test("Where nothing can be written the error says so")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let absent = folder.url.appendingPathComponent("absent/a")
        #expect(
            folder.error { try AtomicFile.write(Data(), to: absent) }
                == "'absent/a' can not be written: No such file or directory.")
        #expect(
            folder.error { try AtomicFile.write(Data(), to: folder.url) }
                == "'FOLDER' can not be written: something that is no regular file has this name.")
    }

    @Test(
        "SHA-256 gives the digests of FIPS 180-4, however the message is cut",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (String(repeating: "a", count: 1000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
        ])
    func digests(message: String, expected: String) {
        for step in [1, 7, 63, 64, 65, 1000] {
            var hash = SHA256Hash()
            var rest = Array(message.utf8)[...]
            while !rest.isEmpty {
                hash.append(Array(rest.prefix(step)))
                rest = rest.dropFirst(step)
            }
            #expect(hash.hexadecimal == expected)
            #expect(hash.hexadecimal == expected)
        }
    }
}
