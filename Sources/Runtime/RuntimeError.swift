import Foundation

/// What can go wrong while a graph is planned, bound and run, or parameters are kept: where, what was given, and what is allowed.
public enum RuntimeError: Error, Equatable, Sendable {
    /// The source of weights has no weight of that name.
    case noWeight(name: String, nearest: String?)
    /// A weight of the model has another shape than the graph says.
    case weightShape(name: String, given: String, wanted: String)
    /// An output that was asked for is not a value of the graph.
    case noValue(value: String, nodeCount: Int)
    /// A value asked for as an output of a run is not among the plan's outputs.
    case notAnOutput(value: String, outputs: [String])
    /// The graph reads an input that the batch does not have.
    case noInput(name: String, type: String, nearest: String?)
    /// An input was given as numbers where the graph wants indices, or the other way round.
    case inputKind(name: String, given: String, wanted: String)
    /// An input has another extent than the graph says.
    case inputExtent(name: String, axis: String, given: Int, wanted: Int)
    /// An input's numbers do not fill its rows and columns.
    case inputCount(name: String, given: Int, rows: Int, columns: Int)
    /// Two inputs disagree on an extent that the graph says is the same.
    case contradiction(symbol: String, first: String, firstExtent: Int, second: String, secondExtent: Int)
    /// No bound input tells how large an extent is.
    case unknownExtent(symbol: String, value: String, provenance: String)
    /// An index lies outside what it points into.
    case indexOutOfRange(input: String, place: Int, value: Int, allowed: String, meaning: String)
    /// An index occurs twice where each row may be named once.
    case repeatedIndex(input: String, place: Int, value: Int)
    /// Offsets do not rise from 0 to the number of rows.
    case offsets(input: String, place: Int, value: Int, problem: String)
    /// The parameter store has no such parameter.
    case noParameter(name: String, nearest: String?)
    /// A parameter has another shape than the graph says.
    case parameterShape(name: String, given: String, wanted: String)
    /// The plan has parameters, but the run was given no store.
    case noParameters(names: [String])
    /// The key/value store does not fit the plan or the batch.
    case keyValues(problem: String)
    /// A kernel refused its operands.
    case kernel(operation: String, value: String, provenance: String)
    /// The specification of a parameter can not be met.
    case specification(name: String, problem: String)
    /// Saved values differ from what the store holds; every difference.
    case savedParameters(file: String, differences: [String])
    /// A gradient or a parameter is not a finite number.
    case notFinite(parameter: String, what: String)
    /// A setting lies outside its range.
    case setting(name: String, given: String, allowed: String)
}

extension RuntimeError: CustomStringConvertible, LocalizedError {
    public var description: String {
        switch self {
        case .noWeight(let name, let nearest):
            "There is no weight '\(name)'.\(Self.hint(nearest))"
        case .weightShape(let name, let given, let wanted):
            "Weight '\(name)' is \(given); the graph wants \(wanted)."
        case .noValue(let value, let nodeCount):
            "\(value) is not a value of the graph, which has \(nodeCount) nodes."
        case .notAnOutput(let value, let outputs):
            "\(value) is not an output of the plan; its outputs are \(outputs.joined(separator: ", "))."
        case .noInput(let name, let type, let nearest):
            "Input '\(name)' \(type) was not given.\(Self.hint(nearest))"
        case .inputKind(let name, let given, let wanted):
            "Input '\(name)' was given as \(given); the graph wants \(wanted)."
        case .inputExtent(let name, let axis, let given, let wanted):
            "Input '\(name)' has \(given) \(axis); the graph wants \(wanted)."
        case .inputCount(let name, let given, let rows, let columns):
            "Input '\(name)' has \(given) numbers, which do not make \(rows) rows of \(columns)."
        case .contradiction(let symbol, let first, let firstExtent, let second, let secondExtent):
            "'\(first)' makes \(symbol) \(firstExtent), but '\(second)' makes it \(secondExtent)."
        case .unknownExtent(let symbol, let value, let provenance):
            "No input that was given tells \(symbol), which \(value) (\(provenance)) needs."
        case .indexOutOfRange(let input, let place, let value, let allowed, let meaning):
            "Input '\(input)' holds \(value) at place \(place), which is no \(meaning); allowed: \(allowed)."
        case .repeatedIndex(let input, let place, let value):
            "Input '\(input)' names row \(value) a second time at place \(place); each row may be edited once."
        case .offsets(let input, let place, let value, let problem):
            "Input '\(input)' holds \(value) at place \(place), but offsets \(problem)."
        case .noParameter(let name, let nearest):
            "There is no parameter '\(name)'.\(Self.hint(nearest))"
        case .parameterShape(let name, let given, let wanted):
            "Parameter '\(name)' is \(given); the graph wants \(wanted)."
        case .noParameters(let names):
            "The plan needs a parameter store with \(names.map { "'\($0)'" }.joined(separator: ", ")); none was given."
        case .keyValues(let problem):
            "The key/value store does not fit: \(problem)."
        case .kernel(let operation, let value, let provenance):
            "\(operation) at \(value) (\(provenance)) can not run on its operands."
        case .specification(let name, let problem):
            "Parameter '\(name)' can not be made: \(problem)."
        case .savedParameters(let file, let differences):
            "'\(file)' does not hold these parameters:\n" + differences.map { "  \($0)" }.joined(separator: "\n")
        case .notFinite(let parameter, let what):
            "The \(what) of parameter '\(parameter)' is not a finite number."
        case .setting(let name, let given, let allowed):
            "\(name) is \(given); allowed: \(allowed)."
        }
    }

    public var errorDescription: String? { description }

    private static func hint(_ nearest: String?) -> String { nearest.map { " Did you mean '\($0)'?" } ?? "" }
}
