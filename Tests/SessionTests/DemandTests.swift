import Graph
import InterventionDSL
import ReFTPresets
import Testing

@testable import Session

/// Runs whose logits are read at some rows only.
@Suite struct DemandTests {
    private static let examples = [
        Example(tokens: [83, 10, 26, 5, 77], target: .tokens([-100, -100, 26, 5, -100])),
        Example(tokens: [19, 64, 44], target: .tokens([-100, -100, 44])),
    ]

    private static func session() throws -> Session {
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.first(2)) }
        return try Session(PeerFixtures.model("llama"), program: program, seed: 3)
    }

    /// The rows of a run with all logits are those of a run with fewer, up to the rounding of products of another shape.
    private static func differ(_ some: RunResult.Matrix, _ all: RunResult.Matrix, rows: [Int]) -> Float {
        var largest: Float = 0
        for (place, row) in rows.enumerated() {
            for column in 0..<all.columns {
                let difference = some.values[place * all.columns + column] - all.values[row * all.columns + column]
                largest = max(largest, abs(difference))
            }
        }
        return largest / (all.values.map(abs).max() ?? 1)
    }

    @Test func lastRowsAreThoseOfTheWholeRun() throws {
        let session = try Self.session()
        let all = try #require(try session.run(Self.examples).logits)
        let result = try session.run(Self.examples, logits: .lastRows)
        let last = try #require(result.logits)
        #expect((last.rows, last.columns) == (2, all.columns))
        #expect(Self.differ(last, all, rows: [4, 7]) <= 1e-5)
        #expect(result.loss == nil)
        #expect(result.labelCount == 0)
    }

    @Test func labelledRowsGiveTheLossAndTheGradients() throws {
        let session = try Self.session()
        let whole = try session.run(Self.examples, gradients: true)
        let few = try session.run(Self.examples, logits: .labelledRows, gradients: true)
        let logits = try #require(few.logits)
        #expect(logits.rows == 3)
        #expect(Self.differ(logits, try #require(whole.logits), rows: [1, 2, 6]) <= 1e-5)
        #expect(few.labelCount == 3)
        #expect(abs(try #require(few.loss) - (try #require(whole.loss))) <= 1e-5)
        for (mine, other) in zip(few.gradients, whole.gradients) {
            let largest = other.values.map(abs).max() ?? 0
            #expect(zip(mine.values, other.values).allSatisfy { abs($0 - $1) <= 1e-4 * largest }, "\(mine.name)")
        }
    }

    @Test func lastRowsHaveNoGradients() throws {
        let session = try Self.session()
        let error = #expect(throws: SessionError.self) {
            try session.run(Self.examples, logits: .lastRows, gradients: true)
        }
        #expect(
            error.map { "\($0)" }
                == "the input has no label that is judged: give \"labels\" with at least one entry other than −100")
    }

    /// In the last block what follows the attention is computed on the rows that are read.
    @Test(arguments: PeerFixtures.names(in: "models")) func everyFamilyGivesTheSame(_ family: String) throws {
        let model = try PeerFixtures.model(family)
        guard model.kind == .causalLanguageModel else { return }
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.first(2)) }
        let session = try Session(model, program: program, seed: 3)
        let examples = Self.examples.map { example in
            var example = example
            example.tokens = example.tokens.map { $0 % Int32(model.sizes.vocabulary) }
            if case .tokens(let labels) = example.target {
                example.target = .tokens(labels.map { $0 < 0 ? $0 : $0 % Int32(model.sizes.vocabulary) })
            }
            return example
        }
        let whole = try session.run(examples, gradients: true)
        let all = try #require(whole.logits)
        let few = try session.run(examples, logits: .labelledRows, gradients: true)
        #expect(Self.differ(try #require(few.logits), all, rows: [1, 2, 6]) <= 1e-5)
        #expect(abs(try #require(few.loss) - (try #require(whole.loss))) <= 1e-5)
        for (mine, other) in zip(few.gradients, whole.gradients) {
            #expect(PeerFixtures.error(mine.values, other.values, floor: 1e-2) <= 1e-4, "\(mine.name)")
        }
        let last = try #require(try session.run(examples, logits: .lastRows).logits)
        #expect(Self.differ(last, all, rows: [4, 7]) <= 1e-5)
    }

    /// Of the last block of a Llama, queries, keys and values have all rows, and the four other products those that are
    /// read; so has the head.
    @Test func productsOfTheLastBlockAreCounted() throws {
        let session = try Self.session()
        let layers = session.model.sizes.layers
        func products(_ demand: Demand) throws -> [String: Int] {
            let variant = GraphVariant(purpose: .inspect(collecting: []), demand: demand)
            let graph = try session.compiledGraph(variant).plan.graph
            var counts: [String: Int] = [:]
            for node in graph.nodes {
                guard case .matmul = node.operation, case .weight = graph.nodes[node.inputs[1].node].operation
                else { continue }
                counts["\(graph.type(of: node.inputs[0]).shape.rows)", default: 0] += 1
            }
            return counts
        }
        #expect(try products(.everyRow) == ["base.rows": 7 * layers, "base.demanded.rows": 1])
        #expect(try products(.lastRows) == ["base.rows": 7 * layers - 4, "base.demanded.rows": 5])
    }
}
