import Foundation

/// A table of tensors that torch.save has written: a zip archive with a pickle. Nothing in it is ever executed.
///
/// The pickle is read by a machine that knows the opcodes, classes and functions that a table of tensors needs, and
/// refuses all others with their name and byte. Storages stay in the mapped file; only tensors whose elements do not
/// lie one after another are copied.
///
/// ```swift
/// let file = try PyTorchFile(at: URL(filePath: "intkey_layer_15_comp_block_output_unit_pos_nunit_1#0.bin"))
/// let rotation = try file.tensor("rotate_layer").floats()
/// ```
public struct PyTorchFile: Sendable {
    /// The path as it was given.
    public let path: String
    private let table: TensorTable

    /// Opens the file at `url`.
    /// - Throws: `CheckpointError.missing`, `.unreadable`, `.damaged` with the byte, or `.unsupported` for files from
    ///   before PyTorch 1.6, compressed archives, other opcodes, classes and functions, and big-endian numbers.
    public init(at url: URL) throws(CheckpointError) {
        let file = try MappedFile(at: url)
        try self.init(file.whole, path: file.path)
    }

    /// Reads a file whose bytes are at hand; `path` is for messages.
    init(_ whole: ByteRegion, path: String) throws(CheckpointError) {
        self.path = path
        table = TensorTable(
            try whole.withUnsafeBytes { (bytes) throws(CheckpointError) in
                try PyTorchReader(bytes, whole, file: path).tensors()
            })
    }

    /// All tensors, in the order of the table.
    public var tensors: [StoredTensor] { table.tensors }

    /// The tensor of that name, or nil.
    public subscript(_ name: String) -> StoredTensor? { table[name] }

    /// The tensor of that name.
    /// - Throws: `CheckpointError.noTensor` with the nearest name.
    public func tensor(_ name: String) throws(CheckpointError) -> StoredTensor { try table.tensor(name, of: path) }
}

/// Reads the archive around the pickle.
private struct PyTorchReader {
    private let bytes: UnsafeRawBufferPointer
    private let whole: ByteRegion
    private let file: String
    private let archive: ZipArchive
    /// What stands before the names of all members, such as `archive/`.
    private let prefix: String
    private let pickle: ZipArchive.Member

    /// What files from before PyTorch 1.6 begin with: protocol 2, LONG1 of ten bytes, the magic number.
    private static let oldMagic: [UInt8] = [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46]

    init(_ bytes: UnsafeRawBufferPointer, _ whole: ByteRegion, file: String) throws(CheckpointError) {
        self.bytes = bytes
        self.whole = whole
        self.file = file
        if bytes.starts(with: Self.oldMagic) {
            throw .unsupported(
                file: file, offset: 0, given: "the format of torch.save before PyTorch 1.6",
                allowed: "zip archives; load the file with a newer PyTorch and save it again")
        }
        guard bytes.starts(with: [0x50, 0x4B]) else {
            throw .unsupported(
                file: file, offset: 0, given: "a file that is no zip archive",
                allowed: "what torch.save writes since PyTorch 1.6")
        }
        archive = try ZipArchive(bytes, file: file)
        guard let pickle = archive.members.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
            throw .damaged(file: file, offset: 0, problem: "the archive has no member data.pkl")
        }
        self.pickle = pickle
        prefix = String(pickle.name.dropLast("data.pkl".count))
    }

    func tensors() throws(CheckpointError) -> [StoredTensor] {
        if let order = archive[prefix + "byteorder"], !bytes[order.bytes].elementsEqual("little".utf8) {
            throw .unsupported(
                file: file, offset: order.bytes.lowerBound, given: "another byte order", allowed: "little")
        }
        var machine = PickleMachine(
            UnsafeRawBufferPointer(rebasing: bytes[pickle.bytes]), file: file, start: pickle.bytes.lowerBound)
        let value = try machine.run()
        guard case .table(let table) = value, !table.hasOtherKeys else {
            throw .unsupported(
                file: file, offset: pickle.bytes.lowerBound,
                given: value.isTable ? "a table with keys that are no texts" : "\(value.kind) instead of a table",
                allowed: "a table of tensors by name")
        }
        var tensors: [StoredTensor] = []
        var copied = 0
        for (name, value) in table.members {
            guard case .tensor(let tensor) = value else {
                throw .unsupported(
                    file: file, offset: pickle.bytes.lowerBound, given: "\(value.kind) under '\(name)'",
                    allowed: "tensors")
            }
            tensors.append(try stored(tensor, name, &copied))
        }
        return tensors
    }

    private func stored(
        _ tensor: PickledTensor, _ name: String, _ copied: inout Int
    ) throws(CheckpointError) -> StoredTensor {
        func failure(_ problem: String) -> CheckpointError {
            .damaged(file: file, offset: tensor.place, problem: problem)
        }
        let size = tensor.storage.type.blockByteCount
        guard let member = archive[prefix + "data/" + tensor.storage.key] else {
            throw failure("'\(name)' lies in the member 'data/\(tensor.storage.key)', which the archive does not have")
        }
        guard tensor.storage.type.byteCount(elements: tensor.storage.count) == member.bytes.count else {
            throw failure(
                "the storage of '\(name)', \(tensor.storage.count) elements of \(tensor.storage.type), "
                    + "has \(member.bytes.count) bytes")
        }
        // The machine has checked that the last element lies within the storage.
        let first = member.bytes.lowerBound + tensor.offset * size
        let count = elementCount(of: tensor.shape) ?? 0
        var region = whole.slice(first..<first + count * size)
        if !tensor.isContiguous {
            copied += count * size
            // Many views of one storage could ask for more memory than any file holds.
            guard copied <= 4 * bytes.count else {
                throw failure("its tensors are views of so many elements that they would take \(copied) bytes")
            }
            region = gather(tensor, first: first, count: count)
        }
        guard let region,
            let stored = StoredTensor(name: name, type: tensor.storage.type, shape: tensor.shape, bytes: region)
        else { throw failure("'\(name)' does not fit its bytes") }
        return stored
    }

    /// The elements of a strided view, row after row.
    private func gather(_ tensor: PickledTensor, first: Int, count: Int) -> ByteRegion {
        let size = tensor.storage.type.blockByteCount
        return ByteRegion(count: count * size) { target in
            var index = [Int](repeating: 0, count: tensor.shape.count)
            for element in 0..<count {
                let offset = zip(index, tensor.strides).reduce(first) { $0 + $1.0 * $1.1 * size }
                for byte in 0..<size { target[element * size + byte] = bytes[offset + byte] }
                var dimension = index.count - 1
                while dimension >= 0 {
                    index[dimension] += 1
                    if index[dimension] < tensor.shape[dimension] { break }
                    index[dimension] = 0
                    dimension -= 1
                }
            }
        }
    }
}

extension PickledTensor {
    /// Whether its elements lie one after another. Strides of dimensions of one element do not matter.
    fileprivate var isContiguous: Bool {
        if shape.contains(0) { return true }
        var wanted = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent > 1 {
            guard stride == wanted else { return false }
            wanted *= extent
        }
        return true
    }
}

extension PickleValue {
    fileprivate var isTable: Bool { if case .table = self { true } else { false } }
}
