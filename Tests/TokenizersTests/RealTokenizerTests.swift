import Foundation
import Testing

@testable import Tokenizers

/// A real tokenizer against a file of expectations: set TOKENIZER_FOLDER to its folder and TOKENIZER_EXPECTED to what
/// Tests/Reference/tokenizers/expected_tokens.py wrote for it.
struct RealTokenizerTests {
    struct Case: Decodable {
        var text: String
        var ids: [Int32]
        var decoded: String
    }

    private static let folder = ProcessInfo.processInfo.environment["TOKENIZER_FOLDER"]
    private static let expected = ProcessInfo.processInfo.environment["TOKENIZER_EXPECTED"]

    @Test(.enabled(if: folder != nil && expected != nil, "TOKENIZER_FOLDER and TOKENIZER_EXPECTED are not set"))
    func agreesOnManyLines() throws {
        let tokenizer = try Tokenizer(folder: URL(filePath: Self.folder ?? ""))
        let data = try Data(contentsOf: URL(filePath: Self.expected ?? ""))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        var different = 0
        for item in cases
        where tokenizer.encode(item.text) != item.ids || tokenizer.decode(item.ids) != item.decoded {
            different += 1
        }
        #expect(different == 0, "of \(cases.count) lines")
        #expect(cases.count > 0)
    }
}
