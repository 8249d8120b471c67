import Checkpoints
import InterventionDSL
import Runtime

/// A class of pyvene or pyreft beside the type here that makes the same edit.
struct PeerType: Sendable {
    /// The name of the class.
    let name: String
    /// The module that it is in.
    let module: String
    /// What a representation becomes; problems are told to the reader.
    let read: @Sendable (inout PeerReader) -> PeerEdit?
    /// What an intervention of ours becomes; nil for other types.
    let write: @Sendable (any Intervention, PeerWriter) -> PeerRecord?
    /// Whether the peers save what it needs.
    var isSaved = true

    /// `<class 'pyreft.interventions.LoreftIntervention'>`, as the peers write it.
    var path: String { "<class '\(module).\(name)'>" }

    /// All classes that are known.
    static let all: [PeerType] = reft + general + spaces + autoencoders

    /// The class of that name.
    static func named(_ name: String) -> PeerType? { all.first { $0.name == name } }
}

/// What the peers store of one intervention.
struct PeerRecord {
    /// The tensors of its file, in the order of the module's state; nil for no file.
    var tensors: [PeerTensor]?
    var rank: Int?
    var latents: Int?
    /// Whether it never asks for a source run.
    var isSourceConstant = true
    var hasHiddenSource = false
    /// The coordinates that are interchanged, where they are listed.
    var dimensionList: [Int]?
    /// What is lost.
    var notes: [String] = []

    /// A tensor of the file.
    struct PeerTensor {
        var name: String
        var shape: [Int]
        var values: [Float]
    }
}

/// What a type needs to know to be written.
struct PeerWriter {
    /// The columns of the site.
    let width: Int
    /// How many of the first coordinates are interchanged.
    let dimension: Int
    /// The coordinates of a fixed subspace; nil for all.
    let coordinates: [Int]?
    /// The trained tensors under the names that they have within the type.
    let parameters: [String: Adapter.ParameterValues]
    /// Reads the tensors of files.
    let readTensor: TensorReader

    /// Constant numbers as a tensor of two dimensions.
    func tensor(_ matrix: ConstantMatrix, as theirs: String) -> [PeerRecord.PeerTensor] {
        let values: [Float]? =
            switch matrix {
            case .numbers(let rows): rows.flatMap { $0 }
            case .reference(let reference): try? readTensor.read(reference)
            }
        return values.map { [.init(name: theirs, shape: [matrix.rows, matrix.columns], values: $0)] } ?? []
    }

    /// Constant numbers as a tensor of one dimension.
    func tensor(_ row: ConstantRow, as theirs: String) -> [PeerRecord.PeerTensor] {
        let values: [Float]? =
            switch row {
            case .numbers(let numbers): numbers
            case .reference(let reference): try? readTensor.read(reference)
            }
        return values.map { [.init(name: theirs, shape: [row.width], values: $0)] } ?? []
    }

    /// A parameter as a tensor of two dimensions, or of one.
    func tensor(_ name: String, as theirs: String, dimensions: Int = 2) -> [PeerRecord.PeerTensor] {
        guard let given = parameters[name] else { return [] }
        let shape = dimensions == 2 ? [given.rows, given.columns] : dimensions == 1 ? [given.columns] : []
        return [PeerRecord.PeerTensor(name: theirs, shape: shape, values: given.values)]
    }

    /// R as torch's parametrisation stores it.
    func rotation() -> [PeerRecord.PeerTensor] {
        guard let given = parameters["rotation"] else { return [] }
        let stored = HouseholderMatrix.parametrised(given.values, rows: given.rows, columns: given.columns)
        let prefix = "rotate_layer.parametrizations.weight"
        return [
            PeerRecord.PeerTensor(name: "\(prefix).original", shape: [given.rows, given.columns], values: stored.raw),
            PeerRecord.PeerTensor(name: "\(prefix).0.base", shape: [given.rows, given.rows], values: stored.base),
        ]
    }
}
