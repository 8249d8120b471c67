import Checkpoints
import Foundation
import InterventionDSL
import Models

/// Control vectors of llama.cpp and repeng: a GGUF file of the architecture `controlvector` with a tensor `direction.N` for
/// each layer that is steered.
///
/// llama.cpp adds `direction.N` to the residual stream after its layer N, counted from 0, and takes no N below 1 (layer 0
/// is never steered): h → h + strength · direction, at every position. So `direction.N` is an ``Add`` on `block_output.N`.
/// repeng writes the same numbers. Source: llama.cpp, common_control_vector_load and llama_adapter_cvec.
///
/// ```swift
/// let adapter = try ControlVector.adapter(at: "happy.gguf", for: model)
/// try ControlVector.write(adapter, to: "again.gguf")
/// ```
public enum ControlVector {
    static let architecture = "controlvector"

    /// Whether a file is a control vector.
    public static func isControlVector(_ path: String) -> Bool {
        guard let file = try? GGUFFile(at: URL(fileURLWithPath: path)) else { return false }
        return (try? file.string("general.architecture")) == architecture
    }

    /// Reads a file as an adapter of a model: one declaration for each layer.
    /// - Parameters:
    ///   - strength: What the directions are multiplied by, as llama.cpp's `--control-vector-scaled` does.
    ///   - positions: The rows that are steered; llama.cpp steers all.
    /// - Throws: `CheckpointError` for a damaged file, ``InputError`` for one that is no control vector of this model.
    public static func adapter(
        at path: String, for model: Model, strength: Double = 1, positions: Positions = .all,
        note: (String) -> Void = { _ in }
    ) throws -> Adapter {
        let url = URL(fileURLWithPath: path)
        let file = try GGUFFile(at: url)
        var problems: [String] = []
        let given = try file.string("general.architecture")
        if given != architecture {
            throw InputError(
                file: path, problems: ["it is a model of the architecture '\(given)', not a '\(architecture)'"])
        }
        if let hint = try? file.string("\(architecture).model_hint"), let type = model.configuration.modelType,
            hint != type
        {
            note("it was made for a model of the kind '\(hint)'; \(model.name) is '\(type)'")
        }
        var directions: [Int: [Float]] = [:]
        for tensor in file.tensors {
            guard tensor.name.hasPrefix("direction."), let layer = Int(tensor.name.dropFirst("direction.".count)) else {
                problems.append("the tensor '\(tensor.name)' is unknown; direction.1, direction.2 and so on are read")
                continue
            }
            if layer < 1 {
                problems.append("'\(tensor.name)': llama.cpp steers the layers from 1 on")
            } else if layer >= model.sizes.layers {
                problems.append("'\(tensor.name)': \(model.name) has the layers 0-\(model.sizes.layers - 1)")
            }
            if tensor.type != .f32 || tensor.shape.count != 1 {
                problems.append(
                    "'\(tensor.name)' is \(tensor.type) \(tensor.shape); F32 [\(model.sizes.hidden)] is needed")
            } else if tensor.elementCount != model.sizes.hidden {
                problems.append(
                    "'\(tensor.name)' has \(tensor.elementCount) numbers; \(model.name) is \(model.sizes.hidden) wide")
            } else if directions[layer] != nil {
                problems.append("'\(tensor.name)': there are two directions for layer \(layer)")
            } else {
                directions[layer] = tensor.floats()
            }
        }
        if file.tensors.isEmpty { problems.append("it holds no direction") }
        for (layer, direction) in directions where !direction.allSatisfy(\.isFinite) {
            problems.append("'direction.\(layer)' holds numbers that are not finite")
        }
        guard problems.isEmpty else { throw InputError(file: path, problems: problems) }
        let declarations = directions.sorted { $0.key < $1.key }.map { layer, direction in
            Declaration(
                Add(direction, scale: strength), on: .layers(.blockOutput, Layers([layer]), heads: nil), at: positions,
                name: "direction-\(layer)")
        }
        return Adapter(
            name: url.deletingPathExtension().lastPathComponent, program: Program(declarations: declarations),
            parameters: [:], base: Adapter.BaseModel(name: model.name, fingerprint: try model.fingerprint()),
            training: ["imported": .text("control vector")])
    }

    /// Writes an adapter that consists of ``Add`` on `block_output` at all positions. Several at one layer become their
    /// sum, scales are multiplied in.
    /// - Parameters:
    ///   - modelHint: The kind of model, `llama`, which llama.cpp does not need.
    ///   - readTensor: Reads vectors that lie in files.
    /// - Throws: ``InputError`` with everything else that the adapter does, `CheckpointError.unwritable`.
    public static func write(
        _ adapter: Adapter, to path: String, modelHint: String? = nil,
        constantsIn readTensor: TensorReader = TensorReader(),
        note: (String) -> Void = { _ in }
    ) throws {
        var problems: [String] = []
        var directions: [Int: [Float]] = [:]
        for declaration in adapter.program.runs.flatMap(\.declarations) {
            let name = declaration.name ?? ""
            guard let add = declaration.intervention as? Add else {
                problems.append(
                    "'\(name)' is \(type(of: declaration.intervention).kind); a control vector holds Add only")
                continue
            }
            guard case .layers(.blockOutput, let layers, heads: nil) = declaration.place, let list = layers.list else {
                problems.append(
                    "'\(name)' acts on \(declaration.place); a control vector acts on listed layers of block_output")
                continue
            }
            if list.contains(0) {
                problems.append("'\(name)' acts on layer 0, which llama.cpp never steers")
            }
            if declaration.subspace != nil { problems.append("'\(name)' acts in a subspace, which can not be written") }
            if declaration.positions != .all {
                note("'\(name)': the positions \(declaration.positions) are not written; llama.cpp steers all rows")
            }
            let vector: [Float] =
                switch add.vector {
                case .numbers(let numbers): numbers
                case .reference(let reference): try readTensor.read(reference)
                }
            let factor = Float(add.scale * declaration.scale)
            for layer in list {
                let sum = directions[layer] ?? [Float](repeating: 0, count: vector.count)
                guard sum.count == vector.count else {
                    problems.append("'\(name)' has \(vector.count) numbers where another has \(sum.count)")
                    continue
                }
                directions[layer] = zip(sum, vector).map { $0 + factor * $1 }
            }
        }
        if directions.isEmpty, problems.isEmpty { problems.append("it has no declaration") }
        guard problems.isEmpty else { throw InputError(file: adapter.name, problems: problems) }
        let tensors = try directions.sorted { $0.key < $1.key }.map { layer, direction in
            try NamedTensor("direction.\(layer)", shape: [direction.count], floats: direction)
        }
        var metadata: [(key: String, value: GGUFValue)] = [("general.architecture", .string(architecture))]
        if let modelHint { metadata.append(("\(architecture).model_hint", .string(modelHint))) }
        metadata.append(("\(architecture).layer_count", .uint32(UInt32(tensors.count))))
        try GGUFWriter.write(metadata: metadata, tensors: tensors, to: URL(fileURLWithPath: path))
    }
}
