import Checkpoints
import InterventionDSL
import ReFTPresets
import Runtime

/// What one intervention of a pyvene configuration becomes.
struct PeerEdit {
    var intervention: any Intervention
    /// Its trained tensors under the names that they have within the type; empty without a file.
    var parameters: [String: Adapter.ParameterValues] = [:]
    var subspace: Subspace?
}

/// Turns one representation, with the tensors of its file where there is one, into an intervention.
struct PeerReader {
    let representation: PyveneRepresentation
    /// The tensors of its file; nil for a configuration without tensors.
    let state: PyTorchFile?
    /// The name of that file, for messages.
    let fileName: String
    let options: PyveneOptions
    /// Where rows come from if the type reads a source.
    let source: SourceReference
    /// The columns of the site; nil where no model is known yet.
    let width: Int?
    private(set) var parameters: [String: Adapter.ParameterValues] = [:]
    private(set) var problems: [String] = []
    private(set) var notes: [String] = []

    init(
        _ representation: PyveneRepresentation, state: PyTorchFile?, fileName: String, options: PyveneOptions,
        source: SourceReference, width: Int?
    ) {
        self.representation = representation
        self.state = state
        self.fileName = fileName
        self.options = options
        self.source = source
        self.width = width
    }

    mutating func refuse(_ problem: String) { problems.append("\(representation.path): \(problem)") }

    mutating func remark(_ note: String) { notes.append("\(representation.path): \(note)") }

    /// `low_rank_dimension`, or where it is missing the shape of a tensor.
    mutating func rank(of tensor: String...) -> Int {
        if let rank = representation.lowRankDimension { return rank }
        for name in tensor {
            if let shape = state?[name]?.shape, let rank = shape.last { return rank }
        }
        refuse("low_rank_dimension is needed by \(representation.type ?? "")")
        return 1
    }

    /// Takes the first of `names` that the file has as our parameter `name`.
    mutating func take(_ name: String, from names: String...) {
        guard let state else { return }
        guard let tensor = names.lazy.compactMap({ state[$0] }).first else {
            problems.append(
                "\(fileName): there is no tensor '\(names.joined(separator: "' or '"))'; it has: "
                    + state.tensors.map(\.name).joined(separator: ", "))
            return
        }
        guard tensor.shape.count <= 2, let values = finite(tensor) else { return }
        parameters[name] = Adapter.ParameterValues(
            rows: tensor.shape.count == 2 ? tensor.shape[0] : 1, columns: tensor.shape.last ?? 1, values: values)
    }

    /// Takes R: stored itself, or as a raw matrix with its base.
    mutating func takeRotation() {
        guard let state else { return }
        let prefix = "rotate_layer.parametrizations.weight"
        guard state["rotate_layer"] == nil, state["rotate_layer.weight"] == nil else {
            return take("rotation", from: "rotate_layer", "rotate_layer.weight")
        }
        guard let raw = state["\(prefix).original"] else {
            return take("rotation", from: "rotate_layer", "\(prefix).original")
        }
        let base = state["\(prefix).0.base"]
        guard raw.shape.count == 2, raw.shape[0] >= raw.shape[1],
            base == nil || base?.shape == [raw.shape[0], raw.shape[0]]
        else {
            problems.append(
                "\(fileName): '\(raw.name)' is \(raw.shape) and its base \(base?.shape ?? []); "
                    + "[d, r] and [d, d] are needed")
            return
        }
        guard let values = finite(raw) else { return }
        let baseValues = base.flatMap { finite($0) }
        guard base == nil || baseValues != nil else { return }
        parameters["rotation"] = Adapter.ParameterValues(
            rows: raw.shape[0], columns: raw.shape[1],
            values: HouseholderMatrix.columns(
                raw: values, base: baseValues, rows: raw.shape[0], columns: raw.shape[1]))
    }

    /// A constant row in the place of a source: from the configuration, or from the file.
    mutating func constantSource() -> [Float]? {
        if let given = representation.sourceRepresentation { return given }
        guard representation.hasHiddenSource || state?["source_representation"] != nil else { return nil }
        guard let state else {
            refuse("its source_representation is a tensor that only an adapter's folder holds")
            return []
        }
        guard let tensor = state["source_representation"] else {
            problems.append("\(fileName): there is no tensor 'source_representation'")
            return []
        }
        guard tensor.rowCount == 1 else {
            problems.append(
                "\(fileName): 'source_representation' is \(tensor.shape); one row for all positions can be expressed")
            return []
        }
        return finite(tensor) ?? []
    }

    /// The coordinates in which the edit acts: of the type's own, `count` of them.
    mutating func subspace(of count: Int?) -> Subspace? {
        let chosen = representation.dimension?.coordinates(of: count)
        guard let partition = representation.subspacePartition else { return chosen.map { .fixed($0) } }
        if chosen != nil {
            refuse("it has both a partition and an interchange dimension of its own; one of them can be expressed")
        }
        return .perExample(Dictionary(uniqueKeysWithValues: partition.enumerated().map { ("\($0)", $1) }))
    }

    private mutating func finite(_ tensor: StoredTensor) -> [Float]? {
        let values = tensor.floats()
        guard values.allSatisfy(\.isFinite) else {
            problems.append("\(fileName): '\(tensor.name)' holds numbers that are not finite")
            return nil
        }
        return values
    }
}
