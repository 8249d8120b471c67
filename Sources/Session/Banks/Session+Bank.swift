import InterventionDSL
import Models
import Runtime

extension Session {
    /// Binds a bank of adapters, of which each example names one by its place (``Example/adapterIndex``), or none.
    ///
    /// All of them are one graph: a batch may mix them, and ``load(_:at:base:)`` compiles nothing.
    ///
    /// ```swift
    /// let session = try Session(model, bank: [politeness, brevity], capacity: 8)
    /// let answers = try session.generate([
    ///     Example(tokens: first, adapterIndex: 0), Example(tokens: second, adapterIndex: 1), Example(tokens: third),
    /// ])
    /// try session.load(irony, at: 2)
    /// ```
    /// A bank evaluates and generates; training takes one adapter at a time.
    /// - Parameters:
    ///   - adapters: Those at the places 0, 1, …; they decide which structures the bank has room for.
    ///   - capacity: How many places there are; as many as adapters unless given.
    ///   - further: Declarations that come after the adapters, for every example.
    /// - Throws: ``SessionError/bank(problem:)``, ``SessionError/wrongBase(adapter:model:details:)``, `ProgramErrors`,
    ///   `RuntimeError`.
    public convenience init(
        _ model: Model, bank adapters: [Adapter], capacity: Int? = nil, further: Program = Program(),
        base: BasePolicy = .require, constantsIn readTensor: TensorReader = TensorReader(),
        warn: (String) -> Void = { _ in }
    ) throws {
        let capacity = capacity ?? adapters.count
        guard !adapters.isEmpty else { throw SessionError.bank(problem: "it needs at least one adapter to begin with") }
        guard capacity >= adapters.count, capacity <= 65_536 else {
            throw SessionError.bank(
                problem: "a capacity of \(capacity) is given; allowed: \(adapters.count) (as many as adapters) to 65536"
            )
        }
        for adapter in adapters where adapter.program.runs.count > 1 || further.runs.count > 1 {
            throw SessionError.bank(
                problem: "'\(adapter.name)' reads source runs, which an adapter of a bank can not, nor what follows it")
        }
        for adapter in adapters where !adapter.program.trainable.isEmpty {
            throw SessionError.bank(
                problem: "'\(adapter.name)' holds trained weights of the model, of which there is one set only")
        }
        var structures: [AdapterBank.Structure] = []
        var templates: [Adapter] = []
        for adapter in adapters {
            try adapter.check(model, base, warn)
            let structure = AdapterBank.Structure(adapter)
            if structures.contains(structure) { continue }
            structures.append(structure)
            templates.append(adapter)
        }
        let composition = Composition(templates, further: further)
        let bank = AdapterBank(capacity: capacity, templates: Array(zip(structures, composition.adapters)))
        try self.init(model, program: composition.program, bank: bank, constantsIn: readTensor)
        for (index, adapter) in adapters.enumerated() { try load(adapter, at: index, base: base) }
    }

    /// Puts an adapter into a place of the bank, whatever lay there. Nothing is compiled.
    /// - Throws: ``SessionError/bank(problem:)`` where its structure is none of those the bank was made for;
    ///   `RuntimeError/savedParameters` with every difference.
    public func load(_ adapter: Adapter, at index: Int, base: BasePolicy = .require) throws {
        guard let bank else {
            throw SessionError.bank(problem: "the session has none: it was not made with Session(_:bank:)")
        }
        try adapter.check(model, base) { _ in }
        let place = try bank.slot(for: adapter, at: index)
        let template = bank.shelves[place.shelf].template
        let names = Dictionary(
            zip(adapter.program.declarationNames, template.program.declarationNames), uniquingKeysWith: { $1 })
        let given = Dictionary(
            adapter.parameters.map { (Self.renamed($0.key, names), $0.value) }, uniquingKeysWith: { $1 })
        let own = Set(template.program.declarationNames)
        let wanted = hookGraph.parameters.filter { $0.hooks.contains { own.contains(hookGraph.hooks[$0].name) } }
        var differences = given.keys.filter { name in !wanted.contains { $0.name == name } }.sorted().map {
            "'\($0)' is no parameter of the program"
        }
        for parameter in wanted {
            let specification = parameter.specification
            guard let values = given[parameter.name] else {
                differences.append("'\(parameter.name)' is missing")
                continue
            }
            if (values.rows, values.columns) != (specification.rows, specification.columns) {
                differences.append(
                    "'\(parameter.name)' is [\(values.rows), \(values.columns)], not [\(specification.rows), "
                        + "\(specification.columns)]")
            }
        }
        guard differences.isEmpty else {
            throw RuntimeError.savedParameters(file: adapter.name, differences: differences)
        }
        for parameter in wanted {
            guard let values = given[parameter.name] else { continue }
            try parameters.set(
                parameter.stored.name, rowsFrom: place.slot * parameter.specification.rows, values.values)
        }
        bank.put(adapter.name, place, at: index)
    }

    /// Frees a place of the bank. Examples that name it are refused.
    public func unload(at index: Int) { bank?.remove(at: index) }

    /// The names of the adapters in the bank's places; nil where a place is free. Empty without a bank.
    public var bankedAdapters: [String?] { bank?.names ?? [] }

    /// `loreft.15.rotation` under the name that the declaration has in the session.
    private static func renamed(_ parameter: String, _ names: [String: String]) -> String {
        let owner = names.keys.filter { parameter.hasPrefix("\($0).") }.max { $0.count < $1.count }
        guard let owner, let name = names[owner] else { return parameter }
        return name + parameter.dropFirst(owner.count)
    }

    /// Checks that the places which examples name hold adapters.
    func validateAdapters(_ examples: [Example], file: String) throws(InputError) {
        let problems = examples.enumerated().compactMap { index, example in
            if let bank { return bank.problem(of: example.adapterIndex).map { "sequence \(index) \($0)" } }
            return example.adapterIndex.map {
                "sequence \(index) names adapter \($0); the session has no bank of adapters"
            }
        }
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
    }

    /// A bank can not be trained.
    func refuseTrainingOfBank() throws(SessionError) {
        if bank != nil {
            throw .bank(problem: "its adapters can not be trained in it: it evaluates and generates only")
        }
    }
}
