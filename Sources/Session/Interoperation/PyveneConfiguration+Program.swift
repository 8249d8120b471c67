import Checkpoints
import Diagnostics
import InterventionDSL

extension PyveneConfiguration {
    /// The program that the configuration describes, with new parameters.
    ///
    /// Interventions that differ only in their layer become one declaration. Source runs are called `source-0`, `source-1`
    /// and so on, as they are counted in pyvene's list of sources.
    /// - Parameters:
    ///   - options: What the configuration leaves open; positions are all rows unless given.
    ///   - note: Told what differs from pyvene.
    /// - Throws: ``InputError`` with everything that can not be expressed.
    public func program(
        _ options: PyveneOptions = PyveneOptions(), note: (String) -> Void = { _ in }
    ) throws(InputError) -> Program {
        let edits = try edits(options, note: note) { _ in nil }
        return Program(runs: try arranged(edits, options, note: note).runs)
    }

    /// The declarations of `edits`.
    func arranged(
        _ edits: [PeerEdit], _ options: PyveneOptions, note: (String) -> Void
    ) throws(InputError) -> PyveneArrangement {
        let arrangement = PyveneArrangement(self, edits, options: options, positions: options.positions ?? .all)
        guard arrangement.problems.isEmpty else { throw InputError(file: file, problems: arrangement.problems) }
        arrangement.notes.forEach(note)
        return arrangement
    }

    /// What an intervention's file and site say about it.
    struct PeerMatter {
        var state: PyTorchFile?
        var fileName: String
        var width: Int?
    }

    /// The interventions of all representations.
    /// - Throws: ``InputError`` with every problem.
    func edits(
        _ options: PyveneOptions, note: (String) -> Void, _ matter: (Int) -> PeerMatter?
    ) throws(InputError) -> [PeerEdit] {
        var problems: [String] = []
        var edits: [PeerEdit] = []
        let runs = PyveneRuns(self, options)
        for (place, representation) in representations.enumerated() {
            let name = representation.type ?? ""
            guard let type = PeerType.named(name) else {
                let known = PeerType.all.map(\.name)
                problems.append(
                    "\(representation.path): the class '\(name)' has no counterpart here; known: "
                        + known.joined(separator: ", ") + suggestion(for: name, among: known))
                continue
            }
            problems += unitProblems(representation, type, options)
            if let module = representation.typeModule, !PeerType.isOfPeers(module) {
                note(
                    "\(representation.path): '\(module).\(name)' is taken to be \(type.module).\(name); "
                        + "a class of one's own may compute something else")
            }
            let given = matter(place)
            var reader = PeerReader(
                representation, state: given?.state, fileName: given?.fileName ?? file, options: options,
                source: SourceReference(run: runs.source(of: place), positions: options.sourcePositions),
                width: given?.width)
            let edit = type.read(&reader)
            problems += reader.problems
            reader.notes.forEach(note)
            if let edit { edits.append(edit) }
        }
        guard problems.isEmpty, edits.count == representations.count else {
            throw InputError(file: file, problems: problems)
        }
        return edits
    }

    private func unitProblems(
        _ representation: PyveneRepresentation, _ type: PeerType, _ options: PyveneOptions
    ) -> [String] {
        var problems: [String] = []
        if representation.unit.hasPrefix("h"), options.heads == nil {
            problems.append(
                "\(representation.path): its unit is '\(representation.unit)', and a configuration does not say which "
                    + "heads are meant; give them, as in --heads 0,3")
        }
        if representation.unit == "pos", representation.component.hasPrefix("head_") {
            problems.append(
                "\(representation.path): '\(representation.component)' counts heads, its unit is 'pos'; "
                    + "'h' and 'h.pos' are allowed")
        }
        if representation.maxNumberOfUnits > 1,
            PeerType.reft.contains(where: { $0.name == type.name })
                || PeerType.spaces.contains(where: { $0.name == type.name })
        {
            problems.append(
                "\(representation.path): \(type.name) acts on \(representation.maxNumberOfUnits) units joined into one "
                    + "row (max_number_of_units); here each row is edited by itself, which is 1")
        }
        return problems
    }
}

extension PeerType {
    /// Whether a class is pyvene's or pyreft's own, whatever it is imported as.
    static func isOfPeers(_ module: String) -> Bool {
        ["pyvene", "pyreft", "pv"].contains { module == $0 || module.hasPrefix($0 + ".") }
    }

    /// Whether a representation of a known class reads a source run.
    static func readsSource(_ representation: PyveneRepresentation) -> Bool {
        let name = representation.type ?? ""
        if reft.contains(where: { $0.name == name }) { return false }
        if ["ZeroIntervention", "CollectIntervention", "SkipIntervention", "NoiseIntervention"].contains(name) {
            return false
        }
        return representation.sourceRepresentation == nil && !representation.hasHiddenSource
    }
}
