import Foundation
import Testing

@testable import Checkpoints

@Suite("Damaged safetensors files")
struct SafetensorsDamageTests {
    /// A header, how many bytes of payload follow it, and the whole text of the error.
    struct Case: Sendable, CustomTestStringConvertible {
        var header: String
        var payload: Int
        var error: String
        var testDescription: String { header }

        init(_ header: String, _ payload: Int, _ error: String) {
            (self.header, self.payload, self.error) = (header, payload, error)
        }

        init(_ header: String, _ error: String) { self.init(header, 0, error) }
    }

    static func entry(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
        "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    static let cases: [Case] = [
        Case("", "'file' is damaged at byte 8: the header does not start with '{'."),
        Case(" {}", "'file' is damaged at byte 8: the header does not start with '{'."),
        Case(
            "{",
            "'file' is damaged at byte 9: a key of the header (a string) is expected here, not the end of the JSON text."
        ),
        Case("{}x", "'file' is damaged at byte 10: the header is followed by 'x'."),
        Case("{} \u{1}", "'file' is damaged at byte 11: the header is followed by byte 1."),
        Case("{}", 3, "'file' is damaged at byte 10: 3 bytes at the end belong to no tensor."),
        Case("{\"a\" 1}", "'file' is damaged at byte 13: ':' of the header is expected here, not '1'."),
        Case("{\"a\":1}", "'file' is damaged at byte 13: '{' of tensor 'a' is expected here, not '1'."),
        Case("{\"a\":{}}", "'file' is damaged at byte 9: tensor 'a' has no dtype."),
        Case("{\"a\":{\"dtype\":\"F32\"}}", "'file' is damaged at byte 9: tensor 'a' has no shape."),
        Case(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "'file' is damaged at byte 9: tensor 'a' has no data_offsets."),
        Case(
            "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[]}}",
            "'file', byte 22: dtype 'F8_E4M3' of 'a' is not supported; "
                + "supported: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL."),
        Case(
            "{\"a\":{\"dtype\":7}}",
            "'file' is damaged at byte 22: the dtype of 'a' (a string) is expected here, not '7'."),
        Case(
            "{\(entry("a", "F32", "[-1]", "[0,4]"))}", 4,
            "'file' is damaged at byte 37: a dimension of 'a' is negative."),
        Case(
            "{\(entry("a", "F32", "[1.0]", "[0,4]"))}", 4,
            "'file' is damaged at byte 37: a dimension of 'a' is not a whole number."),
        Case(
            "{\(entry("a", "F32", "[01]", "[0,4]"))}", 4,
            "'file' is damaged at byte 37: a dimension of 'a' starts with a zero."),
        Case(
            "{\(entry("a", "F32", "[9223372036854775808]", "[0,4]"))}", 4,
            "'file' is damaged at byte 37: a dimension of 'a' does not fit 64 bits."),
        Case(
            "{\(entry("a", "F32", "[4294967296,4294967296]", "[0,4]"))}", 4,
            "'file' is damaged at byte 9: the size of tensor 'a', F32 [4294967296, 4294967296], does not fit 64 bits."),
        Case(
            "{\(entry("a", "F32", "[0,4611686018427387904,4]", "[0,0]"))}",
            "'file' is damaged at byte 9: "
                + "the size of tensor 'a', F32 [0, 4611686018427387904, 4], does not fit 64 bits."),
        Case(
            "{\(entry("a", "F32", "[2]", "[0,4]"))}", 4,
            "'file' is damaged at byte 9: tensor 'a', F32 [2], takes 8 bytes, its data offsets are [0, 4]."),
        Case(
            "{\(entry("a", "F32", "[2]", "[8,0]"))}", 8,
            "'file' is damaged at byte 9: tensor 'a', F32 [2], takes 8 bytes, its data offsets are [8, 0]."),
        Case(
            "{\(entry("a", "F32", "[1]", "[0,4,8]"))}", 8,
            "'file' is damaged at byte 9: tensor 'a' has 3 data offsets, not 2."),
        Case(
            "{\(entry("a", "F32", "[2]", "[0,8]"))}", 7,
            "'file' is damaged at byte 9: tensor 'a' ends at data offset 8, the data at 7."),
        Case(
            "{\(entry("a", "U8", "[2]", "[0,2]")),\(entry("b", "U8", "[2]", "[1,3]"))}", 3,
            "'file' is damaged at byte 61: tensor 'b' at data offset 1 overlaps the tensor before it, which ends at 2."),
        Case(
            "{\(entry("a", "U8", "[2]", "[0,2]")),\(entry("b", "U8", "[2]", "[3,5]"))}", 5,
            "'file' is damaged at byte 61: tensor 'b' at data offset 3 leaves a hole after the tensors that end at 2."),
        Case(
            "{\(entry("a", "U8", "[2]", "[0,2]"))}", 5,
            "'file' is damaged at byte 63: 3 bytes at the end belong to no tensor."),
        Case(
            "{\(entry("a", "U8", "[2]", "[0,2]")),\(entry("a", "U8", "[2]", "[2,4]"))}", 4,
            "'file' is damaged at byte 61: the header has the key 'a' twice."),
        Case(
            "{\"__metadata__\":{\"x\":1}}",
            "'file' is damaged at byte 29: metadata 'x' (a string) is expected here, not '1'."),
        Case(
            "{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"}}",
            "'file' is damaged at byte 33: the metadata has the key 'x' twice."),
        Case("{\"\\x\":1}", "'file' is damaged at byte 10: an escape is unknown."),
        Case("{\"\\ud83d\":1}", "'file' is damaged at byte 10: an escape is half a surrogate pair."),
        Case("{\"\\u12g4\":1}", "'file' is damaged at byte 10: an escape does not have four hexadecimal digits."),
        Case("{\"a\nb\":1}", "'file' is damaged at byte 11: a key of the header contains a control character."),
        Case("{\"a", "'file' is damaged at byte 9: a key of the header does not end."),
        Case(
            "{\"a\":{\"extra\":" + String(repeating: "[", count: 40) + "}}",
            "'file' is damaged at byte 55: field 'extra' of 'a' is nested more than 32 deep."),
        Case(
            "{\"a\":{\"extra\":nope}}",
            "'file' is damaged at byte 22: field 'extra' of 'a' is expected here, not 'nope'."),
    ]

    static func file(_ header: String, payload: Int) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        return length + Array(header.utf8) + [UInt8](repeating: 0, count: payload)
    }

    @Test("Each damage has its own message with the byte", arguments: cases)
    func messages(damage: Case) throws {
        let folder = try TemporaryFolder()
        let url = try folder.write(Self.file(damage.header, payload: damage.payload))
        #expect(folder.error { _ = try SafetensorsFile(at: url) } == damage.error)
    }

    @Test("Unknown fields are passed over, as the reference does")
    func unknownFields() throws {
        let folder = try TemporaryFolder()
        let header =
            "{\"a\":{\"x\":{\"y\":[1,-2.5e3,true,null,\"s\"]},\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
        let file = try SafetensorsFile(at: try folder.write(Self.file(header, payload: 1)))
        #expect(try file.tensor("a").floats() == [0])
    }

    @Test("Lying lengths are refused before anything is read")
    func lengths() throws {
        let folder = try TemporaryFolder()
        func error(_ bytes: [UInt8]) throws -> String? {
            let url = try folder.write(bytes)
            return folder.error { _ = try SafetensorsFile(at: url) }
        }
        #expect(
            try error([1, 2, 3])
                == "'file' is damaged at byte 0: the header's length takes 8 bytes, the file has 3.")
        #expect(
            try error([3, 0, 0, 0, 0, 0, 0, 0, 123, 125])
                == "'file' is damaged at byte 0: a header of 3 bytes is announced, the file has 2 after byte 8.")
        #expect(
            try error([UInt8](repeating: 255, count: 16))
                == "'file' is damaged at byte 0: a header of 18446744073709551615 bytes is announced; "
                + "at most 100000000 are allowed.")
        #expect(
            try error([2, 0, 0, 0, 0, 0, 0, 0, 123, 255])
                == "'file' is damaged at byte 9: a key of the header (a string) is expected here, not byte 255.")
        #expect(
            try error([5, 0, 0, 0, 0, 0, 0, 0, 123, 34, 255, 34, 58])
                == "'file' is damaged at byte 9: a key of the header is not valid UTF-8.")
    }

    @Test("A file cut off anywhere is refused")
    func truncation() throws {
        let bytes = Array(try Data(contentsOf: fixture("reference.safetensors")))
        let accepted = (1..<bytes.count).filter { length in
            (try? SafetensorsFile(region(bytes[..<length]), path: "file")) != nil
        }
        #expect(accepted == [])
    }

    @Test("3000 damaged variants give an error or a file whose tensors can all be read")
    func fuzz() throws {
        let bytes = Array(try Data(contentsOf: fixture("reference.safetensors")))
        var refused = 0
        for variant in damagedVariants(of: bytes, count: 3000, seed: 7, within: 900) {
            do {
                for tensor in try SafetensorsFile(region(variant), path: "file").tensors { _ = tensor.floats() }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 2000)
    }
}
