import Graph
import JSON

/// A matrix of constant numbers: in memory, or a tensor in a file beside the program.
///
/// A tensor in a file becomes a frozen weight of the graph: it stays where it lies, in its stored type, is shared by all
/// graphs of a session, and is never copied into the program. Small matrices in memory become constants of the graph.
///
/// ```swift
/// let components = ConstantMatrix.reference(
///     TensorReference(file: "pca.safetensors", name: "components", shape: [16, 576]))
/// ```
public enum ConstantMatrix: Hashable, Sendable {
    /// Rows of numbers, all of the same length.
    case numbers([[Float]])
    case reference(TensorReference)

    /// The number of rows; a tensor of one dimension is one row.
    public var rows: Int {
        switch self {
        case .numbers(let rows): rows.count
        case .reference(let reference): reference.shape.count == 2 ? reference.shape[0] : 1
        }
    }

    /// The number of columns.
    public var columns: Int {
        switch self {
        case .numbers(let rows): rows.first?.count ?? 0
        case .reference(let reference): reference.shape.last ?? 0
        }
    }

    /// What makes it no matrix of `rows` × `columns`, in a sentence; nil if it is one.
    public func problem(_ what: String, rows wantedRows: Int, columns wantedColumns: Int) -> String? {
        if case .numbers(let rows) = self, rows.contains(where: { $0.count != columns }) {
            return "\(what) has rows of different lengths"
        }
        if case .reference(let reference) = self, !(1...2).contains(reference.shape.count) {
            return "\(what) has the shape \(reference.shape); a matrix is needed"
        }
        guard (rows, columns) != (wantedRows, wantedColumns) else { return nil }
        return "\(what) is [\(rows), \(columns)]; [\(wantedRows), \(wantedColumns)] is needed"
    }
}

extension ConstantMatrix: Codable {
    /// Reads a list of rows or a reference.
    public init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            var rows: [[Float]] = []
            while !list.isAtEnd { rows.append(try list.decode([Float].self)) }
            self = .numbers(rows)
        } else {
            self = .reference(try TensorReference(from: decoder))
        }
    }

    /// Writes a list of rows or a reference.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .numbers(let rows): try rows.encode(to: encoder)
        case .reference(let reference): try reference.encode(to: encoder)
        }
    }
}

extension ConstantMatrix {
    /// As in program files: one row of numbers is a plain list.
    var json: JSONValue {
        switch self {
        case .numbers(let rows):
            let lists = rows.map { ConstantRow.numbers($0).json }
            return lists.count == 1 ? lists[0] : .array(lists)
        case .reference(let reference): return ConstantRow.reference(reference).json
        }
    }
}

extension TensorReference {
    /// The name of the frozen weight that the tensor is in a spliced graph: `sae.safetensors#W_enc`.
    public var weightName: String { "\(file)#\(name)" }
}

extension EditContext {
    /// A matrix of constant numbers, [rows, columns]; one of the intervention's ``Intervention/constantMatrices``.
    public func constant(_ matrix: ConstantMatrix) throws(InterventionError) -> Value {
        switch matrix {
        case .numbers(let rows):
            return builder.constant(
                ConstantTensor(
                    name: "\(hook.name) constant", rows: matrix.rows, columns: matrix.columns,
                    values: rows.flatMap { $0.map(Double.init) }))
        case .reference(let reference):
            guard hook.intervention.constantMatrices.contains(matrix) else {
                throw .missingTensor(
                    reference: "\(reference)", reason: "it is not among the intervention's constantMatrices")
            }
            return builder.weight(reference.weightName, rows: matrix.rows, columns: matrix.columns)
        }
    }
}

extension [Hook] {
    /// The tensors in files that the hooks use as frozen weights, each once, in the order of first use.
    var frozenTensors: [TensorReference] {
        var seen: Set<TensorReference> = []
        return flatMap { $0.intervention.constantMatrices }.compactMap { matrix in
            guard case .reference(let reference) = matrix, seen.insert(reference).inserted else { return nil }
            return reference
        }
    }

    /// Those of them that can not be had, told once at the first hook that uses them.
    func missingFrozenTensors(_ check: ((TensorReference) throws -> Void)?) -> [ProgramProblem] {
        var problems: [ProgramProblem] = []
        for reference in frozenTensors {
            do {
                guard let check else { throw TensorReference.Unavailable() }
                try check(reference)
            } catch {
                let user = first { $0.intervention.constantMatrices.contains(.reference(reference)) }
                problems.append(
                    ProgramProblem(
                        location: user.map { "\($0.location)" } ?? "program", declaration: user?.name ?? "",
                        error: .missingTensor(reference: "\(reference)", reason: "\(error)")))
            }
        }
        return problems
    }
}
