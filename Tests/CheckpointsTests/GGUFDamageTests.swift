import Foundation
import Testing

@testable import Checkpoints

@Suite("Damaged GGUF files")
struct GGUFDamageTests {
    /// A file of hand-made parts: the header's counts, then metadata and tensor entries, then padded data.
    static func file(
        version: UInt32 = 3, tensors: UInt64 = 0, values: UInt64 = 0, data: Int = 0,
        _ body: (inout GGUFEncoder) -> Void = { _ in }
    ) -> [UInt8] {
        var encoder = GGUFEncoder()
        encoder.append(contentsOf: Array("GGUF".utf8))
        encoder.append(version)
        encoder.append(tensors)
        encoder.append(values)
        body(&encoder)
        if data > 0 {
            let padding = (32 - encoder.bytes.count % 32) % 32
            encoder.append(contentsOf: [UInt8](repeating: 0, count: padding + data))
        }
        return encoder.bytes
    }

    static func tensor(
        _ encoder: inout GGUFEncoder, _ name: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0
    ) {
        encoder.append(name)
        encoder.append(UInt32(dimensions.count))
        for dimension in dimensions { encoder.append(dimension) }
        encoder.append(type)
        encoder.append(offset)
    }

    /// A file and the whole text of its error.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var error: String
        var testDescription: String { name }

