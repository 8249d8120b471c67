import Checkpoints
import Foundation
import Graph
import InterventionDSL
import JSON
import Models
import Runtime

/// Folders in which pyreft and pyvene keep trained interventions: `config.json`, and a file of tensors for each of them.
///
/// ```swift
/// let adapter = try PyreftFolder.adapter(
///     at: "my-loreft", for: model, PyveneOptions(positions: .first(7) + .last(7)))
/// try PyreftFolder.write(adapter, to: "for-pyreft", model: model)
/// ```
public enum PyreftFolder {
    static let configurationFile = "config.json"
    static let modelFile = "pytorch_model.bin"

    /// Whether there is such a folder at `path`.
    public static func exists(at path: String) -> Bool {
        let file = URL(fileURLWithPath: path).appendingPathComponent(configurationFile)
        return FileManager.default.fileExists(atPath: file.path)
    }

    /// Reads a folder as an adapter of a model.
    ///
    /// The peers save neither the model's identity nor positions: the one is taken from `model`, the others must be given.
    /// Trained weights of the model itself in `pytorch_model.bin` become trained weights of the program; those that the
    /// model has already are left out.
    /// - Parameters:
    ///   - note: Told what the folder does not say or means differently.
    /// - Throws: ``InputError`` with everything in the folder that can not be expressed, `CheckpointError` for damaged
    ///   files, `ProgramErrors` where it does not fit the model.
    public static func adapter(
        at path: String, for model: Model, _ options: PyveneOptions, note: (String) -> Void = { _ in }
    ) throws -> Adapter {
        let folder = URL(fileURLWithPath: path)
        var configuration = try PyveneConfiguration(
            contentsOf: folder.appendingPathComponent(configurationFile).path)
        configuration.file = path
        let isPositioned = configuration.representations.contains { $0.unit != "h" }
        guard options.positions != nil || !isPositioned else {
            throw InputError(
                file: path,
                problems: [
                    "it does not say which positions are edited, which the peers never save; give them: --positions "
                        + "f7+l7 or l1 as it was trained, or all, which is what the peers edit without unit_locations"
                ])
        }
        let widths = try widths(of: configuration, options, model)
        let files = try PyreftFiles(folder: folder, configuration)
        let edits = try configuration.edits(options, note: note) { place in
            PyveneConfiguration.PeerMatter(
                state: files.states[place], fileName: files.names[place], width: widths[place])
        }
        let arrangement = try configuration.arranged(edits, options, note: note)
        let modelFile = folder.appendingPathComponent(modelFile)
        let weights =
            FileManager.default.fileExists(atPath: modelFile.path)
            ? try PeerModelWeights(at: modelFile, for: model) : PeerModelWeights(noneFor: model)
        weights.notes.forEach(note)
        let session = try Session(model, program: Program(runs: arrangement.runs, trainable: weights.patterns))
        try load(edits, arrangement, files, into: session, path)
        for (name, values) in weights.trained {
            try session.parameters.set(TrainableWeights.parameterName(of: name), values)
        }
        var adapter = try session.adapter(
            named: folder.lastPathComponent, training: ["imported": .text("pyvene configuration")])
        adapter.program = session.program
        return adapter
    }

    /// The columns of each representation's site; all sites that the model does not have are reported together.
    private static func widths(
        of configuration: PyveneConfiguration, _ options: PyveneOptions, _ model: Model
    ) throws -> [Int] {
        let declarations = configuration.representations.enumerated().map { number, representation in
            Declaration(
                Zero(), on: representation.place(heads: options.heads), at: .all, name: "representation-\(number)",
                location: .file(path: "\(configuration.file): \(representation.path)"))
        }
        let hooks = try Program(declarations: declarations).bound(to: model.graph().graph).hooks
        var widths = [Int](repeating: 0, count: declarations.count)
        for hook in hooks { widths[hook.declarationIndex] = hook.shape.width }
        return widths
    }

