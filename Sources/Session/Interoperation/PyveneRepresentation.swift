import Diagnostics
import JSON

/// One intervention of a pyvene configuration: where it acts and how it is set up, before any type is chosen.
///
/// pyvene writes it as a list of 14 values in a fixed order, users as a dictionary of those that matter.
public struct PyveneRepresentation: Hashable, Sendable {
    /// The layer, counted from 0; without meaning where the component is a module path.
    public var layer = 0
    /// `block_output` and the like, or a module path such as `model.layers[3].mlp.output`.
    public var component = "block_output"
    /// What is counted: `pos`, `h`, `h.pos` or `t`.
    public var unit = "pos"
    public var maxNumberOfUnits = 1
    public var lowRankDimension: Int?
    /// The name of the class, without its module; nil where it stands elsewhere.
    public var type: String?
    /// The module that the class is from, `pyreft.interventions`; nil where it is not said.
    public var typeModule: String?
    /// The parts of the intervention's coordinates that an example may choose.
    public var subspacePartition: [[Int]]?
    public var groupKey: String?
    public var linkKey: String?
    /// A constant row in the place of a source run's.
    public var sourceRepresentation: [Float]?
    /// Whether such a row lies in the intervention's file.
    public var hasHiddenSource = false
    public var latentDimension: Int?
    /// How many of the first coordinates are interchanged, or which; nil for all.
    public var dimension: PyveneDimension?
    /// Where it stands in its file, for messages.
    public var path = ""

    /// Block output of layer 0.
    public init() {}

    /// The names of the values, in pyvene's order.
    static let fields = [
        "layer", "component", "unit", "max_number_of_units", "low_rank_dimension", "intervention_type", "intervention",
        "subspace_partition", "group_key", "intervention_link_key", "moe_key", "source_representation",
        "hidden_source_representation", "latent_dim",
    ]
}

/// What `interchange_dim` says.
public enum PyveneDimension: Hashable, Sendable {
    case first(Int)
    case chosen([Int])

    /// The coordinates; nil where they are all of `width`.
    func coordinates(of width: Int?) -> [Int]? {
        switch self {
        case .first(let count): count == width ? nil : Array(0..<max(count, 0))
        case .chosen(let list): list
        }
    }
}

extension PyveneRepresentation {
    /// Reads a list or a dictionary; what is wrong goes to `problems`, all of it.
    init(_ value: JSONValue, path: String, problems: inout [String]) {
        self.path = path
        switch value {
        case .array(let values):
            if !(8...Self.fields.count).contains(values.count) {
                problems.append("\(path): \(values.count) values are listed; pyvene writes \(Self.fields.count)")
            }
            for (name, value) in zip(Self.fields, values) { read(name, value, &problems) }
        case .object(let members):
            for member in members {
                guard Self.fields.contains(member.key) else {
                    problems.append(
                        "\(path): unknown key '\(member.key)'; allowed: \(Self.fields.joined(separator: ", "))"
                            + suggestion(for: member.key, among: Self.fields))
                    continue
                }
                read(member.key, member.value, &problems)
            }
        default:
            problems.append("\(path): a list or a dictionary is needed")
        }
    }

    private mutating func read(_ name: String, _ value: JSONValue, _ problems: inout [String]) {
        func wrong(_ wanted: String) { problems.append("\(path).\(name): \(wanted) is needed, not \(value.line)") }
        func count(_ least: Int) -> Int? {
            guard let number = value.integer, number >= least, number <= Int(Int32.max) else {
                wrong("a whole number from \(least) on")
                return nil
            }
            return number
        }
        if case .null = value { return }
        switch name {
        case "layer": layer = count(0) ?? 0
        case "component": if let text = value.string, !text.isEmpty { component = text } else { wrong("a component") }
        case "unit":
            if let text = value.string, ["pos", "h", "h.pos", "t"].contains(text) {
                unit = text
            } else {
                wrong("'pos', 'h', 'h.pos' or 't'")
            }
        case "max_number_of_units": maxNumberOfUnits = count(1) ?? 1
        case "low_rank_dimension": lowRankDimension = count(1)
        case "latent_dim": latentDimension = count(1)
        case "intervention_type": readType(value, "\(path).\(name)", &problems)
        case "intervention", "moe_key":
            problems.append("\(path).\(name): \(value.line) can not be expressed here; null is allowed")
        case "subspace_partition":
            guard let parts = value.array?.map({ $0.indices }), !parts.contains(nil) else {
                return wrong("a list of lists of coordinates")
            }
            // Two numbers are a range in pyvene, any others a list.
            subspacePartition = parts.compactMap { $0 }.map { part in
                part.count == 2 ? Array(part[0]..<max(part[0], min(part[1], part[0] + 1_000_000))) : part
            }
        case "group_key", "intervention_link_key":
            guard let key = value.string ?? value.integer.map(String.init) else { return wrong("a number or a text") }
            if name == "group_key" { groupKey = key } else { linkKey = key }
        case "source_representation":
            guard let numbers = value.array?.map({ $0.real }), !numbers.contains(nil) else {
                return wrong("a list of numbers")
            }
            sourceRepresentation = numbers.compactMap { $0 }
        case "hidden_source_representation":
            if let flag = value.bool { hasHiddenSource = flag } else { wrong("true or false") }
        default: break
        }
    }

    /// Reads `<class 'pyreft.interventions.LoreftIntervention'>`, `pv.VanillaIntervention` or `VanillaIntervention`.
    mutating func readType(_ value: JSONValue, _ path: String, _ problems: inout [String]) {
        guard let text = value.string else {
            problems.append("\(path): the name of a class is needed, not \(value.line)")
            return
        }
        var name = Substring(text)
        if name.hasPrefix("<class '"), name.hasSuffix("'>") { name = name.dropFirst(8).dropLast(2) }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        type = parts.last.map(String.init)
        typeModule = parts.count > 1 ? parts.dropLast().joined(separator: ".") : nil
    }
}

extension JSONValue {
    /// Any number as f32.
    fileprivate var real: Float? {
        switch self {
        case .integer(let value): Float(value)
        case .number(let value): Float(value)
        default: nil
        }
    }

    /// A list of whole numbers that are not negative.
    var indices: [Int]? {
        guard let list = array?.map({ $0.integer }),
            list.allSatisfy({ $0.map { (0...1_000_000).contains($0) } == true })
        else { return nil }
        return list.compactMap { $0 }
    }
}
