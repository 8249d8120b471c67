import Graph
import InterventionDSL

/// What both kinds of drawing show of a bound program.
struct DrawnProgram: Sendable {
    /// In the order of the runs as they are spliced.
    let declarations: [DrawnDeclaration]
    /// In the order in which they act.
    let edits: [DrawnEdit]
    /// What is read before what reads it; the base run is last or stands alone.
    let runs: [String]
    let parameterCount: Int
    let tensorCount: Int

    init(_ hookGraph: HookGraph) {
        runs = hookGraph.runs
        parameterCount = hookGraph.parameterCount
        tensorCount = hookGraph.parameters.count
        var uses: [String: Int] = [:]
        for parameter in hookGraph.parameters { uses[parameter.name] = parameter.hooks.count }
        var counts: [String: Int] = [:]
        for hook in hookGraph.hooks { counts[hook.name, default: 0] += 1 }
        var declared: [DrawnDeclaration] = []
        var colours: [String: DrawingColour] = [:]
        for name in hookGraph.runs {
            for run in hookGraph.program.runs where run.name == name {
                for declaration in run.declarations {
                    let colour = DrawingColour.palette[declared.count % DrawingColour.palette.count]
                    let shown = DrawnDeclaration(
                        declaration, run: name, colour: colour, edits: counts[declaration.name ?? ""] ?? 0)
                    colours[shown.name] = colour
                    declared.append(shown)
                }
            }
        }
        declarations = declared
        var marks: [[String]: String] = [:]
        edits = hookGraph.hooks.enumerated().map { place, hook in
            let names = hook.parameters.map(\.fullName)
            let sharing = names.compactMap { uses[$0] }.max() ?? 0
            if sharing > 1, marks[names] == nil { marks[names] = Self.letters(marks.count) }
            return DrawnEdit(
                order: place + 1, hook: hook, colour: colours[hook.name] ?? DrawingColour.palette[0],
                parameters: DrawnParameters(hook, sharedBy: sharing, mark: marks[names]))
        }
    }

    /// Every site that is edited or read.
    var touchedSites: [SiteID] { edits.flatMap { [$0.hook.site] + $0.hook.sources.map(\.site) } }

    /// `A`, …, `Z`, `AA`, …
    private static func letters(_ place: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(65 + place % 26)))
        return place < 26 ? letter : letters(place / 26 - 1) + letter
    }
}

/// A declaration as a line of the drawing's list.
struct DrawnDeclaration: Sendable {
    let name: String
    let kind: String
    /// Where, at which positions, scale and ties: `on block_output.all at f7+l7, tied across positions`.
    let text: String
    let location: String
    let colour: DrawingColour
    /// The number of its edits.
    let edits: Int

    init(_ declaration: Declaration, run: String, colour: DrawingColour, edits: Int) {
        name = declaration.name ?? ""
        kind = type(of: declaration.intervention).kind
        var text = "on " + (run == Program.baseName ? "" : "\(run):") + "\(declaration.place)"
        text += " at \(declaration.positions.whole)"
        if declaration.scale != 1 { text += " × \(declaration.scale.short)" }
        for place in declaration.branches.indices {
            text += ", member of an average \(ParallelBranch.mark(declaration.branches[...place]))"
        }
        if !declaration.ties.isEmpty {
            text += ", tied across " + declaration.ties.map(\.rawValue).sorted().joined(separator: " and ")
        }
        self.text = text
        location = "\(declaration.location)"
        self.colour = colour
        self.edits = edits
    }
}

/// One edit at one site.
struct DrawnEdit: Sendable {
    /// Counted from 1 in the order in which edits act.
    let order: Int
    let hook: Hook
    let colour: DrawingColour
    /// Nil where it has none.
    let parameters: DrawnParameters?

    var kind: String { type(of: hook.intervention).kind }
    /// Whether it changes its rows, as far as the type tells.
    var changesRows: Bool { !(hook.intervention is Collect) }

