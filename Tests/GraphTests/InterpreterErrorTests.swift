import Testing

@testable import Graph

/// Bindings are not trusted: each mistake is one error that says what was given, where, and what is allowed.
@Suite struct InterpreterErrorTests {
    private let builder = GraphBuilder(provenance: .model("model.layers.0"))

    private func message(
        _ value: Value, _ inputs: [String: Interpreter.BoundInput] = [:],
        _ change: (inout Interpreter.Bindings) -> Void = { _ in }
    ) throws -> String {
        var bindings = Interpreter.Bindings()
        bindings.inputs = inputs
        change(&bindings)
        let interpreter = Interpreter(try builder.finish())
        do {
            return "\(try interpreter.evaluate([value.id], bindings: bindings))"
        } catch {
            return "\(error)"
        }
    }

    @Test func unboundLeaves() throws {
        let tokens = builder.input("base.tokens", .indices(.named("base.rows")))
        #expect(
            try message(tokens, ["base.token": .indices([1])])
                == "input base.tokens of type index[base.rows, 1] is not bound; did you mean to bind it as base.token?")
        #expect(
            try message(builder.weight("lm_head.weight", rows: 2, columns: 3))
                == "weight lm_head.weight of type [2, 3] is not bound")
        #expect(
            try message(builder.parameter("rotation", rows: 2, columns: 1)) { $0.parameters["rotatoin"] = Matrix64(0) }
                == "parameter rotation of type [2, 1] is not bound; did you mean to bind it as rotatoin?")
    }

    @Test func shapesAndKinds() throws {
        let x = builder.input("x", .real(.named("n"), 2))
        let i = builder.input("i", .indices(3))
        #expect(
            try message(x, ["x": .real(Matrix64(rows: 4, columns: 3))])
                == "input x is bound to [4, 3], its type is [n, 2]")
        #expect(
            try message(x, ["x": .real(Matrix64(rows: 4, columns: 2, values: [1]))])
                == "input x is bound to a matrix of 4 × 2 that holds 1 numbers")
        #expect(
            try message(x, ["x": .real(Matrix64(rows: .max, columns: 2, values: []))])
                == "%0 would have 9223372036854775807 × 2 elements")
        #expect(try message(x, ["x": .indices([1])]) == "input x is bound to indices, its type is [n, 2]")
        #expect(
            try message(i, ["i": .real(Matrix64(1))]) == "input i is bound to real numbers, its type is index[3, 1]")
        #expect(try message(i, ["i": .indices([1])]) == "input i is bound to 1 indices, its type is index[3, 1]")
    }

    @Test func symbolsThatDisagree() throws {
        let x = builder.input("x", .real(.named("base.rows"), 2))
        let y = builder.input("y", .real(.named("base.rows"), 2))
        let inputs: [String: Interpreter.BoundInput] = [
            "x": .real(Matrix64(rows: 4, columns: 2)), "y": .real(Matrix64(rows: 3, columns: 2)),
        ]
        #expect(try message(x + y, inputs) == "base.rows is 4 by input x but 3 by input y")
        #expect(
            try message(x, inputs) { $0.symbols[Symbol("base.rows")] = 5 }
                == "base.rows is 5 by the given symbols but 4 by input x")
    }

    @Test func symbolsThatNobodyGives() throws {
        let repeated = builder.scalar(3).broadcast(to: Shape(.named("base.rows"), 2))
        #expect(
            try message(repeated) == "model.layers.0: the extent base.rows of %1 is not given by any bound input")
        #expect(
            try message(repeated) { $0.symbols[Symbol("base.rows")] = -1 } == "%1 would have -1 × 2 elements")
    }

    @Test func indicesOutOfRange() throws {
        let table = builder.weight("table", rows: 3, columns: 1)
        let i = builder.input("i", .indices(2))
        let gathered = table.rows(at: i)
        func message(_ value: Value, _ indices: [Int32]) throws -> String {
            try self.message(value, ["i": .indices(indices)]) { $0.weights["table"] = Matrix64(rows: 3, columns: 1) }
        }
        #expect(
            try message(gathered, [0, 3]) == "model.layers.0: gatherRows reads index 3 at place 1, allowed are 0..<3")
        #expect(
            try message(gathered, [-1, 0]) == "model.layers.0: gatherRows reads index -1 at place 0, allowed are 0..<3")
        let scattered = table.replacingRows(at: i, with: gathered)
        #expect(
            try message(scattered, [2, 2]) == "model.layers.0: scatterRows replaces row 2 twice, by places 0 and 1")
        let losses = builder.node(.crossEntropy, builder.weight("logits", rows: 2, columns: 4), i)
        #expect(
            try self.message(losses, ["i": .indices([3, 4])]) {
                $0.weights["logits"] = Matrix64(rows: 2, columns: 4)
            } == "model.layers.0: crossEntropy reads index 4 at place 1, allowed are 0..<4")
    }

    @Test(arguments: [[1, 3], [0, 2], [0, 4, 3], [0, -1, 3], []] as [[Int32]])
    func offsets(_ offsets: [Int32]) throws {
        let x = builder.input("x", .real(3, 2))
        let bounds = builder.input("offsets", .indices(.named("bounds")))
        let output = builder.node(
            .attention(AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true)), x, x, x, bounds)
        #expect(
            try message(output, ["x": .real(Matrix64(rows: 3, columns: 2)), "offsets": .indices(offsets)])
                == "model.layers.0: the offsets \(offsets) must start at 0, not descend and end at the 3 rows")
    }

    @Test func storedKeys() throws {
        let x = builder.input("x", .real(1, 2))
        let bounds = builder.input("offsets", .indices(2))
        let output = builder.node(
            .attention(AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true, store: 7)), x, x, x, bounds
        )
        func message(_ stored: [Interpreter.StoredKeysAndValues]) throws -> String {
            try self.message(output, ["x": .real(Matrix64(rows: 1, columns: 2)), "offsets": .indices([0, 1])]) {
                $0.stored[7] = stored
            }
        }
        let wide = Interpreter.StoredKeysAndValues(
            keys: Matrix64(rows: 2, columns: 3), values: Matrix64(rows: 2, columns: 2))
        #expect(
            try message([wide, wide]) == "model.layers.0: store slot 7 holds 2 sequences, the batch has 1")
        #expect(
            try message([wide])
                == "model.layers.0: store slot 7 holds keys [2, 3] and values [2, 2] for sequence 0, not 2 and 2 columns of "
                + "equal length")
    }

    @Test func wrongGraphsAndValues() throws {
        let x = builder.scalar(1)
        #expect(throws: InterpreterError.noSuchValue(ValueID(9), nodes: 1)) {
            try Interpreter(builder.finish()).evaluate([ValueID(9)], bindings: Interpreter.Bindings())
        }
        #expect(
            InterpreterError.noSuchValue(ValueID(9), nodes: 1).description
                == "there is no value %9 in a graph of 1 nodes")
        var graph = try builder.finish()
        graph.nodes[0].results = [.real(2, 2)]
        let problem = GraphProblem(
            "%0 scalar is declared as [2, 2], its inputs give [1, 1]", at: .model("model.layers.0"))
        #expect(throws: InterpreterError.invalidGraph([problem])) {
            try Interpreter(graph).evaluate([x.id], bindings: Interpreter.Bindings())
        }
    }
}
