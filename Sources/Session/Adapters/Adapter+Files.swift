import Checkpoints
import Foundation
import InterventionDSL
import ReFTPresets

extension Adapter {
    static let format = "swift-reft/adapter"
    static let version = 1
    static let descriptionFile = "adapter.json"
    static let parametersFile = "parameters.safetensors"

    /// `adapter.json`.
    private struct Description: Codable {
        var format: String
        var version: Int
        var base: BaseModel
        var program: Program
        var training: [String: RecordValue]
        /// The SHA-256 of the parameters' file: the two files belong together.
        var parametersHash: String

        enum CodingKeys: String, CodingKey {
            case format, version, base, program, training
            case parametersHash = "parameters_sha256"
        }
    }

    /// Reads an adapter's folder.
    /// - Parameter registry: The intervention types that its program may name.
    /// - Throws: ``SessionError/adapter(path:problem:)``, `CheckpointError`, ``InputError``.
    public init(at path: String, registry: InterventionRegistry = .general + .reft) throws {
        let folder = URL(fileURLWithPath: path)
        let file = folder.appendingPathComponent(Self.descriptionFile)
        guard !path.isEmpty, FileManager.default.fileExists(atPath: file.path) else {
            throw SessionError.adapter(
                path: path, problem: "is no adapter: there is no folder of that name with \(Self.descriptionFile) in it"
            )
        }
        let description = try Self.description(file, registry)
        let parametersFile = folder.appendingPathComponent(Self.parametersFile)
        let bytes = try InputFile.contents(of: parametersFile.path)
        guard Self.hash(bytes) == description.parametersHash else {
            throw SessionError.adapter(
                path: path,
                problem: "\(Self.parametersFile) is not the file that \(Self.descriptionFile) was written with")
        }
        var parameters: [String: ParameterValues] = [:]
        for tensor in try SafetensorsFile(at: parametersFile).tensors {
            parameters[tensor.name] = ParameterValues(
                rows: tensor.rowCount, columns: tensor.rowLength, values: tensor.floats())
        }
        self.init(
            name: folder.lastPathComponent, program: description.program, parameters: parameters,
            base: description.base, training: description.training)
        let problems = shapeProblems()
        guard problems.isEmpty else { throw InputError(file: path, problems: problems) }
    }

    private static func description(_ file: URL, _ registry: InterventionRegistry) throws -> Description {
        struct Head: Decodable {
            var format: String?
            var version: Int?
        }
        let data = try InputFile.contents(of: file.path)
        if let damage = InputFile.damage(inJSON: data) {
            throw SessionError.adapter(path: file.path, problem: damage)
        }
        do {
            let decoder = JSONDecoder(interventions: registry)
            let head = try decoder.decode(Head.self, from: data)
            guard head.format == Self.format, head.version == Self.version else {
                let given = "\(head.format ?? "no format"), version \(head.version.map(String.init) ?? "none")"
                throw SessionError.adapter(
                    path: file.path, problem: "is \(given); this release reads \(Self.format), version \(Self.version)")
            }
            return try decoder.decode(Description.self, from: data)
        } catch let error as DecodingError {
            throw SessionError.adapter(path: file.path, problem: error.sentence)
        } catch let error as InterventionError {
            throw SessionError.adapter(path: file.path, problem: "\(error)")
        }
    }

    /// Writes the adapter's folder, which is made where it is missing. An earlier adapter is replaced only once both files
    /// of the new one are on the disk.
    /// - Throws: `CheckpointError.unwritable`, or what an intervention's own `encode` throws.
    public func write(to path: String) throws {
        let folder = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            try OutputFolder.adapter.check(path, overwriting: true)
            throw SessionError.adapter(path: path, problem: "can not be made: \(error.localizedDescription)")
        }
        let file = folder.appendingPathComponent(Self.parametersFile)
        let tensors = try parameters.sorted { $0.key < $1.key }.map { name, tensor in
            try NamedTensor(name, shape: [tensor.rows, tensor.columns], floats: tensor.values)
        }
        let numbers = try SafetensorsWriter.file(of: tensors, metadata: ["format": Self.format], replacing: file)
        var hash = SHA256Hash()
        try numbers.forEachPiece { hash.append($0) }
        let written = Description(
            format: Self.format, version: Self.version, base: base, program: program, training: training,
            parametersHash: hash.hexadecimal)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let description = try AtomicFile(replacing: folder.appendingPathComponent(Self.descriptionFile))
        try description.write([UInt8](try encoder.encode(written)))
        try AtomicFile.commit([numbers, description])
    }

    private static func hash(_ data: Data) -> String {
        var hash = SHA256Hash()
        data.withUnsafeBytes { hash.append($0) }
        return hash.hexadecimal
    }
}

extension DecodingError {
    /// What is wrong and where, in one sentence.
    var sentence: String {
        func place(_ context: Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
            return path.isEmpty ? "" : "\(path): "
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(place(context))the key '\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let reason = (context.underlyingError as NSError?)?.userInfo["NSDebugDescription"] as? String
            return "\(place(context))\(reason ?? context.debugDescription)"
        @unknown default: return "\(self)"
        }
    }
}
