import Checkpoints
import Diagnostics
import Foundation
import Graph
import InterventionDSL
import Models

/// Weights of the model itself that pyreft and pyvene save beside interventions when they are asked to
/// (`include_model=True`): in `pytorch_model.bin`, those that were trainable.
struct PeerModelWeights {
    /// The numbers that are not the model's own, by the names that the graph has for its tensors.
    private(set) var trained: [String: [Float]] = [:]
    /// What the file holds beside them.
    private(set) var notes: [String] = []
    private var problems: [String] = []
    private var unchanged = 0
    private let leaves: [WeightLeaf]
    private let model: Model

    /// What a folder without such a file holds.
    init(noneFor model: Model) {
        self.model = model
        leaves = []
    }

    /// Compares the file's tensors with the model's.
    /// - Throws: ``InputError`` with every tensor that the model does not have as it is, `CheckpointError` for a damaged
    ///   file.
    init(at url: URL, for model: Model) throws {
        self.model = model
        let graph = try model.graph().graph
        leaves = graph.weightLeaves
        let file = try PyTorchFile(at: url)
        var others: [StoredTensor] = []
        for tensor in file.tensors {
            if let leaf = leaf(named: tensor.name) { take(tensor, leaf) } else { others.append(tensor) }
        }
        for tensor in others { takeOther(tensor, among: graph.sharedTables, file) }
        guard problems.isEmpty else { throw InputError(file: url.path, problems: problems) }
        guard !trained.isEmpty else {
            notes.append(
                "\(url.lastPathComponent) holds the weights that \(model.name) has: nothing but the interventions is "
                    + "imported")
            return
        }
        notes.append(
            "\(url.lastPathComponent) holds trained weights of the model itself, which become part of the adapter: "
                + Self.shown(patterns.map(\.pattern)))
        if unchanged > 0 {
            notes.append("\(unchanged) more of its tensors are as \(model.name) has them and are left out")
        }
    }

    /// The weights that the program must train.
    var patterns: [TrainableWeights] {
        if trained.count > 1, trained.count == leaves.count { return [TrainableWeights("*")] }
        return leaves.filter { trained[$0.name] != nil }.map { TrainableWeights($0.checkpointName) }
    }

    // MARK: Tensors of the file

    /// The tensor of the graph that a name means, with or without the body's name.
    private func leaf(named name: String) -> WeightLeaf? {
        let whole = "\(model.architecture.bodyName).\(name)"
        return leaves.first { $0.checkpointName == name } ?? leaves.first { $0.checkpointName == whole }
    }

    /// Keeps a tensor's numbers where they are not the model's.
    private mutating func take(_ tensor: StoredTensor, _ leaf: WeightLeaf) {
        let rows = leaf.rows + leaf.firstRow
        let isFit =
            tensor.shape == [rows, leaf.columns] || rows == 1 && tensor.shape == [leaf.columns]
        guard isFit else {
            problems.append(
                "'\(tensor.name)' is \(tensor.shape); that of \(model.name) is "
                    + "\(rows == 1 ? [leaf.columns] : [rows, leaf.columns])")
            return
        }
        let values = tensor.floats()
        guard values.allSatisfy(\.isFinite) else {
            problems.append("'\(tensor.name)' holds numbers that are not finite")
            return
        }
        guard model.weights.floats(named: leaf.checkpointName, count: values.count) != values else {
            unchanged += 1
            return
        }
        trained[leaf.name] = Array(values.dropFirst(leaf.firstRow * leaf.columns))
    }

    /// A tensor that the graph does not have under its name: another name of a table that is used twice, or one that
    /// the model holds and does not read.
    private mutating func takeOther(_ tensor: StoredTensor, among tables: [WeightLeaf], _ file: PyTorchFile) {
        if let table = tables.first(where: { [$0.rows + $0.firstRow, $0.columns] == tensor.shape }) {
            guard let partner = file[table.checkpointName] else { return take(tensor, table) }
            guard partner.floats() != tensor.floats() else { return }
            problems.append(
                "'\(tensor.name)' and '\(partner.name)' hold different numbers; \(model.name) uses one table for both")
            return
        }
        guard let own = model.weights.storedTensor(named: tensor.name) else {
            problems.append(
                "'\(tensor.name)' \(tensor.shape) is no tensor of \(model.name)"
                    + suggestion(for: tensor.name, among: leaves.map(\.checkpointName)))
            return
        }
        if model.weights.floats(named: tensor.name, count: tensor.elementCount) != tensor.floats() {
            notes.append(
                "'\(own.name)' has other numbers than in \(model.name), which does not read it; it is left out")
        }
    }

    private static func shown(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }
}

// MARK: - Writing

extension PeerModelWeights {
    /// The trained weights of a session's model as the peers save them: whole tensors under their own names.
    static func tensors(of session: Session) throws -> [NamedTensor] {
        try session.hookGraph.parameters.compactMap { parameter in
            guard let name = parameter.weight else { return nil }
            let specification = parameter.specification
            let leaf = WeightLeaf(name: name, rows: specification.rows, columns: specification.columns)
            var values = try session.parameters.values(of: parameter.name)
            let rows = leaf.rows + leaf.firstRow
            if leaf.firstRow > 0 {
                // Rows that the graph does not read stay as they are.
                let whole = session.model.weights.floats(named: leaf.checkpointName, count: rows * leaf.columns) ?? []
                values = whole.prefix(leaf.firstRow * leaf.columns) + values
            }
            let isVector = session.model.weights.storedTensor(named: leaf.checkpointName)?.shape.count == 1
            return try NamedTensor(
                leaf.checkpointName, shape: isVector ? [leaf.columns] : [rows, leaf.columns], floats: values)
        }
    }
}

extension ComputationGraph {
    /// The tables that embed tokens and serve elsewhere too, where checkpoints may have a second name for them.
    fileprivate var sharedTables: [WeightLeaf] {
        weightLeaves.filter { leaf in
            let users = nodes.filter { node in
                node.inputs.contains { nodes[$0.node].operation == .weight(leaf.name) }
            }
            return users.count > 1 && users.contains { $0.operation == .gatherRows }
        }
    }
}
