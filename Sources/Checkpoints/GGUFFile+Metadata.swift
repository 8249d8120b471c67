import Diagnostics

extension GGUFFile {
    /// Whether there is metadata under `key`.
    public func has(_ key: String) -> Bool { metadata[key] != nil }

    /// The metadata under `key`.
    /// - Throws: `CheckpointError.noMetadata` with the nearest key.
    public func value(_ key: String) throws(CheckpointError) -> GGUFValue {
        guard let value = metadata[key] else {
            throw .noMetadata(key: key, file: path, nearest: nearestName(to: key, among: keys))
        }
        return value
    }

    /// The string under `key`.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func string(_ key: String) throws(CheckpointError) -> String { try value(key, "a string") { $0.string } }

    /// The whole number under `key`, whatever its width.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func integer(_ key: String) throws(CheckpointError) -> Int {
        try value(key, "a whole number") { $0.integer }
    }

    /// The number under `key`, rounded to f32.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func float(_ key: String) throws(CheckpointError) -> Float {
        try value(key, "a number") { $0.number.map { Float($0) } }
    }

    /// The truth value under `key`.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func boolean(_ key: String) throws(CheckpointError) -> Bool {
        try value(key, "a truth value") { $0.boolean }
    }

    /// The array under `key`, still encoded.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func array(_ key: String) throws(CheckpointError) -> GGUFArray { try value(key, "an array") { $0.array } }

    /// The array of strings under `key`.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`, `.damaged` for text that is not valid UTF-8.
    public func strings(_ key: String) throws(CheckpointError) -> [String] { try array(key).strings() }

    /// The array of whole numbers under `key`.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func integers(_ key: String) throws(CheckpointError) -> [Int] { try array(key).integers() }

    /// The array of numbers under `key`, rounded to f32.
    /// - Throws: `CheckpointError.noMetadata`, `.metadataType`.
    public func floats(_ key: String) throws(CheckpointError) -> [Float] { try array(key).floats() }

    private func value<T>(
        _ key: String, _ wanted: String, _ convert: (GGUFValue) -> T?
    ) throws(CheckpointError) -> T {
        let value = try value(key)
        guard let converted = convert(value) else {
            throw .metadataType(what: "metadata '\(key)'", file: path, found: "\(value.kind)", wanted: wanted)
        }
        return converted
    }
}
