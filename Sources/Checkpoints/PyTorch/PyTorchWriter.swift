import Foundation

/// Writes tables of tensors as torch.save does, atomically: a zip archive with a pickle of protocol 2 that
/// `torch.load(file, weights_only=True)` reads as an `OrderedDict`.
public enum PyTorchWriter {
    /// Writes `tensors` in the given order to `url`.
    ///
    /// ```swift
    /// try PyTorchWriter.write(
    ///     [try NamedTensor("rotate_layer", shape: [576, 4], floats: rotation)], to: URL(filePath: "intkey.bin"))
    /// ```
    /// - Throws: `CheckpointError.invalidTensor` for two tensors of one name, a type that torch does not have, or more
    ///   than 4 GiB together; `.unwritable`.
    public static func write(_ tensors: [NamedTensor], to url: URL) throws(CheckpointError) {
        let pickle = try pickle(tensors)
        var archive = try ZipWriter(replacing: url)
        try archive.add("archive/data.pkl", bytes: pickle)
        try archive.add("archive/byteorder", bytes: Array("little".utf8))
        for (number, tensor) in tensors.enumerated() {
            try archive.add("archive/data/\(number)", byteCount: tensor.byteCount) {
                (emit) throws(CheckpointError) in try tensor.forEachEncodedPart(emit)
            }
        }
        try archive.add("archive/version", bytes: Array("3\n".utf8))
        try archive.commit()
    }

    private static func pickle(_ tensors: [NamedTensor]) throws(CheckpointError) -> [UInt8] {
        var pickle = PickleEncoder()
        pickle.append(code: 0x80, 2)
        pickle.global("collections", "OrderedDict")
        pickle.append(code: UInt8(ascii: ")"), UInt8(ascii: "R"))
        pickle.append(code: UInt8(ascii: "("))
        var names: Set<String> = []
        for (number, tensor) in tensors.enumerated() {
            guard names.insert(tensor.name).inserted else {
                throw .invalidTensor(name: tensor.name, problem: "another tensor has the same name")
            }
            guard let global = PickleGlobal(storing: tensor.type) else {
                throw .invalidTensor(name: tensor.name, problem: "PyTorch has no \(tensor.type)")
            }
            pickle.text(tensor.name)
            pickle.tensor(tensor, storage: global, number)
        }
        pickle.append(code: UInt8(ascii: "u"), UInt8(ascii: "."))
        return pickle.bytes
    }
}

/// Encodes the opcodes of protocol 2 that a table of tensors needs.
private struct PickleEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func append(code: UInt8...) { bytes += code }

    mutating func global(_ module: String, _ name: String) {
        bytes.append(UInt8(ascii: "c"))
        bytes += Array("\(module)\n\(name)\n".utf8)
    }

    mutating func text(_ text: String) {
        bytes.append(UInt8(ascii: "X"))
        append(littleEndian: UInt64(text.utf8.count), 4)
        bytes += Array(text.utf8)
    }

    /// A whole number, in four bytes where they suffice.
    mutating func integer(_ value: Int) {
        if let narrow = Int32(exactly: value) {
            bytes.append(UInt8(ascii: "J"))
            append(littleEndian: UInt64(UInt32(bitPattern: narrow)), 4)
        } else {
            bytes += [0x8A, 8]
            append(littleEndian: UInt64(bitPattern: Int64(value)), 8)
        }
    }

    mutating func integers(_ values: [Int]) {
        bytes.append(UInt8(ascii: "("))
        for value in values { integer(value) }
        bytes.append(UInt8(ascii: "t"))
    }

    /// `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
    mutating func tensor(_ tensor: NamedTensor, storage: PickleGlobal, _ number: Int) {
        global("torch._utils", "_rebuild_tensor_v2")
        append(code: UInt8(ascii: "("), UInt8(ascii: "("))
        text("storage")
        global("torch", String(storage.rawValue.dropFirst("torch.".count)))
        text("\(number)")
        text("cpu")
        integer(tensor.elementCount)
        append(code: UInt8(ascii: "t"), UInt8(ascii: "Q"))
        integer(0)
        integers(tensor.shape)
        var strides: [Int] = []
        for extent in tensor.shape.reversed() { strides.insert((strides.first ?? 1) * max(extent, 1), at: 0) }
        integers(Array(strides.dropFirst()) + (strides.isEmpty ? [] : [1]))
        append(code: 0x89)
        global("collections", "OrderedDict")
        append(code: UInt8(ascii: ")"), UInt8(ascii: "R"), UInt8(ascii: "t"), UInt8(ascii: "R"))
    }

    private mutating func append(littleEndian value: UInt64, _ count: Int) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
    }
}
