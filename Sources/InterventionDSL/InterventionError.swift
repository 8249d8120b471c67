import Diagnostics

/// Everything that can be wrong with a program: in its text, in its file, on a model, or on a batch.
///
/// Each case prints what was given, where, and what is allowed.
public enum InterventionError: Error, Hashable, Sendable {
    // MARK: Text and files

    /// A text form (`what`: positions, layers, site) of which a part can not be read.
    case unreadable(what: String, given: String, part: String, allowed: String)
    /// A regular expression that can not be read.
    case expression(pattern: String, reason: String)
    /// A value of a program file, at its JSON path.
    case file(path: String, message: String)

    // MARK: Positions on a batch

    /// An explicit position beyond the prompt of a sequence.
    case outsidePrompt(sequence: Int, position: Int, length: Int, run: String = Program.baseName)
    /// An explicit position beyond a sequence.
    case outsideSequence(sequence: Int, position: Int, length: Int, run: String = Program.baseName)
    /// A per-sequence list that the batch does not give.
    case missingField(name: String, sequence: Int, known: [String], run: String = Program.baseName)
    /// Positions by token, on a batch without token ids or without a matcher for patterns.
    case missingTokens(positions: String, sequence: Int, needs: String, run: String = Program.baseName)
    /// A subspace that an example can not choose.
    case subspaceChoice(declaration: String, sequence: Int, message: String, run: String = Program.baseName)
    /// Rows of other sequences are wanted and there are none.
    case tooFewSequences(declaration: String)
    /// Rows of other sequences are wanted for generated rows, which the sequences of a batch do not all have.
    case drawsWhileGenerating(declaration: String)
    /// Two sides that must edit equally many rows and do not; `sequence` is one of the edited run, `run`.
    case rowCounts(selection: String, sequence: Int, given: Int, wanted: Int, run: String = Program.baseName)
    /// A constant source of several rows with another number of them than are edited.
    case constantRowCounts(
        declaration: String, constant: String, sequence: Int, given: Int, wanted: Int, run: String = Program.baseName)
    /// A row of the same run that a decode step reads and that an earlier step has computed.
    case rowNotComputed(selection: String, sequence: Int, row: Int)
    /// Pairs with other numbers of keys on two sides that must have as many; `sequence` is one of the edited run, `run`.
    case keyCounts(selection: String, sequence: Int, given: Int, wanted: Int, run: String = Program.baseName)
    /// As many counts, labels or runs as sequences are needed.
    case sequenceCounts(selection: String, given: Int, wanted: Int)

    /// Rows that two declarations mean, where overlaps are errors.
    case contestedRows(
        sequence: Int, rows: [Int], site: String, declaration: String, other: String, run: String = Program.baseName)

    // MARK: A program on a model