        init(_ name: String, _ bytes: [UInt8], _ error: String) {
            (self.name, self.bytes, self.error) = (name, bytes, error)
        }
    }

    static let headerCases: [Case] = [
        Case("magic", Array("GGML....".utf8), "'file' is damaged at byte 0: it does not start with 'GGUF'."),
        Case(
            "short", Array("GGUF".utf8),
            "'file' is damaged at byte 4: the version takes 4 bytes, 0 are left in the file."),
        Case(
            "version 1", file(version: 1),
            "'file', byte 4: GGUF version 1 is not supported; supported: little-endian versions 2, 3."),
        Case(
            "big-endian", file(version: UInt32(3).byteSwapped),
            "'file', byte 4: big-endian GGUF version 3 is not supported; supported: little-endian versions 2, 3."),
        Case(
            "tensor count", file(tensors: .max),
            "'file' is damaged at byte 8: the number of tensors is 18446744073709551615, "
                + "more than the 8 bytes that follow can hold."),
        Case(
            "value count",
            file(values: 2) {
                $0.append("k")
                $0.append(UInt32(7))
            },
            "'file' is damaged at byte 16: the number of metadata values is 2, "
                + "more than the 13 bytes that follow can hold."),
        Case(
            "key length",
            file(values: 1) {
                $0.append(UInt64(1000))
                $0.append(UInt64(0))
            },
            "'file' is damaged at byte 24: the length of a metadata key is 1000, "
                + "more than the 8 bytes that follow can hold."),
        Case(
            "key text",
            file(values: 1) {
                $0.append(UInt64(1))
                $0.append(contentsOf: [0xff])
                $0.append(UInt64(0))
            },
            "'file' is damaged at byte 24: a metadata key is not valid UTF-8."),
        Case(
            "value type",
            file(values: 1) {
                $0.append("k")
                $0.append(UInt32(13))
                $0.append(UInt64(0))
            },
            "'file' is damaged at byte 33: the type of metadata 'k' is 13; types are 0 to 12."),
        Case(
            "truth value",
            file(values: 1) {
                $0.append("k")
                $0.append(UInt32(7))
                $0.append(UInt8(2))
            },
            "'file' is damaged at byte 37: metadata 'k' has a truth value that is neither 0 nor 1."),
        Case(
            "truth values",
            file(values: 1) {
                $0.append("k")
                $0.append(UInt32(9))
                $0.append(UInt32(7))
                $0.append(UInt64(2))
                $0.append(contentsOf: [1, 3])
            },
            "'file' is damaged at byte 50: metadata 'k' has a truth value that is neither 0 nor 1."),
        Case(
            "array length",
            file(values: 1) {
                $0.append("k")
                $0.append(UInt32(9))
                $0.append(UInt32(10))
                $0.append(UInt64(1 << 61))
            },
            "'file' is damaged at byte 41: the length of metadata 'k' is 2305843009213693952, "
                + "more than the 0 bytes that follow can hold."),
        Case(
            "array depth",
            file(values: 1) {
                $0.append("k")
                $0.append(UInt32(9))
                for _ in 0..<6 {
                    $0.append(UInt32(9))
                    $0.append(UInt64(1))
                }
            },
            "'file' is damaged at byte 85: metadata 'k' nests arrays more than 4 deep."),
        Case(
            "duplicate key",
            file(values: 2) {
                for _ in 0..<2 {
                    $0.append("k")
                    $0.append(UInt32(4))
                    $0.append(UInt32(1))
                }
            },
            "'file' is damaged at byte 41: metadata 'k' appears twice."),
        Case(
            "alignment",
            file(values: 1) {
                $0.append("general.alignment")
                $0.append(UInt32(4))
                $0.append(UInt32(24))
            },
            "'file' has metadata 'general.alignment' as 24, not as a power of two."),
        Case(
            "alignment type",
            file(values: 1) {
                $0.append("general.alignment")
                $0.append(UInt32(5))
                $0.append(Int32(32))
            },
            "'file' has metadata 'general.alignment' as int32, not as uint32."),
    ]

    static let tensorCases: [Case] = [
        Case(
            "dimensions", file(tensors: 1, data: 32) { tensor(&$0, "t", [1, 1, 1, 1, 1]) },
            "'file' is damaged at byte 24: tensor 't' has 5 dimensions; at most 4 are allowed."),
        Case(
            "large dimension", file(tensors: 1, data: 32) { tensor(&$0, "t", [1 << 63]) },
            "'file' is damaged at byte 24: dimension 9223372036854775808 of tensor 't' does not fit 63 bits."),
        Case(
            "size", file(tensors: 1, data: 32) { tensor(&$0, "t", [1 << 32, 1 << 32]) },
            "'file' is damaged at byte 24: the size of tensor 't', F32 [4294967296, 4294967296], does not fit 64 bits."),
        Case(
            "known type", file(tensors: 1, data: 32) { tensor(&$0, "t", [256], type: 20) },
            "'file', byte 45: tensor type IQ4_NL (20) of 't' is not supported; supported: F32, F16, Q4_0, Q4_1, Q5_0, "
                + "Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, I8, I16, I32, I64, F64, BF16."),
        Case(
            "unknown type", file(tensors: 1, data: 32) { tensor(&$0, "t", [256], type: 100) },
            "'file', byte 45: tensor type 100 of 't' is not supported; supported: F32, F16, Q4_0, Q4_1, Q5_0, "
                + "Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, I8, I16, I32, I64, F64, BF16."),
        Case(
            "block", file(tensors: 1, data: 32) { tensor(&$0, "t", [33, 32], type: 2) },
            "'file' is damaged at byte 24: rows of tensor 't' have 33 elements, no multiple of the 32 of a Q4_0 block."),
        Case(
            "alignment", file(tensors: 1, data: 64) { tensor(&$0, "t", [2], offset: 8) },
            "'file' is damaged at byte 24: tensor 't' starts at data offset 8, no multiple of 32."),
        Case(
            "offset", file(tensors: 1, data: 32) { tensor(&$0, "t", [2], offset: 64) },
            "'file' is damaged at byte 24: tensor 't' takes 8 bytes at data offset 64 of 32."),
        Case(
            "large offset", file(tensors: 1, data: 32) { tensor(&$0, "t", [2], offset: .max) },
            "'file' is damaged at byte 24: offset 18446744073709551615 of tensor 't' does not fit 63 bits."),
        Case(
            "end", file(tensors: 1, data: 32) { tensor(&$0, "t", [9]) },
            "'file' is damaged at byte 24: tensor 't' takes 36 bytes at data offset 0 of 32."),
        Case(
            "no data", file(tensors: 1) { tensor(&$0, "t", [9]) },
            "'file' is damaged at byte 24: tensor 't' takes 36 bytes at data offset 0 of 0."),
        Case(
            "overlap",
            file(tensors: 2, data: 96) {
                tensor(&$0, "t", [16])
                tensor(&$0, "u", [8], offset: 32)
            },
            "'file' is damaged at byte 57: tensor 'u' starts at data offset 32, inside a tensor that ends at 64."),
        Case(
            "duplicate",
            file(tensors: 2, data: 96) {
                tensor(&$0, "t", [8])
                tensor(&$0, "t", [8], offset: 32)
            },
            "'file' is damaged at byte 57: tensor 't' appears twice."),
    ]

    @Test("Each damage has its own message with the byte", arguments: headerCases + tensorCases)
    func messages(damage: Case) throws {
        let folder = try TemporaryFolder()
        let url = try folder.write(damage.bytes)
        #expect(folder.error { _ = try GGUFFile(at: url) } == damage.error)
    }

    @Test("Text that is not UTF-8 inside an array is found when it is asked for")
    func lateText() throws {
        let folder = try TemporaryFolder()
        let bytes = Self.file(values: 1) {
            $0.append("k")
            $0.append(UInt32(9))
            $0.append(UInt32(8))
            $0.append(UInt64(2))
            $0.append("ok")
            $0.append(UInt64(1))
            $0.append(contentsOf: [0xff])
        }
        let file = try GGUFFile(at: try folder.write(bytes))
        #expect(
            folder.error { _ = try file.strings("k") }
                == "'file' is damaged at byte 59: metadata 'k' is not valid UTF-8.")
    }

    @Test("Version 2 reads like version 3")
    func version2() throws {
        let folder = try TemporaryFolder()
        let bytes = Self.file(version: 2, tensors: 1, data: 8) { Self.tensor(&$0, "t", [1, 2]) }
        let file = try GGUFFile(at: try folder.write(bytes))
        #expect(file.version == 2)
        #expect(try file.tensor("t").shape == [2, 1])
        #expect(try file.tensor("t").floats() == [0, 0])
    }

    @Test("A file cut off anywhere before the last tensor's end is refused")
    func truncation() throws {
        let bytes = Array(try Data(contentsOf: fixture("reference.gguf")))
        // The five floats of the last tensor are followed by 12 bytes of padding, which may be missing.
        let accepted = (1..<bytes.count - 12).filter { length in
            (try? GGUFFile(region(bytes[..<length]), path: "file")) != nil
        }
        #expect(accepted == [])
        #expect(throws: Never.self) { try GGUFFile(region(bytes.dropLast(12)), path: "file") }
    }

    @Test("3000 damaged variants give an error or a file that can be read throughout")
    func fuzz() throws {
        let bytes = Array(try Data(contentsOf: fixture("reference.gguf")))
        var refused = 0
        for variant in damagedVariants(of: bytes, count: 3000, seed: 11, within: 1300) {
            do {
                let file = try GGUFFile(region(variant), path: "file")
                for tensor in file.tensors { _ = tensor.floats() }
                for key in file.keys { try readAll(try file.value(key)) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }

    func readAll(_ value: GGUFValue) throws(CheckpointError) {
        guard let array = value.array else { return }
        switch array.elementKind {
        case .string: _ = try array.strings()
        case .array: for element in try array.arrays() { try readAll(.array(element)) }
        case .bool: _ = try array.booleans()
        default: _ = try array.floats()
        }
    }
}