    /// `head 3`, `at f7`, `× 0.5`: what is said after name and type.
    var qualifiers: [String] {
        var texts = hook.shape.head.map { ["head \($0)"] } ?? []
        texts.append("at \(hook.positions)")
        if hook.scale != 1 { texts.append("× \(hook.scale.short)") }
        return texts
    }

    /// `Σ0 × 0.7` for each average that it is a member of, outermost first.
    var averages: [String] { hook.branches.indices.map { ParallelBranch.mark(hook.branches[...$0]) } }

    /// What it reads, a line for each: `reads`, `clean:block_output.5` and `at l1` of runs, then constants.
    var reads: [[String]] {
        hook.sources.map { source in
            ["reads", "\(source.site)"] + (source.selection.map { ["at \($0.positions)"] } ?? [])
        } + constants.map { ["reads"] + $0 }
    }

    /// `constant`, `'mean' of steering.safetensors` and `[3, 576]` for each constant source, and for each tensor of a file
    /// that the intervention uses otherwise.
    var constants: [[String]] {
        let sources = hook.intervention.sources.compactMap(\.constant)
        let others = hook.intervention.constantRows.map(ConstantMatrix.init) + hook.intervention.constantMatrices
        let files = others.filter { if case .reference = $0 { !sources.contains($0) } else { false } }
        return (sources + files).map { constant in
            let shape = "[\(constant.rows), \(constant.columns)]"
            guard case .reference(let reference) = constant else { return ["constant", shape] }
            return ["constant", "\(reference)", shape]
        }
    }
}

extension ParallelBranch {
    /// `Σ0 × 0.7`; of an average within member 1 of average 0 `Σ0.1.0 × 0.5`.
    fileprivate static func mark(_ path: ArraySlice<ParallelBranch>) -> String {
        let outer = path.dropLast().map { "\($0.group).\($0.branch)." }.joined()
        return path.last.map { "Σ\(outer)\($0.group) × \($0.weight.short)" } ?? ""
    }
}

/// The trained tensors of an edit; two edits with the same ``names`` share them.
struct DrawnParameters: Sendable {
    /// The names in the parameter store.
    let names: [String]
    /// What the names have in common, `loreft.15`.
    let prefix: String
    /// `rotation 576×4`.
    let tensors: [String]
    /// The number of trained numbers.
    let count: Int
    /// The number of edits that use one of them.
    let sharedBy: Int
    /// The letter that all who share them carry.
    let mark: String?

    init?(_ hook: Hook, sharedBy: Int, mark: String?) {
        guard let first = hook.parameters.first else { return nil }
        names = hook.parameters.map(\.fullName)
        prefix = String(first.fullName.dropLast(first.specification.name.count + 1))
        tensors = hook.parameters.map { parameter in
            "\(parameter.specification.name) \(parameter.specification.rows)×\(parameter.specification.columns)"
        }
        count = hook.parameters.reduce(0) { $0 + $1.specification.count }
        self.sharedBy = sharedBy
        self.mark = mark
    }
}

/// The colours of a declaration.
struct DrawingColour: Hashable, Sendable {
    /// Behind dark text.
    let fill: String
    /// Borders and lines.
    let stroke: String

    static let palette = [
        DrawingColour(fill: "#dbeafe", stroke: "#1d4ed8"), DrawingColour(fill: "#ffedd5", stroke: "#c2410c"),
        DrawingColour(fill: "#dcfce7", stroke: "#15803d"), DrawingColour(fill: "#f3e8ff", stroke: "#7e22ce"),
        DrawingColour(fill: "#ccfbf1", stroke: "#0f766e"), DrawingColour(fill: "#fce7f3", stroke: "#be185d"),
        DrawingColour(fill: "#fef3c7", stroke: "#a16207"), DrawingColour(fill: "#fee2e2", stroke: "#b91c1c"),
    ]
}
