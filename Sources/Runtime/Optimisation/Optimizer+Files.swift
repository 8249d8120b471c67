import Checkpoints
import Foundation

extension Optimizer {
    /// Writes moments, free matrices and the step count as safetensors, so that training goes on with the same bits.
    /// The parameters' values are saved apart, by their store.
    /// - Throws: `CheckpointError` where the file can not be written.
    public func saveState(to url: URL) throws(CheckpointError) {
        var tensors: [NamedTensor] = []
        for state in states {
            for item in items(state) {
                tensors.append(try NamedTensor(item.name, shape: [item.rows, item.columns], floats: item.values))
            }
        }
        let metadata = ["format": "swift-reft/optimizer", "version": "1", "step": "\(stepCount)"]
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
    }

    /// Takes saved state back; the store must hold the parameters' values of the same moment.
    /// - Throws: ``RuntimeError/savedParameters(file:differences:)`` with every difference; nothing is changed then.
    public func loadState(from url: URL) throws {
        let file = try SafetensorsFile(at: url)
        var differences: [String] = []
        let step = file.metadata["step"].flatMap { Int32($0) }.map(Int.init)
        if file.metadata["format"] != "swift-reft/optimizer" || (step ?? -1) < 0 {
            differences.append("it has no step count of an optimizer")
        }
        for item in states.flatMap({ items($0) }) where !hasOtherBase(item, in: file) {
            guard let tensor = file[item.name] else {
                differences.append("'\(item.name)' [\(item.rows), \(item.columns)] is missing")
                continue
            }
            if tensor.shape != [item.rows, item.columns] {
                differences.append("'\(item.name)' is \(tensor.shape), not \([item.rows, item.columns])")
            }
        }
        guard differences.isEmpty else {
            throw RuntimeError.savedParameters(file: url.lastPathComponent, differences: differences)
        }
        for place in states.indices { restore(&states[place], from: file) }
        stepCount = step ?? 0
    }

    /// A base is saved dense where it was given so, else by its first columns; either can be taken back.
    private func hasOtherBase(_ item: SavedItem, in file: SafetensorsFile) -> Bool {
        guard ["base", "base_columns"].contains(item.kind) else { return false }
        return states.contains { $0.variable.entry.specification.name == item.parameter && hasBase($0, in: file) }
    }

    private func hasBase(_ state: ParameterState, in file: SafetensorsFile) -> Bool {
        ["base", "base_columns"].contains { savedBase($0, of: state, in: file) != nil }
    }

    /// The tensor of one of the two kinds, where it has the shape of that kind.
    private func savedBase(_ kind: String, of state: ParameterState, in file: SafetensorsFile) -> StoredTensor? {
        let variable = state.variable
        let shape = [variable.rows, kind == "base" ? variable.rows : variable.columns]
        let tensor = file["\(kind).\(variable.entry.specification.name)"]
        return tensor?.shape == shape ? tensor : nil
    }

    private struct SavedItem {
        var kind: String
        var parameter: String
        var name: String { "\(kind).\(parameter)" }
        var rows: Int
        var columns: Int
        var values: [Float]
    }

    private func items(_ state: ParameterState) -> [SavedItem] {
        let variable = state.variable
        let name = variable.entry.specification.name
        let (rows, columns) = (variable.rows, variable.columns)
        var items = [
            SavedItem(kind: "first_moments", parameter: name, rows: rows, columns: columns, values: state.first)
        ]
        if !state.second.isEmpty {
            items.append(
                SavedItem(
                    kind: "second_moments", parameter: name, rows: rows, columns: columns, values: state.second))
        }
        for saved in variable.savedState {
            items.append(
                SavedItem(
                    kind: saved.kind, parameter: name, rows: saved.rows, columns: saved.columns,
                    values: saved.values))
        }
        return items
    }

    private func restore(_ state: inout ParameterState, from file: SafetensorsFile) {
        let name = state.variable.entry.specification.name
        state.first = file["first_moments.\(name)"]?.floats() ?? state.first
        state.second = file["second_moments.\(name)"]?.floats() ?? state.second
        var saved: [String: [Float]] = [:]
        saved["raw"] = file["raw.\(name)"]?.floats()
        for kind in ["base", "base_columns"] { saved[kind] = savedBase(kind, of: state, in: file)?.floats() }
        state.variable.restore(saved)
    }
}
