import Foundation
import Testing

@testable import Checkpoints

/// A file or folder under Fixtures.
func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)")
}

/// A folder that lives as long as the value.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("checkpoints-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ bytes: [UInt8], to name: String = "file") throws -> URL {
        let file = url.appendingPathComponent(name)
        try Data(bytes).write(to: file)
        return file
    }

    /// The text of the error that `body` throws, with this folder's path left out; nil when it throws none.
    func error(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)".replacingOccurrences(of: url.path + "/", with: "").replacingOccurrences(
                of: url.path, with: "FOLDER")
        }
    }
}

/// A small seeded generator (SplitMix64), so that fuzzing is the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Every fourth variant is truncated as well; each has one to four bytes replaced or bits flipped.
func damagedVariants(of bytes: [UInt8], count: Int, seed: UInt64, within limit: Int) -> [[UInt8]] {
    var generator = SeededGenerator(state: seed)
    return (0..<count).map { number in
        var variant = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0..<min(limit, bytes.count), using: &generator)
            if Bool.random(using: &generator) {
                variant[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            } else {
                variant[place] = UInt8.random(in: 0...255, using: &generator)
            }
        }
        if number % 4 == 0 { variant.removeLast(Int.random(in: 0..<variant.count, using: &generator)) }
        return variant
    }
}

/// Bytes in memory of exactly their size, so that the address sanitizer sees a read beyond them.
func region(_ bytes: some Collection<UInt8>) -> ByteRegion { Array(bytes).withUnsafeBytes { ByteRegion(copying: $0) } }

func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
