import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Session
import Testing

/// What no edit reaches is computed once and read from a store: the same results, to the bit whether stored or not.
@Suite struct ReuseTests {
    struct Outcome: Equatable {
        var loss: Double
        var gradients: [String: [Float]]

        /// Bit by bit: a gradient that is no number equals itself.
        static func == (left: Outcome, right: Outcome) -> Bool {
            left.loss.bitPattern == right.loss.bitPattern
                && left.gradients.mapValues { $0.map(\.bitPattern) }
                    == right.gradients.mapValues { $0.map(\.bitPattern) }
        }
    }

    static let tokens: [[Int32]] = [[5, 9, 17, 4, 5, 11, 2, 30], [8, 3, 21], [7, 7, 9, 40, 12]]
    static let examples = tokens.map { tokens in
        let prompt = max(1, tokens.count - 2)
        let labels: [Int32] = tokens.indices.map { $0 < prompt ? Example.ignoredLabel : tokens[$0] }
        return Example(tokens: tokens, target: .tokens(labels), fields: ["subject": [0, 1]])
    }

    static func gradients(_ session: Session, _ examples: [Example], seed: UInt32 = 3) throws -> Outcome {
        session.parameters.clearGradients()
        let loss = try session.accumulateGradients(examples, lossScale: 0.25, seed: seed)
        var gradients: [String: [Float]] = [:]
        for specification in session.parameters.specifications {
            gradients[specification.name] = try session.parameters.gradient(of: specification.name).floats()
        }
        return Outcome(loss: loss, gradients: gradients)
    }

    static func compare(_ given: Outcome, _ wanted: Outcome, _ comment: Comment) {
        #expect(abs(given.loss - wanted.loss) <= 1e-5 * max(1, abs(wanted.loss)), comment)
        #expect(given.gradients.keys.sorted() == wanted.gradients.keys.sorted(), comment)
        for (name, values) in wanted.gradients where values.allSatisfy(\.isFinite) {
            let largest = max(values.map(abs).max() ?? 0, 1e-2)
            let error = zip(values, given.gradients[name] ?? []).map { abs($0 - $1) }.max() ?? 0
            #expect(error <= 1e-4 * largest, "\(comment) \(name): \(error) of \(largest)")
        }
    }

    static func compareScores(_ session: Session, _ examples: [Example], _ comment: Comment) throws {
        let store = session.activations
        session.activations = nil
        let plain = try session.lastScores(of: examples).values
        session.activations = store
        let reused = try session.lastScores(of: examples).values
        let largest = plain.map(abs).max() ?? 0
        #expect(plain.count == reused.count, comment)
        let error = zip(plain, reused).map { abs($0 - $1) }.max() ?? 0
        #expect(error <= 1e-5 * max(1, largest), "\(comment) scores: \(error) of \(largest)")
    }

    @Test(arguments: ["llama", "gpt2"], ["l1", "f1+l2", "-1", "sequence:1-2", "all", "field:subject"])
    func trainingIsTheSame(_ family: String, _ positions: String) throws {
        let model = try PeerFixtures.model(family)
        let last = model.sizes.layers - 1
        let program = ReFTFamily.loreft.program(
            rank: 2, layers: [last], positions: try Positions(text: positions))
        let session = try Session(model, program: program)
        let plain = try Self.gradients(session, Self.examples)
        let store = ActivationStore()
        session.activations = store
        let cold = try Self.gradients(session, Self.examples)
        Self.compare(cold, plain, "\(family) \(positions)")
        #expect(store.counts.computed == 3)
        #expect(store.counts.served == 0)
        #expect(try Self.gradients(session, Self.examples) == cold)
        #expect(store.counts.served == 3)
        #expect(store.bytes > 0)
        session.activations = ActivationStore(budget: 0)
        #expect(try Self.gradients(session, Self.examples) == cold)
        // Room for one of the sequences or two.
        let small = ActivationStore(budget: store.bytes / 2)
        session.activations = small
        for _ in 0..<3 { #expect(try Self.gradients(session, Self.examples) == cold) }
        #expect(small.counts.dropped > 0)
        #expect(small.bytes <= small.budget)
        try Self.compareScores(session, Self.examples, "\(family) \(positions)")
    }

    @Test func randomProgramsAreTheSame() throws {
        let model = try PeerFixtures.model("llama")
        var reused = 0
        for seed in 0..<UInt64(RandomProgramRunTests.count) {
            var random = RandomProgramText(seed: seed)
            let text = random.program().text
            guard let program = try? Program(json: Data(text.utf8), registry: .general + .reft),
                let session = try? Session(model, program: program, seed: seed)
            else { continue }
            let sources = Dictionary(
                program.runs.map(\.name).filter { $0 != Program.baseName }.map { ($0, Self.examples[2]) }
            ) { first, _ in first }
            let examples = Self.examples.map { example in
                var example = example
                example.sources = sources
                return example
            }
            let isTrained = !session.parameters.specifications.isEmpty
            guard (try? session.checkTrainingData(examples, file: "data")) != nil,
                let plain = try? isTrained ? Self.gradients(session, examples) : Outcome(loss: 0, gradients: [:])
            else { continue }
            let store = ActivationStore()
            session.activations = store
            if isTrained {
                let cold = try Self.gradients(session, examples)
                Self.compare(cold, plain, "seed \(seed): \(text)")
                #expect(try Self.gradients(session, examples) == cold, "seed \(seed): \(text)")
            }
            if (try? session.run(examples)) != nil {
                try Self.compareScores(session, examples, "seed \(seed): \(text)")
            }
            if store.counts.served > 0 { reused += 1 }
        }
        #expect(reused >= RandomProgramRunTests.count / 40)
    }
}
