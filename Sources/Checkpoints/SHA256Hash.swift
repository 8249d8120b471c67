import CKernels

/// A running SHA-256 (FIPS 180-4).
///
/// ```swift
/// var hash = SHA256Hash()
/// hash.append(Array("abc".utf8))
/// hash.hexadecimal   // "ba7816bf…"
/// ```
public struct SHA256Hash: Sendable {
    private var state = ck_sha256()

    /// The hash of an empty message.
    public init() { ck_sha256_begin(&state) }

    /// Appends bytes to the message.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        ck_sha256_append(&state, bytes.baseAddress, Int64(bytes.count))
    }

    /// Appends bytes to the message.
    public mutating func append(_ bytes: [UInt8]) {
        ck_sha256_append(&state, bytes, Int64(bytes.count))
    }

    /// The digest of the message so far: 32 bytes.
    public var digest: [UInt8] {
        var copy = state
        return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            ck_sha256_finish(&copy, buffer.baseAddress)
            count = 32
        }
    }

    /// The digest of the message so far as 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
