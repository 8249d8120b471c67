import Graph

/// What an intervention may use while it builds its edit. Everything it gives has the rows that are edited.
public struct EditContext {
    /// Builds nodes that no method of ``Value`` builds.
    public let builder: GraphBuilder
    /// Training or evaluation.
    public let mode: EditMode
    /// Where the edit happens.
    public let shape: SiteShape
    let splicer: Splicer
    let hook: Hook
    let site: Site
    var usedParameters: Set<String> = []
    var usesSubspace = false
    var randomCount = 0
    var collected: [(suffix: String?, value: Value)] = []

    init(_ splicer: Splicer, _ hook: Hook, _ site: Site) {
        builder = splicer.builder
        mode = splicer.mode
        shape = hook.shape
        self.splicer = splicer
        self.hook = hook
        self.site = site
    }
}

// MARK: - Parameters, weights, constants

extension EditContext {
    /// A parameter by the name that ``Intervention/parameters(at:)`` gives it.
    public mutating func parameter(_ name: String) throws(InterventionError) -> Value {
        guard let parameter = hook.parameters.first(where: { $0.specification.name == name }) else {
            throw .unknownParameter(name: name, known: hook.parameters.map(\.specification.name))
        }
        usedParameters.insert(name)
        let specification = parameter.specification
        return builder.parameter(parameter.fullName, rows: specification.rows, columns: specification.columns)
    }

    /// A frozen tensor of the model by its checkpoint name.
    public func weight(_ name: String) throws(InterventionError) -> Value {
        guard let id = splicer.weights[name] else {
            throw .unknownWeight(name: name, known: splicer.weights.keys.sorted())
        }
        return builder.value(id)
    }

    /// A row of constant numbers, [1, n].
    public func constant(_ row: ConstantRow) throws(InterventionError) -> Value {
        let numbers: [Float]
        let name: String
        switch row {
        case .numbers(let given):
            (numbers, name) = (given, "\(hook.name) constant")
        case .reference(let reference):
            guard let read = splicer.hookGraph.tensors[reference] else {
                throw .missingTensor(
                    reference: "\(reference)", reason: "it is not among the intervention's constantRows")
            }
            (numbers, name) = (read, "\(reference)")
        }
        return builder.constant(
            ConstantTensor(name: name, rows: 1, columns: numbers.count, values: numbers.map(Double.init)))
    }
}

// MARK: - Other rows

extension EditContext {
    /// The rows of a declared source, counted from 0 in ``Intervention/sources``.
    ///
    /// From another run these are that run's final values; from the same run, the values as edited so far; a constant row is
    /// repeated.
    public func source(_ place: Int = 0) throws(InterventionError) -> Value {
        let references = hook.intervention.sources
        guard references.indices.contains(place) else {
            throw .missingSource(place: place, count: references.count)
        }
        splicer.readSources.insert(place)
        if let rows = references[place].constant { return try constantSource(rows, place) }
        let source = hook.sources[references[..<place].count { $0.constant == nil }]
        guard let site = splicer.sites[source.site] else {
            throw .unknownComponent(name: "\(source.site)", known: splicer.original.sites.map { "\($0.id)" })
        }
        let value = splicer.kept(site.value, for: hook, place, source)
        return splicer.read(value, source.selection, source.columns).part
    }

    /// The input of the module whose output is edited, as edited so far.
    public func moduleInput() throws(InterventionError) -> Value {
        guard let input = site.moduleInput else { throw .missingModuleInput(site: "\(shape)") }
        return try sameRows(input, name: "the module input of \(shape.site)")
    }

    /// Another site of the same run, as edited so far.
    public func rows(of component: Component, layer: Int? = nil) throws(InterventionError) -> Value {
        let id = SiteID(component, layer: layer, run: shape.site.run)
        guard let other = splicer.sites[id] else {
            let known = splicer.original.sites.filter { $0.id.run == id.run }.map { "\($0.id)" }
            throw .unknownComponent(name: "\(id)", known: known)
        }
        return try sameRows(other.value, name: "\(id)")
    }

    /// The rows before any intervention edited this site.
    public var uneditedRows: Value {
        splicer.read(site.value, hook.selection, hook.columns).part
    }

    private func sameRows(_ value: ValueID, name: String) throws(InterventionError) -> Value {
        let (given, wanted) = (splicer.original.type(of: value).shape, splicer.original.type(of: site.value).shape)
        guard given.rows == wanted.rows else {
            throw .differingRows(site: name, rows: "\(given.rows)", wanted: "\(wanted.rows)")
        }
        splicer.noteOwnRead(value)
        return splicer.read(splicer.current(value), hook.selection, nil).part
    }
}

// MARK: - Randomness and results

extension EditContext {
    /// In training, each element zero with probability `rate`, else divided by 1 − rate; in evaluation the value itself.
    public mutating func dropout(_ value: Value, rate: Double) -> Value {
        guard mode == .train, rate > 0 else { return value }
        return value * random(.dropoutMask(keep: 1 - rate), shape: value.shape)
    }

    /// Standard normal numbers of a shape, from a stream of this application's own.
    public mutating func noise(shape: Shape) -> Value { random(.normal, shape: shape) }

    /// Random numbers of a shape; in training and in evaluation.
    public mutating func random(_ distribution: RandomAttributes.Distribution, shape: Shape) -> Value {
        let seed = builder.input(RunInputs.seed, .indices(1))
        let stream = Splicer.stream(named: "\(hook.name) \(hook.shape) \(hook.positions) \(randomCount)")
        randomCount += 1
        return builder.node(.random(RandomAttributes(distribution, stream: stream, shape: shape)), seed)
    }

    /// Gives a value to whoever runs the program, under the declaration's name and `suffix`.
    public mutating func collect(_ value: Value, as suffix: String? = nil) { collected.append((suffix, value)) }
}
