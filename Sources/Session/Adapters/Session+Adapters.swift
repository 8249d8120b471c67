import Checkpoints
import InterventionDSL
import Models
import Runtime

/// What to do about an adapter that was trained on other weights of the same architecture.
public enum BasePolicy: Sendable {
    /// Refuse it.
    case require
    /// Use it all the same.
    case allowOtherWeights
}

extension Session {
    /// Binds adapters to a model, in order: later ones chain on earlier ones at the same rows. Adapters with the same
    /// names get their own name as a prefix.
    /// - Parameters:
    ///   - further: Declarations that come after the adapters.
    ///   - readTensor: Reads the files of constant tensors that programs name.
    ///   - warn: Told about an adapter trained on the same weights in another storage type.
    /// - Throws: ``SessionError/wrongBase(adapter:model:details:)``, `ProgramErrors`, `RuntimeError`.
    public convenience init(
        _ model: Model, adapters: [Adapter], further: Program = Program(), base: BasePolicy = .require,
        constantsIn readTensor: TensorReader = TensorReader(), warn: (String) -> Void = { _ in }
    ) throws {
        try self.init(
            model, composing: Composition(adapters, further: further), base: base, constantsIn: readTensor, warn: warn)
    }

    /// Binds a composition to a model.
    ///
    /// ```swift
    /// let session = try Session(model, composing: Composition { politeness; brevity.scaled(0.5) })
    /// ```
    /// - Parameters:
    ///   - readTensor: Reads the files of constant tensors that programs name.
    ///   - warn: Told about an adapter trained on the same weights in another storage type.
    /// - Throws: ``SessionError/wrongBase(adapter:model:details:)``, `ProgramErrors`, `RuntimeError`.
    public convenience init(
        _ model: Model, composing composition: Composition, base: BasePolicy = .require,
        constantsIn readTensor: TensorReader = TensorReader(), warn: (String) -> Void = { _ in }
    ) throws {
        for adapter in composition.adapters { try adapter.check(model, base, warn) }
        try Adapter.checkTrainedWeights(composition.adapters)
        try self.init(model, program: composition.program, constantsIn: readTensor)
        for adapter in composition.adapters { try load(adapter) }
        try checkComplete(composition.adapters)
    }

    /// A parameter of an adapter's declarations that no adapter holds would silently keep its random first value.
    private func checkComplete(_ adapters: [Adapter]) throws {
        for adapter in adapters {
            let declared = Set(adapter.program.runs.flatMap(\.declarations).compactMap(\.name))
            let patterns = Set(adapter.program.trainable.map(\.pattern))
            let trained = Set(hookGraph.trainable.filter { patterns.contains($0.pattern) }.flatMap(\.weights))
            let missing = hookGraph.parameters.filter { parameter in
                (parameter.weight.map(trained.contains) ?? false
                    || parameter.hooks.contains { declared.contains(hookGraph.hooks[$0].name) })
                    && !adapters.contains { $0.parameters[parameter.name] != nil }
            }
            guard missing.isEmpty else {
                throw RuntimeError.savedParameters(
                    file: adapter.name, differences: missing.map { "'\($0.name)' is missing" })
            }
        }
    }

    /// Sets the values of the program's parameters to an adapter's, of which all must fit.
    /// - Throws: `RuntimeError/savedParameters` with every difference.
    public func load(_ adapter: Adapter) throws {
        let differences = adapter.parameters.sorted { $0.key < $1.key }.compactMap { name, given -> String? in
            guard let view = try? parameters.view(of: name) else { return "'\(name)' is no parameter of the program" }
            guard (view.rows, view.columns) == (given.rows, given.columns) else {
                return "'\(name)' is [\(given.rows), \(given.columns)], not [\(view.rows), \(view.columns)]"
            }
            return nil
        }
        guard differences.isEmpty else {
            throw RuntimeError.savedParameters(file: adapter.name, differences: differences)
        }
        for (name, given) in adapter.parameters { try parameters.set(name, given.values) }
    }

    /// The program with its parameters as they are now.
    /// - Parameter training: How they were trained, for the reader.
    public func adapter(named name: String, training: [String: RecordValue] = [:]) throws -> Adapter {
        var values: [String: Adapter.ParameterValues] = [:]
        for specification in parameters.specifications {
            values[specification.name] = Adapter.ParameterValues(
                rows: specification.rows, columns: specification.columns,
                values: try parameters.values(of: specification.name))
        }
        return Adapter(
            name: name, program: program, parameters: values,
            base: Adapter.BaseModel(name: model.name, fingerprint: try model.fingerprint()), training: training)
    }
}

extension Adapter {
    /// Compares the model with the one that the adapter was trained on.
    func check(_ model: Model, _ policy: BasePolicy, _ warn: (String) -> Void) throws {
        func refuse(_ details: String) -> SessionError {
            .wrongBase(adapter: name, model: model.name, details: details)
        }
        switch base.fingerprint.compare(with: try model.fingerprint()) {
        case .same:
            break
        case .otherStorage(let error):
            let share = (error * 1000).rounded() / 10
            warn("\(name) was trained on the same weights in another storage type; they differ by \(share) %")
        case .otherWeights:
            guard policy == .require else {
                return warn("\(name) was trained on other weights than those of \(model.name)")
            }
            throw refuse("the architecture is the same, the weights are not (--force uses it all the same)")
        case .otherArchitecture(let details):
            throw refuse(details)
        }
    }

    /// Two adapters that trained the same weight can not both have their way with it.
    static func checkTrainedWeights(_ adapters: [Adapter]) throws {
        for (place, adapter) in adapters.enumerated() {
            for earlier in adapters[..<place] {
                let both = adapter.parameters.filter { name, values in
                    TrainableWeights.isParameter(name) && (earlier.parameters[name].map { $0 != values } ?? false)
                }
                guard let name = both.keys.min() else { continue }
                throw SessionError.adapter(
                    path: adapter.name,
                    problem: "trained '\(name)', which \(earlier.name) trained to other numbers; "
                        + "a weight can have only one value")
            }
        }
    }
}
