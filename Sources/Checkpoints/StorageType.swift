// The names of quantised types are those of the GGUF format.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels

/// How the elements of a tensor are stored on disk.
///
/// Plain types have one element per block. Quantised types (the GGUF block formats) have 32 or 256 elements that share
/// scales; a row always holds whole blocks.
public enum StorageType: String, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f64 = "F64"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u8 = "U8"
    case bool = "BOOL"
    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q5_0 = "Q5_0"
    case q5_1 = "Q5_1"
    case q8_0 = "Q8_0"
    case q2_K = "Q2_K"
    case q3_K = "Q3_K"
    case q4_K = "Q4_K"
    case q5_K = "Q5_K"
    case q6_K = "Q6_K"

    /// The number by which the C kernels know the type (`ck_stored_type`); below 100 it is also the type's GGUF number.
    public var code: Int32 { Int32(bitPattern: stored.rawValue) }

    /// Elements that are stored together: 1, 32 or 256.
    public var blockElements: Int { Int(ck_stored_block_elements(code)) }

    /// Bytes that one block takes.
    public var blockByteCount: Int { Int(ck_stored_block_bytes(code)) }

    /// Whether elements share scales.
    public var isQuantised: Bool { blockElements > 1 }

    /// Whether elements are whole numbers (or truth values).
    public var isInteger: Bool {
        switch self {
        case .i64, .i32, .i16, .i8, .u8, .bool: true
        default: false
        }
    }

    /// Bytes that `elements` elements take, or nil when they are no whole number of blocks or the count overflows.
    public func byteCount(elements: Int) -> Int? {
        guard elements >= 0, elements % blockElements == 0 else { return nil }
        let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockByteCount)
        return overflow ? nil : bytes
    }

    /// The name in its format's own spelling: `F32`, `BOOL`, `Q4_K`.
    public var description: String { rawValue }

    private var stored: ck_stored_type {
        switch self {
        case .f32: CK_STORED_F32
        case .f16: CK_STORED_F16
        case .bf16: CK_STORED_BF16
        case .f64: CK_STORED_F64
        case .i64: CK_STORED_I64
        case .i32: CK_STORED_I32
        case .i16: CK_STORED_I16
        case .i8: CK_STORED_I8
        case .u8: CK_STORED_U8
        case .bool: CK_STORED_BOOL
        case .q4_0: CK_STORED_Q4_0
        case .q4_1: CK_STORED_Q4_1
        case .q5_0: CK_STORED_Q5_0
        case .q5_1: CK_STORED_Q5_1
        case .q8_0: CK_STORED_Q8_0
        case .q2_K: CK_STORED_Q2_K
        case .q3_K: CK_STORED_Q3_K
        case .q4_K: CK_STORED_Q4_K
        case .q5_K: CK_STORED_Q5_K
        case .q6_K: CK_STORED_Q6_K
        }
    }
}

/// The product of the dimensions, or nil where one is negative or the product overflows.
///
/// A zero dimension does not excuse an overflow among the others: strides are products of them too.
func elementCount(of shape: [Int]) -> Int? {
    var nonzero = 1
    for dimension in shape where dimension != 0 {
        guard dimension > 0 else { return nil }
        let (product, overflow) = nonzero.multipliedReportingOverflow(by: dimension)
        if overflow { return nil }
        nonzero = product
    }
    return shape.contains(0) ? 0 : nonzero
}
