import Checkpoints
import Foundation

/// Reference values that Tests/Reference writes to Tests/Fixtures.
enum ReferenceFiles {
    private static var folder: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures")
    }

    static func tensors(_ path: String) throws -> SafetensorsFile {
        try SafetensorsFile(at: folder.appendingPathComponent(path))
    }

    static func json<Content: Decodable>(_ path: String, as type: Content.Type) throws -> Content {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(contentsOf: folder.appendingPathComponent(path)))
    }
}

/// A file in a folder of its own that is removed at the end.
struct TemporaryFolder: ~Copyable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("runtime-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// The largest difference between two lists of the same length.
func largestDifference(_ first: [Float], _ second: [Float]) -> Float {
    guard first.count == second.count else { return .infinity }
    return zip(first, second).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
