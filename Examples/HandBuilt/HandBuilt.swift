import SwiftReFT

/// Two networks written with the graph API, no checkpoint: trained, then examined with interchanges.
/// Usage, from the package's folder: swift run -c release HandBuilt
@main struct HandBuilt {
    static func main() throws {
        try exclusiveOr()
        try firstStep()
    }

    /// An MLP learns whether two numbers have different signs; its hidden layer is then taken from another example.
    static func exclusiveOr() throws {
        var random = Philox(seed: 1)
        let network = MLPClassifier(layers: 2, width: 8, classes: ["same", "different"])
        let examples = (0..<64).map { _ in
            let numbers = random.uniforms(8).map { 2 * $0 - 1 }
            return Example(features: [numbers], target: .category(numbers[0] * numbers[1] < 0 ? 1 : 0))
        }
        let model = try trained(network.model(weights: firstWeights(of: network.model, 2)), on: examples, epochs: 300)

        // The class follows the hidden layer, not the input.
        let swap = Program {
            Run("other")
            Interchange(from: "other").on(.blockOutput, layer: 1).at(.all)
        }
        let others = Array(examples.reversed())
        let wanted = try classes(Session(model).run(others))
        let answers = try classes(Session(model, program: swap).run(examples, sources: ["other": others]))
        print("hidden layer 1 of another example: \(agreement(answers, wanted)) of \(wanted.count) answer as that one")
    }

    /// A GRU learns the sign of the first number of a sequence; the state of one step is then taken from another one.
    static func firstStep() throws {
        var random = Philox(seed: 2)
        let network = GRUClassifier(layers: 1, width: 8, steps: 6, classes: ["negative", "positive"])
        let examples = (0..<256).map { index in
            let rows = (0..<(3 + index % 4)).map { _ in random.uniforms(8).map { 2 * $0 - 1 } }
            return Example(features: rows, target: .category(rows[0][0] > 0 ? 1 : 0))
        }
        let model = try trained(network.model(weights: firstWeights(of: network.model, 1)), on: examples, epochs: 100)

        // The same lengths, all numbers negated.
        let others = examples.map { Example(features: ($0.features ?? []).map { $0.map { -$0 } }) }
        let sequences = examples.map { Example(features: $0.features ?? []) }
        let wanted = try classes(Session(model).run(others))
        for step in [0, 1, -1] {
            let swap = Program {
                Run("other")
                Interchange(from: "other").on(.cellOutput, layer: 0).at(step)
            }
            let answers = try classes(Session(model, program: swap).run(sequences, sources: ["other": others]))
            print(
                "state of step \(step) of another sequence: \(agreement(answers, wanted)) of \(wanted.count) answer as that one"
            )
        }
    }
}

// MARK: - Training from random weights

/// Weights of a model: normal numbers of deviation 0.5, vectors zero.
func firstWeights(of model: (String, [StoredTensor]) throws -> Model, _ seed: UInt64) throws -> [StoredTensor] {
    // A model says itself which tensors it lacks.
    do {
        _ = try model("untrained", [])
        return []
    } catch ModelError.tensors(_, let problems) {
        return try problems.compactMap { problem in
            guard case .missing(let shape, _) = problem.fault else { return nil }
            var random = Philox(seed: seed, stream: Philox.stream(named: problem.name))
            let count = shape.reduce(1, *)
            return try StoredTensor(
                problem.name, shape: shape,
                floats: shape.count == 1 ? [Float](repeating: 0, count: count) : random.normals(count).map { $0 * 0.5 })
        }
    }
}

/// The model with all its weights trained.
func trained(_ model: Model, on examples: [Example], epochs: Int) throws -> Model {
    let settings = TrainingSettings(epochs: epochs, batchSize: 32, learningRate: 1e-2)
    let session = try Session(model, program: Program { Train(weights: "*") })
    let summary = try Trainer(session, examples: examples, settings: settings).run()
    print("\(model.name): \(summary.trainedParameters) numbers, loss \(summary.loss) after \(summary.steps) steps")
    return try Model(
        model.architecture, named: model.name,
        weights: session.hookGraph.parameters.compactMap { parameter in
            guard let weight = parameter.weight else { return nil }
            let (rows, columns) = (parameter.specification.rows, parameter.specification.columns)
            return try StoredTensor(
                weight, shape: [rows, columns], floats: session.parameters.values(of: parameter.name))
        })
}

// MARK: - Answers

/// The class with the largest score of each sequence.
func classes(_ result: RunResult) -> [Int] {
    guard let logits = result.logits else { return [] }
    return (0..<logits.rows).map { row in
        let scores = logits.values[row * logits.columns..<(row + 1) * logits.columns]
        return (scores.indices.max { scores[$0] < scores[$1] } ?? scores.startIndex) - scores.startIndex
    }
}

func agreement(_ answers: [Int], _ others: [Int]) -> Int { zip(answers, others).count { $0 == $1 } }
