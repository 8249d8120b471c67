import Foundation

/// `model.safetensors.index.json`: which file of the folder holds which tensor.
struct ShardIndex {
    /// Tensor names by file name.
    private(set) var namesByFile: [String: [String]] = [:]

    init(at url: URL) throws(CheckpointError) {
        let file = try MappedFile(at: url)
        namesByFile = try file.whole.withUnsafeBytes { (bytes) throws(CheckpointError) in
            try Self.read(bytes, file: file.path)
        }
    }

    /// Opens every shard and returns the tensors in the order of their names, with the shards' metadata united.
    func open(in folder: URL) throws(CheckpointError) -> (tensors: [StoredTensor], metadata: [String: String]) {
        var tensors: [StoredTensor] = []
        var metadata: [String: String] = [:]
        for (file, names) in namesByFile.sorted(by: { $0.key < $1.key }) {
            let shard = try SafetensorsFile(at: folder.appendingPathComponent(file))
            metadata.merge(shard.metadata) { first, _ in first }
            for name in names { tensors.append(try shard.tensor(name)) }
        }
        return (tensors.sorted { $0.name < $1.name }, metadata)
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer, file: String
    ) throws(CheckpointError) -> [String: [String]] {
        var names: [String: [String]]?
        var scanner = HeaderScanner(bytes, file: file, fileOffset: 0)
        try scanner.object("the index") { (scanner, key, _) throws(CheckpointError) in
            guard key == "weight_map" else { return try scanner.skipValue("'\(key)'") }
            var map: [String: [String]] = [:]
            try scanner.object("the weight map") { (scanner, name, offset) throws(CheckpointError) in
                let shard = try scanner.string("the file of '\(name)'")
                // A path could leave the folder.
                guard !shard.isEmpty, !shard.contains("/"), !shard.contains("\\"), shard != "..", shard != "." else {
                    throw scanner.failure("the file of '\(name)' is '\(shard)', not a name in this folder", at: offset)
                }
                map[shard, default: []].append(name)
            }
            names = map
        }
        try scanner.end("the index")
        guard let names else { throw scanner.failure("the index has no 'weight_map'", at: 0) }
        return names
    }
}
