import Diagnostics
import Foundation
import Graph
import JSON

extension Program {
    /// The format name and version of program files.
    static let format = "swift-reft/program"
    static let version = 1

    /// Reads a program file.
    ///
    /// - Throws: ``InterventionError/file(path:message:)`` with the JSON path, what was given and what is allowed.
    public init(json data: Data, registry: InterventionRegistry = .general) throws(InterventionError) {
        try self.init(JSONValue(data: data), path: "", registry)
    }

    init(_ value: JSONValue, path: String, _ registry: InterventionRegistry) throws(InterventionError) {
        let object = try ObjectReader(
            value, path: path, allowed: ["format", "version", "overlaps", "runs", "declarations", "trainable"])
        let format = try object.string("format")
        guard format == Self.format else {
            throw object.failure("format", "'\(format)' is given where '\(Self.format)' is needed")
        }
        let version = try object.integer("version")
        guard version == Self.version else {
            throw object.failure(
                "version", "version \(version) is not known; this release reads version \(Self.version)")
        }
        let trainable = try Self.trainable(of: object)
        switch (object["runs"], object["declarations"]) {
        case (.some, .some):
            throw object.failure(nil, "give either 'runs' or the 'declarations' of the base run")
        case (nil, nil) where !trainable.isEmpty:
            self.init(trainable: trainable)
        case (nil, nil):
            throw object.failure(nil, "the key 'runs' is missing")
        case (nil, .some):
            let base = ProgramRun(name: Self.baseName, declarations: try Declaration.list(object, registry))
            self.init(runs: [base], trainable: trainable)
        case (.some, nil):
            var runs: [ProgramRun] = []
            for (run, path) in try object.list("runs") {
                let run = try ObjectReader(run, path: path, allowed: ["name", "declarations"])
                let name = try run.string("name")
                if runs.contains(where: { $0.name == name }) {
                    throw run.failure("name", "there is already a run named '\(name)'")
                }
                let declarations = run["declarations"] == nil ? [] : try Declaration.list(run, registry)
                runs.append(ProgramRun(name: name, declarations: declarations))
            }
            self.init(runs: runs, trainable: trainable)
        }
        if let policy = try object.overlaps() { overlaps = policy }
    }

    /// The patterns of `"trainable": ["model.layers[*].mlp.down_proj.weight"]`.
    private static func trainable(of object: ObjectReader) throws(InterventionError) -> [TrainableWeights] {
        guard object["trainable"] != nil else { return [] }
        var trainable: [TrainableWeights] = []
        for (value, path) in try object.list("trainable") {
            let pattern = try StrictDecoder.decode(String.self, from: value, path: path)
            try PathPattern.check(pattern, what: "weight pattern", path: path)
            trainable.append(TrainableWeights(pattern, location: .file(path: path)))
        }
        return trainable
    }
}

extension Declaration {
    init(_ value: JSONValue, path: String, _ registry: InterventionRegistry) throws(InterventionError) {
        let object = try ObjectReader(
            value, path: path,
            allowed: [
                "name", "intervention", "source", "site", "positions", "tied", "shares", "scale", "subspace",
                "priority",
            ])
        self.init(
            try Self.intervention(object, registry), on: try Place(object.member("site")),
            at: try object.positions("positions"),
            name: object["name"] == nil ? nil : try object.string("name"),
            scale: object["scale"] == nil ? 1 : try object.number("scale"), ties: try object.ties(),
            shares: object["shares"] == nil ? nil : try object.string("shares"),
            subspace: try object.subspace(),
            priority: object["priority"] == nil ? 0 : try object.integer("priority"), location: .file(path: path))
    }

