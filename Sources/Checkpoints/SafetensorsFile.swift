import Foundation

/// One safetensors file, memory-mapped. Opening checks the whole header and reads no weights.
///
/// Refused are headers that lie about sizes, tensors that overlap or leave holes, duplicate names and numbers that do
/// not fit; each error names the byte. Format: huggingface.co/docs/safetensors.
///
/// ```swift
/// let file = try SafetensorsFile(at: URL(filePath: "adapter/parameters.safetensors"))
/// let bias = try file.tensor("loreft.0.bias").floats()
/// ```
public struct SafetensorsFile: Sendable {
    /// The path as it was given.
    public let path: String
    /// The header's `__metadata__`.
    public let metadata: [String: String]
    private let table: TensorTable

    /// Opens the file at `url`.
    /// - Throws: `CheckpointError.missing`, `.unreadable`, `.damaged`, or `.unsupported` for a dtype that is not read.
    public init(at url: URL) throws(CheckpointError) {
        let file = try MappedFile(at: url)
        try self.init(file.whole, path: file.path)
    }

    /// Reads a file whose bytes are at hand; `path` is for messages.
    init(_ whole: ByteRegion, path: String) throws(CheckpointError) {
        let header = try whole.withUnsafeBytes { (bytes) throws(CheckpointError) in
            try SafetensorsHeader(bytes, file: path)
        }
        var tensors: [StoredTensor] = []
        tensors.reserveCapacity(header.entries.count)
        for entry in header.entries {
            let range = header.payloadStart + entry.begin..<header.payloadStart + entry.end
            guard let bytes = whole.slice(range),
                let tensor = StoredTensor(name: entry.name, type: entry.type, shape: entry.shape, bytes: bytes)
            else {
                throw .damaged(
                    file: path, offset: entry.offset, problem: "tensor '\(entry.name)' does not fit its bytes")
            }
            tensors.append(tensor)
        }
        self.path = path
        metadata = header.metadata
        table = TensorTable(tensors)
    }

    /// All tensors, in the order of their bytes.
    public var tensors: [StoredTensor] { table.tensors }

    /// The tensor of that name, or nil.
    public subscript(_ name: String) -> StoredTensor? { table[name] }

    /// The tensor of that name.
    /// - Throws: `CheckpointError.noTensor` with the nearest name.
    public func tensor(_ name: String) throws(CheckpointError) -> StoredTensor { try table.tensor(name, of: path) }
}
