import InterventionDSL

/// A program with the trained values of the adapters in it: what a ``Session`` needs, as one value.
///
/// A `Program` is text; a composition is a program and the tensors that belong to it.
///
/// ```swift
/// let composition = Composition {
///     politeness
///     brevity.scaled(0.5)
///     Average([(formal, 0.7), (friendly, 0.3)])
///     Zero().on(.attentionOutput, layer: 4).at(.all)
/// }
/// let session = try Session(model, composing: composition)
/// ```
/// Its parts act in order, each on what the one before it gave. Where declarations of two parts have the same name,
/// those of adapters get the adapter's name as a prefix.
public struct Composition: ProgramConvertible {
    /// Everything in order.
    public private(set) var program: Program
    /// The adapters with the names that their declarations and parameters have in ``program``.
    public private(set) var adapters: [Adapter]
    /// What stands before its names where they are taken.
    private var label: String

    /// A composition as a block.
    public init<Failure: Error>(
        @CompositionBuilder _ content: () throws(Failure) -> Composition
    ) throws(Failure) { self = try content() }

    /// Adapters one after another, and declarations that come after them.
    public init(_ adapters: [Adapter], further: Program = Program()) {
        self.init(joining: adapters.map { Composition($0) } + [Composition(further)]) { Program(joining: $0) }
    }

    /// One part: an adapter, a program, an average or a composition.
    init(_ part: any ProgramConvertible) {
        switch part {
        case let composition as Composition:
            self = composition
        case let adapter as Adapter:
            self.init(program: adapter.program, adapters: [adapter], label: adapter.name)
        case let average as Average:
            self.init(joining: average.members.map { Composition($0.content) }) { programs in
                let members = zip(programs, average.members).map { Average.Member($0, weight: $1.weight) }
                return Average(members: members).program
            }
        default:
            self.init(program: part.program, adapters: [], label: "program")
        }
    }

    /// Parts whose programs `join` puts together, after those with values have got names of their own.
    init(joining parts: [Composition], _ join: ([Program]) -> Program) {
        let parts = Self.withDistinctNames(parts)
        let adapters = parts.flatMap(\.adapters)
        let label = parts.first { !$0.adapters.isEmpty }?.label
        self.init(
            program: join(parts.map(\.program)), adapters: adapters,
            label: adapters.count == 1 ? label ?? "program" : "composition")
    }

    private init(program: Program, adapters: [Adapter], label: String) {
        self.program = program
        self.adapters = adapters
        self.label = label
    }

    private static func withDistinctNames(_ parts: [Composition]) -> [Composition] {
        var counts: [String: Int] = [:]
        for part in parts {
            for name in Set(part.program.declarationNames) { counts[name, default: 0] += 1 }
        }
        let clash = Set(counts.filter { $0.value > 1 }.keys)
        guard !clash.isEmpty else { return parts }
        var taken: [String: Int] = [:]
        return parts.map { part in
            guard !part.adapters.isEmpty, !clash.isDisjoint(with: part.program.declarationNames) else { return part }
            taken[part.label, default: 0] += 1
            let count = taken[part.label] ?? 1
            return part.named(count == 1 ? part.label : "\(part.label)-\(count)")
        }
    }
}

extension Composition {
    /// The same with every edit scaled: h + Σ factor · (editᵢ(h) − h).
    public func scaled(_ factor: Double) -> Composition {
        changing { $0.program = program.scaled(factor) }
    }

    /// The same with another policy for declarations that edit the same rows.
    public func overlaps(_ policy: OverlapPolicy) -> Composition {
        changing { $0.program.overlaps = policy }
    }

    /// The same with `prefix/` before the names of all declarations and parameters.
    public func named(_ prefix: String) -> Composition {
        changing {
            $0.program = program.named(prefix)
            $0.adapters = adapters.map { $0.named(prefix) }
        }
    }

    private func changing(_ change: (inout Composition) -> Void) -> Composition {
        var changed = self
        change(&changed)
        return changed
    }

    /// All of it as one adapter.
    /// - Throws: ``SessionError/adapter(path:problem:)`` where there is no trained part, or parts were trained on
    ///   different models.
    public func adapter(named name: String, training: [String: RecordValue] = [:]) throws -> Adapter {
        guard let first = adapters.first else {
            throw SessionError.adapter(path: name, problem: "nothing in it is trained: at least one adapter is needed")
        }
        for other in adapters where other.base.fingerprint.compare(with: first.base.fingerprint) != .same {
            throw SessionError.adapter(
                path: name,
                problem: "'\(first.name)' and '\(other.name)' were trained on different models, "
                    + "\(first.base.name) and \(other.base.name)")
        }
        try Adapter.checkTrainedWeights(adapters)
        let values = adapters.map(\.parameters).reduce(into: [:]) { $0.merge($1) { first, _ in first } }
        return Adapter(name: name, program: program, parameters: values, base: first.base, training: training)
    }
}

extension Adapter {
    /// The same adapter with every edit scaled: h + Σ factor · (editᵢ(h) − h). The values stay as they are.
    public func scaled(_ factor: Double) -> Adapter {
        var scaled = self
        scaled.program = program.scaled(factor)
        return scaled
    }
}

extension Program {
    var declarationNames: [String] { runs.flatMap(\.declarations).compactMap(\.name) }
}

/// Builds a ``Composition`` from adapters, programs, averages, runs and declarations.
@resultBuilder
public enum CompositionBuilder {
    /// `politeness`, `brevity.scaled(0.5)`, `Average([(formal, 0.7), (friendly, 0.3)])`
    public static func buildExpression(_ part: some ProgramConvertible) -> Composition { Composition(part) }

    /// `LoReFT(rank: 4).on(.blockOutput, layer: 5).at(.last)`
    public static func buildExpression(_ declaration: Declaration) -> Composition {
        Composition(ProgramBuilder.buildExpression(declaration))
    }

    /// `Run("clean")`, `Run.base { … }`
    public static func buildExpression(_ run: Run) -> Composition { Composition(ProgramBuilder.buildExpression(run)) }

    /// Several lines.
    public static func buildBlock(_ parts: Composition...) -> Composition { buildArray(parts) }

    /// `if probing { … }`
    public static func buildOptional(_ part: Composition?) -> Composition { part ?? Composition(Program()) }

    /// `if early { … } else { … }`
    public static func buildEither(first part: Composition) -> Composition { part }

    /// The other branch.
    public static func buildEither(second part: Composition) -> Composition { part }

    /// `for adapter in adapters { adapter }`
    public static func buildArray(_ parts: [Composition]) -> Composition {
        Composition(joining: parts) { Program(joining: $0) }
    }
}
