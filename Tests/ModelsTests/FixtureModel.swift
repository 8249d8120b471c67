import Checkpoints
import Foundation
import Graph
import Models

/// A tiny seeded model of `Tests/Fixtures/models` with what transformers computed with it.
struct FixtureModel {
    let folder: URL
    let model: Model
    let expected: Checkpoint
    let cases: Cases

    /// The input of a run.
    struct Cases: Decodable {
        var sequences: [[Int32]]
        var tokenTypes: [[Int32]]?
    }

    static let fixtures = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

    static func folder(_ name: String) -> URL { fixtures.appendingPathComponent("models/\(name)") }

    /// A JSON file of the fixtures.
    static func decoded<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(contentsOf: fixtures.appendingPathComponent(name)))
    }

    init(_ name: String) throws {
        folder = Self.folder(name)
        model = try Model(.folder(folder))
        expected = try Checkpoint(at: folder.appendingPathComponent("expected.safetensors"))
        cases = try Self.decoded(Cases.self, "models/\(name)/cases.json")
    }

    /// The batch of all sequences, all rows demanded.
    var batch: FixtureBatch { FixtureBatch(cases.sequences, tokenTypes: cases.tokenTypes) }
}

/// The inputs of a run over sequences, one after another without padding.
struct FixtureBatch {
    var inputs: [String: [Int32]] = [:]

    init(_ sequences: [[Int32]], tokenTypes: [[Int32]]? = nil, demanding demanded: [Int32]? = nil) {
        let names = RunInputs()
        let tokens = sequences.flatMap { $0 }
        var offsets: [Int32] = [0]
        for sequence in sequences { offsets.append((offsets.last ?? 0) + Int32(sequence.count)) }
        inputs[names.tokens] = tokens
        inputs[names.positions] = sequences.flatMap { $0.indices.map(Int32.init) }
        inputs[names.offsets] = offsets
        inputs[names.firstRows] = Array(offsets.dropLast())
        inputs[names.demanded] = demanded ?? tokens.indices.map(Int32.init)
        inputs[names.tokenTypes] = tokenTypes?.flatMap { $0 } ?? [Int32](repeating: 0, count: tokens.count)
    }

    /// The values of a graph of the model in Float64.
    func evaluate(_ graph: ComputationGraph, _ values: [ValueID], of model: Model) throws -> [Matrix64] {
        var bindings = Interpreter.Bindings()
        for (name, indices) in inputs { bindings.inputs[name] = .indices(indices) }
        for node in graph.leaves(of: values) {
            guard case .weight(let name) = graph.nodes[node].operation else { continue }
            let weight = try model.weights.weight(named: name)
            let floats = UnsafeBufferPointer(start: try weight.floats(), count: weight.count)
            bindings.weights[name] = Matrix64(
                rows: weight.rows, columns: weight.columns, values: floats.map(Double.init))
        }
        return try Interpreter(graph).evaluate(values, bindings: bindings)
    }
}

/// The largest difference, as a share of the largest magnitude of the reference.
func relativeError(_ values: [Double], _ reference: [Float]) -> Double {
    guard values.count == reference.count else { return .infinity }
    let scale = reference.reduce(0) { max($0, abs(Double($1))) }
    let error = zip(values, reference).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - Double($1.1))) : .infinity }
    return error / max(scale, 1e-30)
}
