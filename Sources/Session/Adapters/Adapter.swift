import Checkpoints
import InterventionDSL
import Runtime

/// A program with its trained parameters, and the identity of the model they were trained on.
///
/// On disk it is a folder with `adapter.json` and `parameters.safetensors`.
///
/// ```swift
/// let adapter = try Adapter(at: "politeness")
/// let session = try Session(model, adapters: [adapter])
/// ```
public struct Adapter: Sendable, ProgramConvertible {
    /// A short name: the folder's, or what the caller says.
    public var name: String
    /// The program, every declaration named.
    public var program: Program
    /// The trained tensors by their names in the store.
    public var parameters: [String: ParameterValues]
    /// The model that it was trained on.
    public var base: BaseModel
    /// How it was trained, for the reader: settings, steps, last loss.
    public var training: [String: RecordValue]

    /// A trained tensor, row after row.
    public struct ParameterValues: Hashable, Sendable {
        /// The number of rows.
        public var rows: Int
        /// The numbers of a row.
        public var columns: Int
        /// rows · columns numbers, row after row.
        public var values: [Float]
    }

    /// The model that an adapter was trained on.
    public struct BaseModel: Sendable, Codable {
        /// The name of its file or folder.
        public var name: String
        /// What its tensors are recognised by.
        public var fingerprint: ModelFingerprint
    }

    /// An adapter of the given parts.
    public init(
        name: String, program: Program, parameters: [String: ParameterValues], base: BaseModel,
        training: [String: RecordValue] = [:]
    ) {
        self.name = name
        self.program = program.withNames()
        self.parameters = parameters
        self.base = base
        self.training = training
    }

    /// The number of trained numbers.
    public var parameterCount: Int { parameters.values.reduce(0) { $0 + $1.values.count } }

    /// The same adapter with `prefix/` before the names of its declarations and parameters, so that it can stand beside
    /// another one with the same names.
    public func named(_ prefix: String) -> Adapter {
        var renamed = self
        renamed.program = (program as any ProgramConvertible).named(prefix)
        // A trained weight is called by the model's tensor, which no prefix changes.
        renamed.parameters = Dictionary(
            uniqueKeysWithValues: parameters.map { name, values in
                (TrainableWeights.isParameter(name) ? name : "\(prefix)/\(name)", values)
            })
        return renamed
    }
}

/// A value of an adapter's training record.
public enum RecordValue: Hashable, Sendable, Codable {
    case flag(Bool)
    case number(Double)
    case text(String)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        }
    }
}
