import Foundation
import Testing

@testable import Graph

/// Operations and their gradients against torch and transformers; Tests/Reference/graph/make_operations.py writes the
/// fixture.
@Suite struct OperationReferenceTests {
    @Test func everyCase() throws {
        let cases = try ReferenceCase.all()
        #expect(cases.count == 24)
        for reference in cases { try compare(reference) }
    }

    private func compare(_ reference: ReferenceCase) throws {
        let builder = GraphBuilder()
        var bindings = Interpreter.Bindings()
        var inputs: [Value] = []
        for (place, input) in reference.inputs.enumerated() {
            let name = "input \(place)"
            if let indices = input.indices {
                bindings.inputs[name] = .indices(indices)
                inputs.append(builder.input(name, .indices(.fixed(indices.count))))
            } else {
                let matrix = try #require(input.matrix).matrix64
                bindings.inputs[name] = .real(matrix)
                inputs.append(builder.input(name, .real(.fixed(matrix.rows), .fixed(matrix.columns))))
            }
        }
        let output = builder.results(try reference.graphOperation(), inputs)[0]
        let adjoint = builder.input("adjoint", output.type)
        bindings.inputs["adjoint"] = .real(reference.adjoint.matrix64)
        let loss = (output * adjoint).sum(.all)
        let wanted = zip(inputs, reference.inputs).filter { $0.1.gradient != nil }
        let differentiated = try builder.finish().differentiating(
            loss.id, withRespectTo: wanted.map { $0.0.id })
        let gradients = try differentiated.gradients.map { try #require($0) }
        let results = try Interpreter(differentiated.graph).evaluate([output.id] + gradients, bindings: bindings)
        let expected = [reference.output] + wanted.compactMap { $0.1.gradient }
        for (place, (result, expected)) in zip(results, expected).enumerated() {
            #expect(result.rows == expected.rows && result.columns == expected.columns, "\(reference.name)")
            let scale = max(expected.values.map { abs($0) }.max() ?? 0, 1e-3)
            for (left, right) in zip(result.values, expected.values) {
                #expect(abs(left - right) / scale < 1e-12, "\(reference.name), result \(place): \(left), not \(right)")
            }
        }
    }
}

/// One case of Fixtures/operations.json.
private struct ReferenceCase: Decodable {
    struct Matrix: Decodable {
        var rows: Int
        var columns: Int
        var values: [Double]
        var matrix64: Matrix64 { Matrix64(rows: rows, columns: columns, values: values) }
    }
    struct Input: Decodable {
        var matrix: Matrix?
        var indices: [Int32]?
        var gradient: Matrix?
    }
    struct Attributes: Decodable {
        var function: UnaryFunction?
        var epsilon: Double?
        var weightOffset: Double?
        var groups: Int?
        var heads: Int?
        var keyHeads: Int?
        var headSize: Int?
        var interleaved: Int?
        var scale: Double?
        var softCap: Double?
        var causal: Int?
        var window: Int?
    }
    var name: String
    var operation: String
    var attributes: Attributes
    var inputs: [Input]
    var output: Matrix
    var adjoint: Matrix

    static func all() throws -> [ReferenceCase] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/operations.json")
        return try JSONDecoder().decode([ReferenceCase].self, from: Data(contentsOf: file))
    }

    func graphOperation() throws -> Graph.Operation {
        let a = attributes
        switch operation {
        case "unary": return .unary(try #require(a.function))
        case "softmax": return .softmax
        case "logSoftmax": return .logSoftmax
        case "layerNorm": return .layerNorm(epsilon: try #require(a.epsilon))
        case "rmsNorm":
            return .rmsNorm(
                RMSNormAttributes(
                    epsilon: try #require(a.epsilon), weightOffset: a.weightOffset ?? 0, groups: a.groups ?? 1))
        case "rotate":
            return .rotate(
                RotaryAttributes(
                    heads: try #require(a.heads), headSize: try #require(a.headSize), interleaved: a.interleaved == 1))
        case "attention":
            return .attention(
                AttentionAttributes(
                    heads: try #require(a.heads), keyHeads: try #require(a.keyHeads),
                    headSize: try #require(a.headSize), scale: a.scale, softCap: a.softCap, causal: a.causal == 1,
                    window: a.window, hasParameterKeys: inputs.count == 6))
        case "crossEntropy": return .crossEntropy
        default: throw UnknownOperation(name: operation)
        }
    }
}

private struct UnknownOperation: Error {
    var name: String
}