    private static func intervention(
        _ object: ObjectReader, _ registry: InterventionRegistry
    ) throws(InterventionError) -> any Intervention {
        let (value, path) = try object.member("intervention")
        let reader = try ObjectReader(value, path: path, allowed: nil)
        let kind = try reader.string("type")
        guard let type = registry[kind] else {
            let known = registry.kinds.joined(separator: ", ")
            throw reader.failure(
                "type",
                "unknown intervention '\(kind)'; known: \(known)" + suggestion(for: kind, among: registry.kinds))
        }
        if type == Edit.self {
            if object["source"] != nil { throw object.failure("source", "a closure has its sources from the registry") }
            return try closure(ObjectReader(value, path: path, allowed: ["type", "name"]), registry)
        }
        var members = reader.members.filter { $0.key != "type" }
        guard let source = object["source"] else {
            do {
                return try StrictDecoder.decode(type, from: .object(members), path: path)
            } catch .file(path, StrictDecoder.missing("source")) {
                throw object.failure(nil, "\(StrictDecoder.missing("source")): \(kind) reads one, {\"run\": NAME}")
            }
        }
        if reader["source"] != nil { throw object.failure("source", "the intervention has a source already") }
        members.append(JSONValue.Member("source", source))
        do {
            return try StrictDecoder.decode(type, from: .object(members), path: path)
        } catch InterventionError.file(let inner, let message) {
            // The source is written beside the intervention, not within it.
            if message.hasPrefix("unknown key 'source'") { throw object.failure("source", "\(kind) reads no source") }
            let prefix = path + ".source"
            let own = inner.hasPrefix(prefix) ? object.path(of: "source") + inner.dropFirst(prefix.count) : inner
            throw .file(path: own, message: message)
        }
    }
}

extension Declaration {
    private static func closure(
        _ reader: ObjectReader, _ registry: InterventionRegistry
    ) throws(InterventionError) -> Edit {
        let name = try reader.string("name")
        guard let edit = registry.edits[name] else {
            let known = registry.edits.keys.sorted()
            throw reader.failure(
                "name",
                "no closure is registered under '\(name)'; registered: "
                    + (known.isEmpty ? "none" : known.joined(separator: ", ")) + suggestion(for: name, among: known))
        }
        return edit
    }
}

extension Place {
    /// `{ "component": "block_output", "layers": [15] }`, with `"heads"` where single heads are meant;
    /// `{ "component": "embedding" }`; `{ "module": "model.layers[3].mlp.output" }`;
    /// `{ "select": "layers[4-8].mlp_*" }`; or the text form.
    init(_ member: (value: JSONValue, path: String)) throws(InterventionError) {
        if case .string(let text) = member.value {
            do throws(InterventionError) {
                try self.init(text: text)
            } catch {
                throw .file(path: member.path, message: "\(error)")
            }
            return
        }
        let object = try ObjectReader(
            member.value, path: member.path, allowed: ["component", "layers", "heads", "module", "select"],
            wanted: "a text such as \"block_output.3\" or an object")
        if object["module"] != nil {
            if object.members.count > 1 { throw object.failure("module", "a module path stands alone") }
            self = .module(try object.string("module"))
            return
        }
        if object["select"] != nil {
            if object.members.count > 1 { throw object.failure("select", "a selector stands alone") }
            let selector = try object.string("select")
            try PathPattern.check(selector, what: "selector", path: object.path(of: "select"))
            self = .matching(selector)
            return
        }
        let name = try object.string("component")
        guard object["layers"] != nil else {
            if object["heads"] != nil { throw object.failure(nil, "heads need layers: the key 'layers' is missing") }
            self = name.contains(".") ? .module(name) : .model(Component(rawValue: name))
            return
        }
        let layers = try object.decode(Layers.self, "layers")
        let heads = object["heads"] == nil ? nil : try object.decode([Int].self, "heads")
        self = .layers(Component(rawValue: name), layers, heads: heads)
    }
}

extension SourceReference: Codable {
    /// Reads `{ "run": "clean" }` with an optional `"site"` and `"positions"`, or `{ "constant": … }` with numbers, rows of
    /// numbers or a reference to a tensor.
    public init(from decoder: any Decoder) throws {
        let value = try JSONValue(from: decoder)
        let path = (decoder as? StrictDecoder)?.path ?? ""
        let object = try ObjectReader(value, path: path, allowed: ["run", "site", "positions", "constant"])
        if object["constant"] != nil {
            if object.members.count > 1 { throw object.failure("constant", "a constant stands alone") }
            // A list of numbers is one row.
            if case .array(let list)? = object["constant"], case .array? = list.first {
                self = .constant(try object.decode(ConstantMatrix.self, "constant"))
            } else {
                self = .constant(ConstantMatrix(try object.decode(ConstantRow.self, "constant")))
            }
            return
        }
        self.init(
            run: try object.string("run"),
            place: object["site"] == nil ? nil : try Place(object.member("site")),
            positions: object["positions"] == nil ? nil : try object.positions("positions"))
    }

    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension PathPattern {
    /// Refuses text of a program file that is no pattern.
    fileprivate static func check(_ text: String, what: String, path: String) throws(InterventionError) {
        do throws(InterventionError) {
            _ = try PathPattern(text, what: what)
        } catch {
            throw .file(path: path, message: "\(error)")
        }
    }
}
