import Foundation
import JSON

/// Writes safetensors files: atomically, with the same tensor order and padding as the reference implementation.
public enum SafetensorsWriter {
    /// Writes `tensors` and `metadata` to `url`, replacing what is there only when all is on the disk.
    ///
    /// Tensors are laid out by type, wide ones first, then by name, so that each is aligned to its elements; the header is
    /// padded with spaces to 8 bytes. The same input gives the same bytes, and those of the reference writer where there
    /// is at most one metadata entry (it does not order them).
    ///
    /// ```swift
    /// try SafetensorsWriter.write([weight, bias], metadata: ["format": "pt"], to: url)
    /// ```
    /// - Throws: `CheckpointError.invalidTensor` for two tensors of one name, the reserved name `__metadata__` or a
    ///   quantised type; `.unwritable`.
    public static func write(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], to url: URL
    ) throws(CheckpointError) {
        try file(of: tensors, metadata: metadata, replacing: url).commit()
    }

    /// The same file, written and not yet committed.
    /// - Throws: as ``write(_:metadata:to:)``.
    public static func file(
        of tensors: [NamedTensor], metadata: [String: String] = [:], replacing url: URL
    ) throws(CheckpointError) -> AtomicFile {
        let ordered = tensors.sorted { first, second in
            let (a, b) = (typeOrder.firstIndex(of: first.type) ?? 0, typeOrder.firstIndex(of: second.type) ?? 0)
            return a != b ? a < b : first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
        }
        let header = try header(of: ordered, metadata)
        let file = try AtomicFile(replacing: url)
        var length = UInt64(header.count).littleEndian
        try withUnsafeBytes(of: &length) { (bytes) throws(CheckpointError) in try file.write(bytes) }
        try file.write(header)
        for tensor in ordered { try tensor.writePayload(to: file) }
        return file
    }

    /// The order in which the reference implementation lays out types.
    private static let typeOrder: [StorageType] = [.i64, .f64, .f32, .i32, .bf16, .f16, .i16, .i8, .u8, .bool]

    private static func header(
        of tensors: [NamedTensor], _ metadata: [String: String]
    ) throws(CheckpointError) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map {
                "\(JSONValue.quoted($0.key)):\(JSONValue.quoted($0.value))"
            }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var names: Set<String> = []
        var offset = 0
        for tensor in tensors {
            if tensor.name == "__metadata__" {
                throw .invalidTensor(name: tensor.name, problem: "safetensors reserves this name")
            }
            if !names.insert(tensor.name).inserted {
                throw .invalidTensor(name: tensor.name, problem: "another tensor has the same name")
            }
            if tensor.type.isQuantised {
                throw .invalidTensor(name: tensor.name, problem: "safetensors has no \(tensor.type)")
            }
            let (end, overflow) = offset.addingReportingOverflow(tensor.byteCount)
            if overflow { throw .invalidTensor(name: tensor.name, problem: "the file's size does not fit 64 bits") }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(JSONValue.quoted(tensor.name)):{\"dtype\":\"\(tensor.type)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var bytes = Array("{\(members.joined(separator: ","))}".utf8)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - bytes.count % 8) % 8))
        return bytes
    }
}