    /// Puts the tensors into the session's parameters; all that do not fit are reported together.
    private static func load(
        _ edits: [PeerEdit], _ arrangement: PyveneArrangement, _ files: PyreftFiles, into session: Session,
        _ path: String
    ) throws {
        var problems: [String] = []
        var places: [String: [SiteID: Int]] = [:]
        var sides: [String: Int] = [:]
        var values: [String: Adapter.ParameterValues] = [:]
        for hook in session.hookGraph.hooks {
            let place = places[hook.name]?[hook.site] ?? places[hook.name]?.count ?? 0
            places[hook.name, default: [:]][hook.site] = place
            let key = "\(hook.name) \(hook.shape)"
            let side = sides[key] ?? 0
            sides[key] = side + 1
            guard let number = arrangement.intervention(of: hook.name, place: place, side: side) else { continue }
            for parameter in hook.parameters {
                let specification = parameter.specification
                guard let given = edits[number].parameters[specification.name] else { continue }
                guard (given.rows, given.columns) == (specification.rows, specification.columns) else {
                    problems.append(
                        "\(files.names[number]): '\(specification.name)' is [\(given.rows), \(given.columns)]; on "
                            + "\(hook.shape) [\(specification.rows), \(specification.columns)] is needed")
                    continue
                }
                if let other = values[parameter.fullName], other != given {
                    problems.append(
                        "\(files.names[number]): it is linked with another file and has other numbers")
                }
                values[parameter.fullName] = given
            }
        }
        guard problems.isEmpty else { throw InputError(file: path, problems: problems) }
        for specification in session.parameters.specifications
        where !TrainableWeights.isParameter(specification.name) {
            guard let given = values[specification.name] else {
                throw InputError(file: path, problems: ["no file holds the parameter '\(specification.name)'"])
            }
            try session.parameters.set(specification.name, given.values)
        }
    }
}

extension PyveneRepresentation {
    /// Where it acts.
    func place(heads: [Int]?) -> Place {
        component.contains(".")
            ? .module(component)
            : .layers(ourComponent, Layers([layer]), heads: unit.hasPrefix("h") ? heads : nil)
    }

    /// The name of its file in the three spellings that the peers have used, for the `count`-th intervention of this place.
    func keys(_ count: Int) -> [String] {
        let underscored = { (text: String) in text.replacing(".", with: "_") }
        let ending = { (unit: String, dot: String) in "unit\(dot)\(unit)\(dot)nunit\(dot)\(maxNumberOfUnits)#\(count)" }
        if component.contains(".") {
            return [
                "comp_\(underscored(component))_\(ending(underscored(unit), "_"))",
                "comp.\(component).\(ending(unit, "."))",
                "layer.\(layer).comp.\(component).\(ending(unit, "."))",
                "layer.\(layer).repr.\(component).\(ending(unit, "."))",
            ]
        }
        return [
            "layer_\(layer)_comp_\(component)_\(ending(underscored(unit), "_"))",
            "layer.\(layer).comp.\(component).\(ending(unit, "."))",
            "layer.\(layer).repr.\(component).\(ending(unit, "."))",
        ]
    }
}

/// The files of a folder's interventions.
struct PyreftFiles {
    /// The tensors of each intervention that has some.
    private(set) var states: [PyTorchFile?] = []
    /// The names of their files.
    private(set) var names: [String] = []

    /// Opens the files; all that are missing are reported together.
    init(folder: URL, _ configuration: PyveneConfiguration) throws {
        var counts: [String: Int] = [:]
        var problems: [String] = []
        for representation in configuration.representations {
            let place = representation.keys(0)[0]
            let count = counts[place] ?? 0
            counts[place] = count + 1
            let names = representation.keys(count).map { "intkey_\($0).bin" }
            let found = names.first {
                FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
            }
            let type = PeerType.named(representation.type ?? "")
            if found == nil,
                type.map({ type in type.isSaved && !PeerType.general.contains { $0.name == type.name } }) == true
                    || representation.hasHiddenSource
            {
                problems.append(
                    "\(representation.path): there is no file '\(names[0])', nor one with the older spellings of that name"
                )
            }
            self.names.append(found ?? names[0])
            states.append(try found.map { try PyTorchFile(at: folder.appendingPathComponent($0)) })
        }
        guard problems.isEmpty else { throw InputError(file: folder.path, problems: problems) }
    }
}
