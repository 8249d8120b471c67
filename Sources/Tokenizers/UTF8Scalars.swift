/// The scalar that starts at `index` and its length in bytes. The text must be valid UTF-8 (that of a `String` is).
@inline(__always)
func scalar(_ text: UnsafePointer<UInt8>, at index: Int, end: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(text[index])
    if first < 0x80 { return (first, 1) }
    if first < 0xE0 {
        guard index + 1 < end else { return (0xFFFD, end - index) }
        return ((first & 0x1F) << 6 | UInt32(text[index + 1]) & 0x3F, 2)
    }
    if first < 0xF0 {
        guard index + 2 < end else { return (0xFFFD, end - index) }
        return ((first & 0x0F) << 12 | (UInt32(text[index + 1]) & 0x3F) << 6 | UInt32(text[index + 2]) & 0x3F, 3)
    }
    guard index + 3 < end else { return (0xFFFD, end - index) }
    let high = (first & 0x07) << 18 | (UInt32(text[index + 1]) & 0x3F) << 12
    return (high | (UInt32(text[index + 2]) & 0x3F) << 6 | UInt32(text[index + 3]) & 0x3F, 4)
}

/// The start of the scalar that ends just before `index`.
@inline(__always)
func scalarStart(_ text: UnsafePointer<UInt8>, before index: Int) -> Int {
    var start = index - 1
    while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
}

extension Array where Element == UInt8 {
    /// Appends the UTF-8 of a scalar.
    mutating func appendScalar(_ value: UInt32) {
        switch value {
        case 0..<0x80: append(UInt8(value))
        case 0x80..<0x800:
            append(UInt8(0xC0 | value >> 6))
            append(UInt8(0x80 | value & 0x3F))
        case 0x800..<0x10000:
            append(UInt8(0xE0 | value >> 12))
            append(UInt8(0x80 | value >> 6 & 0x3F))
            append(UInt8(0x80 | value & 0x3F))
        default:
            append(UInt8(0xF0 | value >> 18 & 0x07))
            append(UInt8(0x80 | value >> 12 & 0x3F))
            append(UInt8(0x80 | value >> 6 & 0x3F))
            append(UInt8(0x80 | value & 0x3F))
        }
    }
}
