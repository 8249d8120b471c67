import Foundation

extension ModelFingerprint.Sample: Codable {
    private enum Keys: String, CodingKey { case name, storage, values }

    /// Values are written as the base64 text of little-endian f32: exact, compact, and able to hold NaN.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(name, forKey: .name)
        try container.encode(storage, forKey: .storage)
        try container.encode(values.withUnsafeBytes { Data($0) }.base64EncodedString(), forKey: .values)
    }

    /// - Throws: `DecodingError` when the values are no base64 text of whole f32 numbers.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let text = try container.decode(String.self, forKey: .values)
        guard let data = Data(base64Encoded: text), data.count % 4 == 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .values, in: container, debugDescription: "'\(text)' is no base64 text of f32 numbers")
        }
        let values = data.withUnsafeBytes { bytes in
            (0..<data.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        }
        self.init(
            name: try container.decode(String.self, forKey: .name),
            storage: try container.decode(StorageType.self, forKey: .storage), values: values)
    }
}