    /// A run that is read or collected from and that the program does not have.
    case unknownRun(name: String, known: [String])
    /// A component that the model does not have.
    case unknownComponent(name: String, known: [String])
    /// A module path that the model does not have.
    case unknownModule(path: String, known: [String])
    /// A path without so much of its beginning that several modules fit.
    case ambiguousModule(path: String, matches: [String])
    /// A pattern that no name fits; `what` it was to match: site, weight.
    case unmatched(what: String, pattern: String, nearest: String?, known: [String])
    /// A pattern with numbers that no name has that fits otherwise.
    case unmatchedNumbers(pattern: String, missing: String, known: String)
    /// A layer beyond those in which the component exists.
    case unknownLayer(component: String, layer: Int, known: String)
    /// A component of layers, named without a layer.
    case needsLayer(component: String)
    /// A component that exists once per model, named with layers.
    case hasNoLayers(component: String, layers: String)
    /// A head of a component that is not divided into heads.
    case hasNoHeads(component: String, known: [String])
    /// A head beyond those of the site.
    case unknownHead(site: String, head: Int, count: Int)
    /// A name that can not be one: empty, or with characters that can not be shown.
    case unusableName(what: String, problem: String)
    /// A name that an earlier declaration has.
    case duplicateName(name: String, other: String)
    /// A declaration that can edit no row of any batch.
    case neverFires(reason: String)
    /// A factor of an edit that is no finite number.
    case scale(Double)
    /// A weight of an average that is no finite number.
    case weight(Double)
    /// Positions other than all at a site with one row for each sequence.
    case onePerSequence(site: String, positions: String)
    /// What an intervention type finds wrong with a site.
    case unfit(site: String, message: String)
    /// A parameter that an intervention declares twice.
    case duplicateParameter(name: String)
    /// A tied parameter that is of one shape or constraint at one place and of another at the next.
    case differingParameters(name: String, first: String, second: String)
    /// A parameter that an intervention's body uses and its list does not declare.
    case unknownParameter(name: String, known: [String])
    /// A tensor of the model, by a name that it does not have.
    case unknownWeight(name: String, known: [String])
    /// A source, counted from 0, that an intervention's body reads and does not declare.
    case missingSource(place: Int, count: Int)
    /// A source place of several layers or heads.
    case sourceNeedsOneSite(source: String)
    /// A source whose rows stand for something else than those of the edited site.
    case differingRows(site: String, rows: String, wanted: String)
    /// An edit whose rows have another shape than those that it was given.
    case editShape(site: String, given: String, wanted: String)
    /// The module's input is read at a site that is no module's output.
    case missingModuleInput(site: String)
    /// Rows that an earlier declaration edits too, and `more` others before that one: a note, or a problem where overlaps
    /// are errors.
    case overlap(site: String, other: String, more: Int = 0)
    /// Rows that are left to another declaration by the overlaps' priority: a note.
    case yields(site: String, other: String)
    /// An edit that is no affine function of a projection's output.
    case unfoldable(site: String, reason: String)
    /// An edit that can not be made for several adapters at once.
    case unbankable(site: String, reason: String)
    /// Edits of several runs of which each reads a site that the one before edits.
    case editsInCircle(sites: [String])
    /// A read of what the edit itself changes; `path` is the way from the edit to the read.
    case readsItself(path: String)
    /// A source run that no declaration reads and in which nothing is collected.
    case unreadRun(name: String, isEdited: Bool)
    /// A declaration whose parameters another one is to share.
    case unknownSharer(name: String, known: [String])
    /// Declarations that share each other's parameters in a circle.
    case sharedInCircle(declarations: [String])
    /// What keeps a declaration from sharing the parameters of another.
    case sharing(other: String, problem: String)
    /// A tensor of a file that can not be read or is not as its reference says.
    case missingTensor(reference: String, reason: String)
    /// What the graph builder or an intervention's own code says.
    case edit(site: String, message: String)
}

