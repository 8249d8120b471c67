/// The running checksum of zip archives (ISO 3309, polynomial 0xEDB88320 reflected).
struct CRC32 {
    private var state: UInt32 = 0xFFFF_FFFF
    private static let table: [UInt32] = (0..<256).map { number in
        (0..<8).reduce(UInt32(number)) { value, _ in value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ (value >> 1) }
    }

    /// Appends bytes.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var state = state
        Self.table.withUnsafeBufferPointer { table in
            for byte in bytes { state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8) }
        }
        self.state = state
    }

    /// The checksum of the bytes so far.
    var value: UInt32 { ~state }
}
