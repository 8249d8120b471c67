import Graph

/// What a program does to the output of a projection, as a graph of its own: an affine function of the projection's output
/// and perhaps of its input, the same for each row.
///
/// That it is affine is found from the nodes, so that types need no code of their own for it.
public struct AffineEdit: Sendable {
    /// The inputs of ``graph``: rows of the projection's output, and of its input where ``readsInput``.
    public static let rows = "rows"
    public static let input = "input"

    public let site: SiteID
    public let projection: Projection
    public let graph: ComputationGraph
    /// The edited rows.
    public let result: ValueID
    public let readsInput: Bool
}

extension HookGraph {
    /// The program's edits as functions of single projections' outputs, in declared order; what can not be written so,
    /// and why, otherwise.
    /// - Throws: ``ProgramErrors`` with every problem.
    public func affineEdits(of model: ComputationGraph) throws(ProgramErrors) -> [AffineEdit] {
        let splicer = Splicer(self, into: model, mode: .evaluate)
        splicer.run()
        let spliced = try splicer.spliced(freezing: true)
        var problems: [ProgramProblem] = []
        var order: [ValueID] = []
        var hooksOfValue: [ValueID: [Hook]] = [:]
        for hook in hooks {
            guard let value = model.site(hook.site)?.value else { continue }
            if hooksOfValue[value] == nil { order.append(value) }
            hooksOfValue[value, default: []].append(hook)
        }
        var edits: [AffineEdit] = []
        for value in order {
            guard let own = hooksOfValue[value], let first = own.first else { continue }
            let wholly = own.compactMap { hook in hook.unfoldableReason.map { (hook, $0) } }
            guard wholly.isEmpty else {
                problems += wholly.map { hook, reason in
                    hook.problem(.unfoldable(site: "\(hook.shape)", reason: reason))
                }
                continue
            }
            do throws(InterventionError) {
                let base = spliced.unedited(value)
                let projection = try spliced.graph.projection(at: base, site: "\(first.shape)")
                var reader = AffineReader(spliced.graph, rows: base, input: projection.input, site: "\(first.shape)")
                edits.append(try reader.edit(spliced.edited(value), first.site, projection))
            } catch {
                problems.append(first.problem(error))
            }
        }
        guard problems.isEmpty else { throw ProgramErrors(problems) }
        return edits
    }
}

extension Hook {
    /// What keeps the hook from being a function of single rows, the same for all of them.
    fileprivate var unfoldableReason: String? {
        if intervention.onlyReads { return "it gives rows to whoever runs the program, which weights can not" }
        if selection != nil { return "it edits the positions \(positions), and a weight acts on all rows" }
        if case .perExample = subspace { return "examples choose its subspace, and a weight is the same for all" }
        return nil
    }
}

/// Walks from an edited value back to the rows it is a function of.
private struct AffineReader {
    private enum Form { case constant, affine }

    private let original: ComputationGraph
    private let rows: ValueID
    private let input: ValueID
    private let site: String
    private let builder = GraphBuilder()
    private var forms: [ValueID: Form] = [:]
    private var copies: [ValueID: Value] = [:]

    init(_ original: ComputationGraph, rows: ValueID, input: ValueID, site: String) {
        self.original = original
        self.rows = rows
        self.input = input
        self.site = site
        // There even where nothing of it is left, as it says how many rows there are.
        _ = builder.input(AffineEdit.rows, original.type(of: rows))
    }

    mutating func edit(_ result: ValueID, _ id: SiteID, _ projection: Projection) throws(InterventionError)
        -> AffineEdit
    {
        _ = try read(result)
        let value = copies[result] ?? builder.scalar(0)
        guard builder.problems.isEmpty else {
            throw refuse(builder.problems.map(\.description).joined(separator: "; "))
        }
        return AffineEdit(
            site: id, projection: projection, graph: builder.graph, result: value.id, readsInput: copies[input] != nil)
    }

    private func refuse(_ reason: String) -> InterventionError { .unfoldable(site: site, reason: reason) }

    /// Copies a value and all that it is computed from. Edits are shallow, so that recursion is no danger.
    private mutating func read(_ value: ValueID) throws(InterventionError) -> Form {
        if let known = forms[value] { return known }
        let form = try copy(value)
        forms[value] = form
        return form
    }

    private mutating func copy(_ value: ValueID) throws(InterventionError) -> Form {
        if value == rows || value == input {
            copies[value] = builder.input(
                value == rows ? AffineEdit.rows : AffineEdit.input, original.type(of: value))
            return .affine
        }
        let node = original.nodes[value.node]
        let shape = node.results[value.result].shape
        let (height, width) = (shape.rows.fixedValue ?? 0, shape.columns.fixedValue ?? 0)
        switch node.operation {
        case .weight(let name): copies[value] = builder.weight(name, rows: height, columns: width)
        case .parameter(let name): copies[value] = builder.parameter(name, rows: height, columns: width)
        case .constant(let place): copies[value] = builder.constant(original.constants[place])
        case .scalar(let number): copies[value] = builder.scalar(number)
        case .input(let name): throw refuse("its edit reads the batch's '\(name)'")
        case .random: throw refuse("its edit is random")
        default:
            if case .model(let path) = node.provenance {
                throw refuse("its edit reads what \(path) gives, which is no row of the projection")
            }
            var inputs: [Form] = []
            for input in node.inputs { inputs.append(try read(input)) }
            let form = try self.form(of: node, inputs)
            let results = builder.results(node.operation, node.inputs.compactMap { copies[$0] })
            copies[value] = results[value.result]
            return form
        }
        return .constant
    }

    /// Whether a node is affine in the rows, row by row.
    private func form(of node: Node, _ inputs: [Form]) throws(InterventionError) -> Form {
        guard inputs.contains(.affine) else { return .constant }
        let isAffine: Bool =
            switch node.operation {
            case .affine, .unary(.negate), .sum(.columns), .broadcast, .sliceColumns, .padColumns, .concatenateColumns,
                .replaceColumns, .binary(.add), .binary(.subtract):
                true
            case .binary(.multiply): inputs != [.affine, .affine]
            case .binary(.divide): inputs[1] == .constant
            case .matmul(transposeLeft: false, _): inputs == [.affine, .constant]
            default: false
            }
        guard isAffine else { throw refuse("\(node.operation.name) in its edit is not linear in the rows") }
        return .affine
    }
}