extension InterventionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let what, let given, let part, let allowed):
            return part == given
                ? "\(what) '\(given)' can not be read; allowed: \(allowed)"
                : "\(what) '\(given)': '\(part)' can not be read; allowed: \(allowed)"
        case .expression(let pattern, let reason):
            return "the regular expression /\(pattern)/ can not be read: \(reason)"
        case .file(let path, let message):
            return path.isEmpty ? message : "\(path): \(message)"
        case .outsidePrompt(let sequence, let position, let length, let run):
            return "\(place(sequence, run)): position \(position) is outside its prompt of \(length) tokens"
                + (position >= 0 ? "; .sequence positions count beyond the prompt" : "")
        case .outsideSequence(let sequence, let position, let length, let run):
            return "\(place(sequence, run)): position \(position) is outside its \(length) tokens"
        case .missingField(let name, let sequence, let known, let run):
            return "\(place(sequence, run)) has no positions named '\(name)'; it has: \(list(known))"
                + suggestion(for: name, among: known)
        case .missingTokens(let positions, let sequence, let needs, let run):
            return "\(place(sequence, run)): positions '\(positions)' need \(needs)"
        case .subspaceChoice(let declaration, let sequence, let message, let run):
            return "\(place(sequence, run)): the subspace of '\(declaration)' \(message)"
        case .tooFewSequences(let declaration):
            return "'\(declaration)' draws rows from other sequences: the batch needs at least two that it edits"
        case .drawsWhileGenerating(let declaration):
            return "'\(declaration)' draws rows from the other sequences of a batch, which end one by one in "
                + "generation: give it positions without generated rows, such as 'prompt', or a run to read instead"
        case .rowCounts(let selection, let sequence, let given, let wanted, let run):
            return "\(selection): sequence \(sequence) gives \(given) rows where \(wanted) are edited\(inSource(run)); "
                + "give as many, or 1 that is repeated"
        case .constantRowCounts(let declaration, let constant, let sequence, let given, let wanted, let run):
            return "'\(declaration)' reads \(constant), which has \(given) rows where \(wanted) are edited in "
                + "\(place(sequence, run)); give as many, or 1 that is repeated"
        case .rowNotComputed(let selection, let sequence, let row):
            return "\(selection): sequence \(sequence): row \(row) was computed in an earlier step; "
                + "an edit of generated rows can read its own rows, prompt rows and other runs"
        case .keyCounts(let selection, let sequence, let given, let wanted, let run):
            return "\(selection): the queries of sequence \(sequence) have \(given) keys, where those that are edited"
                + "\(inSource(run)) have \(wanted); pairs can be exchanged between sequences of equal length only"
        case .sequenceCounts(let selection, let given, let wanted):
            return "\(selection): \(given) sequences are given where \(wanted) are edited"
        case .contestedRows(let sequence, let rows, let site, let declaration, let other, let run):
            return "\(place(sequence, run)): \(declaration) and \(other) both edit "
                + (rows.count == 1 ? "row \(rows[0])" : "the rows \(rows.map(String.init).joined(separator: ", "))")
                + " of \(site), and overlaps are errors in this program"
        default: return bindingDescription
        }
    }

    private var bindingDescription: String {
        switch self {
        case .unknownRun(let name, let known):
            "no run is named '\(name)'; the program has: \(list(known))" + suggestion(for: name, among: known)
        case .unknownComponent(let name, let known):
            "the model has no component '\(name)'; it has: \(list(known))" + suggestion(for: name, among: known)
        case .unknownModule(let path, let known):
            "the model has no module input or output '\(path)'"
                + (nearest(Self.moduleEnd(path), known) ?? Self.someModules(near: path, known))
        case .ambiguousModule(let path, let matches):
            "'\(path)' means \(matches.count) inputs or outputs of modules: "
                + matches.prefix(Self.shownCount).joined(separator: ", ")
                + (matches.count > Self.shownCount ? " and \(matches.count - Self.shownCount) more" : "")
                + "; write more of the path"
        case .unmatched(let what, let pattern, let nearest, let known):
            "'\(pattern)' matches no \(what) of the model"
                + (nearest.map { "; did you mean '\($0)'?" } ?? "; it has: \(list(known))")
        case .unmatchedNumbers(let pattern, let missing, let known):
            "'\(pattern)' names \(missing), which the model does not have there; it has \(known)"
        case .unknownLayer(let component, let layer, let known):
            "\(component) has no layer \(layer); it has layers \(known)"
        case .needsLayer(let component):
            "\(component) exists once per layer: give its layer or layers"
        case .hasNoLayers(let component, let layers):
            "\(component) exists once per model: it takes no layers, but \(layers) is given"
        case .hasNoHeads(let component, let known):
            "\(component) is not divided into heads; components with heads: \(list(known))"
        case .unknownHead(let site, let head, let count):
            "\(site) has no head \(head); it has heads 0-\(count - 1)"
        case .unusableName(let what, let problem):
            "\(what) \(problem)"
        case .duplicateName(let name, let other):
            "the name '\(name)' is taken by the declaration at \(other); give one of them another with .named(…)"
        case .neverFires(let reason):
            "it can never fire: \(reason)"
        case .scale(let factor):
            "it is scaled by \(factor); a scale is a finite number"
        case .weight(let weight):
            "its weight in an average is \(weight); a weight is a finite number"
        case .onePerSequence(let site, let positions):
            "\(site) has one row per sequence: positions must be all, not \(positions)"
        case .unfit(let site, let message):
            "on \(site): \(message)"
        case .duplicateParameter(let name):
            "it declares the parameter '\(name)' twice"
        case .differingParameters(let name, let first, let second):
            "'\(name)' can not be tied: it is \(first) at one place and \(second) at another"
        case .unknownParameter(let name, let known):
            "it uses the parameter '\(name)' and declares: \(list(known))" + suggestion(for: name, among: known)
        case .unknownWeight(let name, let known):
            "the model has no weight '\(name)'" + (nearest(name, known) ?? "")
        case .missingSource(let place, let count):
            "it reads source \(place) and declares \(count)"
        case .sourceNeedsOneSite(let source):
            "the source \(source) must name exactly one layer and at most one head"
        default: editDescription
        }
    }

    private var editDescription: String {
        switch self {
        case .differingRows(let site, let rows, let wanted):
            "\(site) has one row for each of \(rows), the edited site one for each of \(wanted)"
        case .editShape(let site, let given, let wanted):
            "on \(site): the edit gives \(given) for rows of \(wanted)"
        case .missingModuleInput(let site):
            "\(site) has no module whose input could be read"
        case .overlap(let site, let other, let more):
            "it edits rows of \(site) that \(other) edits too" + (more > 0 ? ", and \(more) more before it" : "")
        case .yields(let site, let other):
            "it leaves the rows of \(site) that \(other) edits to it"
        case .unfoldable(let site, let reason):
            "on \(site) it can not be folded into weights: \(reason)"
        case .unbankable(let site, let reason):
            "on \(site) it can not be part of a bank: \(reason)"
        case .editsInCircle(let sites):
            "edits read each other in a circle: " + sites.joined(separator: " → ")
        case .unreadRun(let name, let isEdited):
            "the run '\(name)' is " + (isEdited ? "edited" : "declared") + " and read by no declaration"
        case .unknownSharer(let name, let known):
            "it shares the parameters of '\(name)', which is no declaration; there are: \(list(known))"
                + suggestion(for: name, among: known)
        case .sharedInCircle(let declarations):
            "declarations share each other's parameters in a circle: "
                + (declarations + declarations.prefix(1)).joined(separator: " → ")
        case .sharing(let other, let problem):
            "it shares the parameters of \(other): \(problem)"
        case .readsItself(let path):
            "it reads what its own edit changes: \(path)"
        case .missingTensor(let reference, let reason):
            "the tensor \(reference) can not be had: \(reason)"
        case .edit(let site, let message):
            "on \(site): \(message)"
        default: "unknown problem"
        }
    }

    /// A sequence of the batch, or what it reads in a source run.
    private func place(_ sequence: Int, _ run: String) -> String {
        run == Program.baseName ? "sequence \(sequence)" : "sequence \(sequence) of the run '\(run)'"
    }

    /// Which run edits, unless it is the base run.
    private func inSource(_ run: String) -> String { run == Program.baseName ? "" : " in the run '\(run)'" }

    /// The few modules whose paths are most like one that none has; layers are left open.
    private static func someModules(near path: String, _ known: [String]) -> String {
        var shown: [String] = []
        for name in known.map({ PatternNames.shown($0).replacing("#", with: "*") }) where !shown.contains(name) {
            shown.append(name)
        }
        guard !shown.isEmpty else { return "; it has none" }
        let near = nearestNames(to: path, among: shown, count: shownCount).joined(separator: ", ")
        return "; the nearest of \(shown.count) are \(near); reft inspect MODEL --modules lists them all"
    }

    /// How many of those that fit are listed.
    private static let shownCount = 5

    /// The path with its ending: a module alone means its output.
    static func moduleEnd(_ path: String) -> String {
        path.hasSuffix(".input") || path.hasSuffix(".output") ? path : path + ".output"
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    private func nearest(_ name: String, _ known: [String]) -> String? {
        nearestName(to: name, among: known).map { "; did you mean '\($0)'?" }
    }
}

/// One problem of a program, with the declaration it belongs to.
public struct ProgramProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line of Swift or the place in a file, printed.
    public var location: String
    /// The name of the declaration.
    public var declaration: String
    /// What is wrong.
    public var error: InterventionError

    public init(location: String, declaration: String, error: InterventionError) {
        self.location = location
        self.declaration = declaration
        self.error = error
    }

    public var description: String {
        declaration.isEmpty ? "\(location): \(error)" : "\(location): '\(declaration.printable)': \(error)"
    }
}

/// Every problem that a program has on a model, in declared order.
public struct ProgramErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// At least one.
    public var problems: [ProgramProblem]

    public init(_ problems: [ProgramProblem]) { self.problems = problems }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
