import CKernels
import Testing

@testable import Checkpoints

@Suite("Expansion of stored elements to f32")
struct DequantizationTests {
    static let paths: [ck_dequantize_path] = [CK_DEQUANTIZE_PORTABLE, CK_DEQUANTIZE_AVX2, CK_DEQUANTIZE_AVX512]
        .filter { $0.rawValue <= ck_dequantize_best_path().rawValue }

    static let quantised = StorageType.allCases.filter(\.isQuantised)

    /// Expands `bytes` from an address that is no multiple of anything but 1.
    func expand(_ bytes: [UInt8], _ type: StorageType, count: Int, on path: ck_dequantize_path) -> [Float] {
        let shifted = [0] + bytes
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            shifted.withUnsafeBytes { source in
                #expect(
                    ck_dequantize_on(path, type.code, source.baseAddress! + 1, Int64(count), buffer.baseAddress) == 0)
            }
            initialized = count
        }
    }

    @Test("Quantised blocks have the bits of the gguf package on every path", arguments: quantised)
    func quantisedBlocks(type: StorageType) throws {
        let file = try SafetensorsFile(at: fixture("blocks.safetensors"))
        let blocks = try file.tensor("\(type).blocks").withUnsafeBytes { Array($0) }
        let expected = try file.tensor("\(type).values").floats()
        #expect(blocks.count == type.byteCount(elements: expected.count))
        for path in Self.paths {
            #expect(bits(expand(blocks, type, count: expected.count, on: path)) == bits(expected))
        }
    }

    /// Sign, exponent and mantissa by the definition of binary16.
    func value(ofHalf bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 31)
        let mantissa = Float(bits & 1023)
        switch exponent {
        case 0: return sign * mantissa * 0x1p-24
        case 31: return mantissa == 0 ? sign * .infinity : .nan
        default:
            var power: Float = 1
            for _ in 0..<abs(exponent - 25) { power *= exponent > 25 ? 2 : 0.5 }
            return sign * (1024 + mantissa) * power
        }
    }

    @Test("All 65536 halves expand to their value, and round back to themselves")
    func everyHalf() {
        let halves = (0...UInt16.max).map { $0 }
        let bytes = halves.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        for path in Self.paths {
            let expanded = expand(bytes, .f16, count: halves.count, on: path)
            let wrong = zip(halves, expanded).filter { half, found in
                let wanted = value(ofHalf: half)
                // Payload and sign of a NaN survive; a signalling one becomes quiet.
                let quiet = UInt32(half & 0x8000) << 16 | 0x7fc0_0000 | UInt32(half & 0x1ff) << 13
                return found.bitPattern != (wanted.isNaN ? quiet : wanted.bitPattern)
            }
            #expect(wrong.isEmpty)
        }
        let expanded = expand(bytes, .f16, count: halves.count, on: CK_DEQUANTIZE_PORTABLE)
        var rounded = [UInt16](repeating: 0, count: halves.count)
        ck_round_to_f16(expanded, Int64(halves.count), &rounded)
        #expect(zip(halves, rounded).allSatisfy { half, found in half == found || half & 0x7fff > 0x7c00 })
    }

    @Test("bf16 is the upper half of f32")
    func everyBrainFloat() {
        let bytes = (0...UInt16.max).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        for path in Self.paths {
            let expanded = expand(bytes, .bf16, count: 65536, on: path)
            #expect(bits(expanded) == (0...UInt32(UInt16.max)).map { $0 << 16 })
        }
    }

    @Test(
        "Rounding to f16 goes to the nearest, ties to even",
        arguments: [
            (1 + 0x1p-11, 0x3c00), (1 + 3 * 0x1p-11, 0x3c02), (1 + 0x1.002p-11, 0x3c01), (65519.99, 0x7bff),
            (65520, 0x7c00), (0x1p-25, 0x0000), (0x1.002p-25, 0x0001), (3 * 0x1p-25, 0x0002), (-0x1p-24, 0x8001),
            (0x1.ffep-15, 0x03ff + 1), (Float.infinity, 0x7c00), (-0.0, 0x8000), (.nan, 0x7e00),
            (Float.leastNonzeroMagnitude, 0),
        ] as [(Float, UInt16)])
    func roundToHalf(value: Float, expected: UInt16) {
        var result: UInt16 = 0xdead
        ck_round_to_f16([value], 1, &result)
        #expect(result == expected)
    }

    @Test(
        "Rounding to bf16 goes to the nearest, ties to even",
        arguments: [
            (1 + 0x1p-8, 0x3f80), (1 + 3 * 0x1p-8, 0x3f82), (1 + 0x1.02p-8, 0x3f81),
            (Float.greatestFiniteMagnitude, 0x7f80),
            (.infinity, 0x7f80), (-0.0, 0x8000), (Float(bitPattern: 0x7f80_0001), 0x7fc0),
        ] as [(Float, UInt16)])
    func roundToBrainFloat(value: Float, expected: UInt16) {
        var result: UInt16 = 0xdead
        ck_round_to_bf16([value], 1, &result)
        #expect(result == expected)
    }

    @Test("Part of a block and unknown types are refused without writing")
    func refusals() {
        var out: Float = 42
        let source = [UInt8](repeating: 0, count: 64)
        #expect(ck_dequantize(StorageType.q8_0.code, source, 31, &out) == -1)
        #expect(ck_dequantize(StorageType.q8_0.code, source, -32, &out) == -1)
        #expect(ck_dequantize(9, source, 32, &out) == -1)
        #expect(out == 42)
        #expect(ck_dequantize(StorageType.f32.code, source, 0, &out) == 0)
        #expect(out == 42)
        #expect(ck_stored_block_elements(9) == 0 && ck_stored_block_bytes(9) == 0)
    }
}
