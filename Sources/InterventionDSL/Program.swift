/// An ordered set of declarations over a base run and named source runs.
///
/// ```swift
/// let program = Program {
///     politeness
///     LoReFT(rank: 4).on(.blockOutput, layers: .all).at(.first(7) + .last(7)).tied(across: .positions)
///     for layer in 4..<8 { Zero().on(.attentionOutput, layer: layer).at(.all) }
///     if probing { Collect("mlp7").on(.mlpActivation, layer: 7).at(.last) }
/// }
/// ```
/// A program is a value: it can be compared, stored as JSON, put into another program and bound to any model that has
/// its sites. Within a module that has a type `Program` of its own, this one is `InterventionDSL.Program`.
public struct Program: Hashable, Sendable {
    /// The source runs in the order in which they were first named, then the base run.
    public private(set) var runs: [ProgramRun]
    /// What happens when two declarations edit the same rows of a value.
    public var overlaps = OverlapPolicy.chain
    /// The weights of the model that are trained beside the interventions, each pattern once.
    public private(set) var trainable: [TrainableWeights]

    /// The run whose output the program gives.
    public static let baseName = "base"

    /// A program of these runs; runs of the same name are joined in order.
    ///
    /// - Parameter trainable: Weights of the model that are trained too.
    public init(runs: [ProgramRun] = [], trainable: [TrainableWeights] = []) {
        let joined = ProgramRun.joining(runs)
        let base = joined.first { $0.name == Self.baseName } ?? ProgramRun(name: Self.baseName)
        self.runs = joined.filter { $0.name != Self.baseName } + [base]
        self.trainable = trainable.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Programs one after another, under the strictest of their policies for overlaps, with the trained weights of all.
    public init(joining programs: [Program]) {
        self.init(runs: programs.flatMap(\.runs), trainable: programs.flatMap(\.trainable))
        for program in programs { overlaps = overlaps.joined(with: program.overlaps) }
    }

    /// A program of declarations in the base run.
    public init(declarations: [Declaration]) {
        self.init(runs: [ProgramRun(name: Self.baseName, declarations: declarations)])
    }

    /// A program as a block.
    public init<Failure: Error>(
        @ProgramBuilder _ content: () throws(Failure) -> Program
    ) throws(Failure) {
        self = try content()
    }

    /// The declarations of the base run.
    public var declarations: [Declaration] { runs.last?.declarations ?? [] }

    /// Whether nothing is declared in any run, and no weight is trained.
    public var isEmpty: Bool { runs.allSatisfy(\.declarations.isEmpty) && trainable.isEmpty }

    /// The same program with every declaration changed.
    public func mapDeclarations(_ change: (Declaration) -> Declaration) -> Program {
        var changed = self
        changed.runs = runs.map { ProgramRun(name: $0.name, declarations: $0.declarations.map(change)) }
        return changed
    }

    /// The same program with every declaration named: given names stay, the others are the interventions' own, made
    /// unique by `-2`, `-3`, …. What is stored with trained parameters is named, so that it can be composed.
    public func withNames() -> Program {
        var taken = Set(runs.flatMap(\.declarations).compactMap(\.name))
        // The last number given to each stem.
        var counts: [String: Int] = [:]
        return mapDeclarations { declaration in
            guard declaration.name == nil else { return declaration }
            var named = declaration
            let stem = declaration.intervention.defaultName
            var name = stem
            var count = counts[stem] ?? 1
            while taken.contains(name) {
                count += 1
                name = "\(stem)-\(count)"
            }
            counts[stem] = count
            taken.insert(name)
            named.name = name
            return named
        }
    }
}

/// A run of the model within a program, with its declarations in order.
public struct ProgramRun: Hashable, Sendable {
    public var name: String
    public var declarations: [Declaration]

    public init(name: String, declarations: [Declaration] = []) {
        self.name = name
        self.declarations = declarations
    }
}

/// Anything that can stand in a program as a program, such as a trained adapter.
public protocol ProgramConvertible: Sendable {
    var program: Program { get }
}

extension Program: ProgramConvertible {
    public var program: Program { self }
}

extension ProgramConvertible {
    /// The same program with every edit scaled: h + Σ factor · (editᵢ(h) − h).
    public func scaled(_ factor: Double) -> Program {
        program.mapDeclarations { $0.scaled(factor) }
    }

    /// The same program with `prefix/` before every name, so that it can stand beside another with the same names.
    public func named(_ prefix: String) -> Program {
        program.withNames().mapDeclarations { declaration in
            var named = declaration.named("\(prefix)/\(declaration.name ?? "")")
            named.shares = declaration.shares.map { "\(prefix)/\($0)" }
            return named
        }
    }
}
