import Diagnostics
import Foundation
import InterventionDSL
import JSON
import ReFTPresets

/// A configuration of pyvene's `IntervenableConfig` or pyreft's `ReftConfig`: as it is saved beside adapters, or as users
/// write it.
///
/// ```swift
/// let configuration = try PyveneConfiguration(contentsOf: "config.json")
/// let program = try configuration.program(PyveneOptions(positions: .last))
/// ```
/// Three forms are read: the whole configuration with `representations`, a list of representations, and one of them.
public struct PyveneConfiguration: Hashable, Sendable {
    /// How source runs are arranged.
    public enum Mode: String, Sendable, CaseIterable {
        /// All sources first, then the base with everything put in at once.
        case parallel
        /// Each source is put into the next one, the last into the base.
        case serial
    }

    /// One entry for each intervention, in the order of the file.
    public var representations: [PyveneRepresentation]
    /// How source runs are arranged; parallel unless the file says otherwise.
    public var mode: Mode
    /// The file, for messages.
    public var file: String

    /// The keys of a whole configuration, and others that transformers writes and that mean nothing here.
    private static let known = [
        "representations", "intervention_types", "mode", "sorted_keys", "model_type", "intervention_dimensions",
        "intervention_constant_sources", "transformers_version", "torch_dtype", "dtype", "architectures",
        "_name_or_path",
    ]

    /// Whether a JSON document is such a configuration rather than a program of ours.
    public static func isConfiguration(_ document: JSONValue) -> Bool {
        if document["format"] != nil { return false }
        if document["representations"] != nil || document["component"] != nil { return true }
        guard let first = document.array?.first else { return false }
        return first["component"] != nil || first["layer"] != nil
    }

    /// Reads a file.
    /// - Throws: ``InputError`` with every problem.
    public init(contentsOf path: String) throws(InputError) {
        let data = try InputFile.contents(of: path)
        do {
            try self.init(JSONValue(parsing: Array(data)), file: path)
        } catch let error as JSONError {
            throw InputError(file: path, problems: ["\(error)"])
        } catch let error as InputError {
            throw error
        } catch {
            throw InputError(file: path, problems: ["\(error)"])
        }
    }

    /// Reads a document; `file` is for messages.
    /// - Throws: ``InputError`` with every problem.
    public init(_ document: JSONValue, file: String) throws(InputError) {
        var problems: [String] = []
        self.file = file
        mode = .parallel
        representations = []
        let list: [JSONValue]
        if let given = document.array {
            list = given
        } else if document["representations"] != nil {
            list = document["representations"]?.array ?? document["representations"].map { [$0] } ?? []
        } else {
            list = [document]
        }
        for (place, value) in list.enumerated() {
            representations.append(
                PyveneRepresentation(value, path: "representations[\(place)]", problems: &problems))
        }
        if list.isEmpty { problems.append("representations: at least one is needed") }
        if document["representations"] != nil { readWhole(document, &problems) }
        for place in representations.indices where representations[place].type == nil {
            representations[place].type = "VanillaIntervention"
        }
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
    }

    private mutating func readWhole(_ document: JSONValue, _ problems: inout [String]) {
        if case .object(let members) = document {
            for key in members.map(\.key) where !Self.known.contains(key) {
                problems.append(
                    "unknown key '\(key)'; known: \(Self.known.prefix(7).joined(separator: ", "))"
                        + suggestion(for: key, among: Self.known))
            }
        }
        if let given = document["mode"] {
            if let mode = given.string.flatMap(Mode.init) {
                self.mode = mode
            } else {
                problems.append("mode: 'parallel' or 'serial' is needed, not \(given.line)")
            }
        }
        readTypes(document["intervention_types"] ?? .null, &problems)
        guard let dimensions = document["intervention_dimensions"]?.array, !dimensions.isEmpty else { return }
        guard dimensions.count == representations.count else {
            problems.append(
                "intervention_dimensions: \(dimensions.count) are listed for \(representations.count) representations")
            return
        }
        for (place, value) in dimensions.enumerated() {
            if case .null = value { continue }
            if let count = value.integer, (1...10_000_000).contains(count) {
                representations[place].dimension = .first(count)
            } else if let list = value.indices {
                representations[place].dimension = .chosen(list)
            } else {
                problems.append(
                    "intervention_dimensions[\(place)]: a number of coordinates or a list is needed, not \(value.line)")
            }
        }
    }

    /// One class for all, or one for each representation.
    private mutating func readTypes(_ value: JSONValue, _ problems: inout [String]) {
        if case .null = value { return }
        let types = value.array ?? [JSONValue](repeating: value, count: representations.count)
        guard types.count == representations.count else {
            problems.append(
                "intervention_types: \(types.count) are listed for \(representations.count) representations")
            return
        }
        for (place, type) in types.enumerated() where representations[place].type == nil {
            let path = value.array == nil ? "intervention_types" : "intervention_types[\(place)]"
            representations[place].readType(type, path, &problems)
        }
    }
}

/// What a configuration leaves open.
public struct PyveneOptions: Sendable {
    /// The positions that are edited; of a union each side is one intervention's where a site has several.
    public var positions: Positions?
    /// The positions that are read from source runs, where they are others.
    public var sourcePositions: Positions?
    /// The heads that are edited where the unit is `h` or `h.pos`.
    public var heads: [Int]?
    /// `act_fn` of the ReFT types, which pyreft does not save.
    public var activation: Activation
    /// Whether all interventions read one source run, `source`.
    public var sharesSource: Bool

    /// Options; those left out are the peers' own defaults.
    public init(
        positions: Positions? = nil, sourcePositions: Positions? = nil, heads: [Int]? = nil,
        activation: Activation = .linear, sharesSource: Bool = false
    ) {
        self.positions = positions
        self.sourcePositions = sourcePositions
        self.heads = heads
        self.activation = activation
        self.sharesSource = sharesSource
    }
}
