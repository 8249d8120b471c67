import Foundation

/// Writes GGUF files of version 3, little-endian, atomically.
public enum GGUFWriter {
    private static let alignment = 32

    /// Writes `metadata` in the given order and `tensors` to `url`.
    ///
    /// Shapes are row-major and are reversed to GGUF's order. Tensors keep their storage type; a `NamedTensor` of encoded
    /// bytes writes quantised blocks.
    ///
    /// ```swift
    /// try GGUFWriter.write(
    ///     metadata: [("general.architecture", .string("controlvector"))],
    ///     tensors: [try NamedTensor("direction.1", shape: [576], floats: direction)], to: url)
    /// ```
    /// - Throws: `CheckpointError.invalidTensor` for two tensors of one name, more than four dimensions, or a type that
    ///   GGUF does not have; `.unwritable`.
    public static func write(
        metadata: [(key: String, value: GGUFValue)], tensors: [NamedTensor], to url: URL
    ) throws(CheckpointError) {
        let header = try header(metadata, tensors)
        let file = try AtomicFile(replacing: url)
        try file.write(header)
        for tensor in tensors {
            try file.write(padding(after: file.byteCount))
            try tensor.writePayload(to: file)
        }
        try file.write(padding(after: file.byteCount))
        try file.commit()
    }

    private static func header(
        _ metadata: [(key: String, value: GGUFValue)], _ tensors: [NamedTensor]
    ) throws(CheckpointError) -> [UInt8] {
        var encoder = GGUFEncoder()
        encoder.append(contentsOf: GGUFFile.magic)
        encoder.append(UInt32(3))
        encoder.append(UInt64(tensors.count))
        encoder.append(UInt64(metadata.count))
        for (key, value) in metadata {
            encoder.append(key)
            encoder.append(value.kind.rawValue)
            encoder.append(value)
        }
        var names: Set<String> = []
        var offset = 0
        for tensor in tensors {
            if !names.insert(tensor.name).inserted {
                throw .invalidTensor(name: tensor.name, problem: "another tensor has the same name")
            }
            if tensor.shape.count > 4 {
                throw .invalidTensor(name: tensor.name, problem: "GGUF allows 4 dimensions, not \(tensor.shape.count)")
            }
            if tensor.type.code >= 100 {
                throw .invalidTensor(name: tensor.name, problem: "GGUF has no \(tensor.type)")
            }
            encoder.append(tensor.name)
            encoder.append(UInt32(tensor.shape.count))
            for dimension in tensor.shape.reversed() { encoder.append(UInt64(dimension)) }
            encoder.append(UInt32(tensor.type.code))
            encoder.append(UInt64(offset))
            let (end, overflow) = offset.addingReportingOverflow(tensor.byteCount)
            guard !overflow, end <= Int.max - alignment else {
                throw .invalidTensor(name: tensor.name, problem: "the file's size does not fit 64 bits")
            }
            offset = end + padding(after: end).count
        }
        encoder.append(contentsOf: padding(after: encoder.bytes.count))
        return encoder.bytes
    }

    private static func padding(after count: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: (alignment - count % alignment) % alignment)
    }
}

/// Encodes GGUF values, little-endian.
struct GGUFEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func append(contentsOf other: [UInt8]) { bytes.append(contentsOf: other) }

    mutating func append<T: BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ string: String) {
        append(UInt64(string.utf8.count))
        bytes.append(contentsOf: string.utf8)
    }

    mutating func append(_ array: GGUFArray) {
        append(array.elementKind.rawValue)
        append(UInt64(array.count))
        array.payload.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ value: GGUFValue) {
        switch value {
        case .uint8(let value): append(value)
        case .int8(let value): append(value)
        case .uint16(let value): append(value)
        case .int16(let value): append(value)
        case .uint32(let value): append(value)
        case .int32(let value): append(value)
        case .float32(let value): append(value)
        case .bool(let value): append(UInt8(value ? 1 : 0))
        case .string(let value): append(value)
        case .array(let value): append(value)
        case .uint64(let value): append(value)
        case .int64(let value): append(value)
        case .float64(let value): append(value)
        }
    }
}
