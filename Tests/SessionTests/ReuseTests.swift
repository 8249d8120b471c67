import Foundation
import Graph
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
            // Sums of numbers of about 1 that cancel leave rounding.
            let error = PeerFixtures.error(given.gradients[name] ?? [], values, floor: 1e-2)
            #expect(error <= 1e-4, "\(comment) \(name)")
        }
    }

    /// The logits that are read, the losses and what is collected.
    static func compareRuns(_ session: Session, _ examples: [Example], _ comment: Comment) throws {
        let store = session.activations
        for demand in [Demand.everyRow, .labelledRows, .lastRows] {
            session.activations = nil
            let plain = try session.run(examples, logits: demand)
            session.activations = store
            let reused = try session.run(examples, logits: demand)
            #expect((plain.loss == nil) == (reused.loss == nil), comment)
            func matrices(_ result: RunResult) -> [RunResult.Matrix] {
                [result.logits].compactMap { $0 } + result.collected
            }
            #expect(matrices(plain).map(\.rows) == matrices(reused).map(\.rows), "\(comment) \(demand)")
            for (given, wanted) in zip(matrices(reused), matrices(plain)) where wanted.values.allSatisfy(\.isFinite) {
                let error = PeerFixtures.error(given.values, wanted.values, floor: 1)
                #expect(error <= 1e-5, "\(comment) \(demand) \(wanted.name)")
            }
        }
    }

    /// Of sequences of 8, 3 and 5 rows the last two are the answer; an edit of the last prompt row leaves 3 of each live.
    @Test(arguments: [("l1", 9), ("f1+l2", 16), ("all", 16), ("-1", 9), ("field:subject", 16)])
    func whatIsComputedIsCounted(_ positions: String, _ liveRows: Int) throws {
        let model = try PeerFixtures.model("llama")
        let layers = model.sizes.layers
        let program = ReFTFamily.loreft.program(rank: 2, layers: [0], positions: try Positions(text: positions))
        let report = try Session(model, program: program).reuseReport(for: Self.examples)
        // Of the last layer all live rows meet the matrices of queries, keys and values, the 6 that are judged the others.
        let (mixing, following) = (3.0 * 32 * 32, 32.0 * 32 + 3 * 32 * 48)
        let computed = (mixing * Double(liveRows) + following * 6) / (mixing + following)
        #expect(layers == 2 && abs(report.computed - computed) < 1e-9)
        #expect(abs(report.whole - computed - 16 - Double(16 - liveRows)) < 1e-9)
    }

    /// In the last layer all live rows meet the matrices of queries, keys and values, rows that are read the others.
    @Test func workIsCountedByLayer() throws {
        let model = try PeerFixtures.model("llama")
        let program = ReFTFamily.loreft.program(rank: 2, layers: [0], positions: try Positions(text: "l1"))
        let session = try Session(model, program: program)
        let width = 32.0
        let mixing = 3 * width * width
        let following = width * width + 3 * width * 48
        func last(live: Double, read: Double) -> Double { (mixing * live + following * read) / (mixing + following) }
        /// Numbers with six digits behind the point.
        func rounded(_ rows: [[Double]]) -> [[Double]] { rows.map { $0.map { ($0 * 1e6).rounded() / 1e6 } } }
        func rows(_ report: WorkReport) -> [[Double]] {
            rounded(report.layers.map { [$0.computed, $0.reused, $0.notRead] })
        }
        // Without a store all 16 rows are live; 6 carry labels, 3 are the last of their sequences.
        let plain = try session.workReport(for: Self.examples, .training)
        #expect(plain.layers.map(\.layer) == [0, 1] && plain.layers.map(\.rows) == [16, 16] && plain.whole == 32)
        #expect(rows(plain) == rounded([[16, 0, 0], [last(live: 16, read: 6), 0, 16 - last(live: 16, read: 6)]]))
        let prompts = try session.workReport(for: Self.examples, .prompts)
        #expect(rows(prompts) == rounded([[16, 0, 0], [last(live: 16, read: 3), 0, 16 - last(live: 16, read: 3)]]))
        #expect(
            rows(try session.workReport(for: Self.examples, .run(.everyRow))) == rounded([[16, 0, 0], [16, 0, 0]]))
        // With one, the first layer is read from it, and of the second the rows before the first edited one.
        session.activations = ActivationStore()
        let report = try session.workReport(for: Self.examples, .training)
        let computed = last(live: 9, read: 6)
        #expect(rows(report) == rounded([[0, 16, 0], [computed, 7, 9 - computed]]))
        #expect(
            "\(report)" == "computes \(WorkReport.text(computed)) of 32 rows × layers, reads 23 from the store; "
                + "\(WorkReport.text(9 - computed)) are read by nobody")
        #expect(
            rows(try session.workReport(for: Self.examples, .run(.everyRow))) == rounded([[0, 16, 0], [16, 0, 0]]))
    }

    @Test(arguments: ["llama", "gpt2"], ["l1", "f1+l2", "-1", "sequence:1-2", "all", "field:subject"])
    func trainingIsTheSame(_ family: String, _ positions: String) throws {
        let model = try PeerFixtures.model(family)
        let program = ReFTFamily.loreft.program(rank: 2, layers: [0], positions: try Positions(text: positions))
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
        try Self.compareRuns(session, Self.examples, "\(family) \(positions)")
    }

    /// Bidirectional models reuse layers, those with soft caps, windows, experts or norms of queries rows too.
    @Test(arguments: PeerFixtures.names(in: "models")) func everyFamilyIsTheSame(_ family: String) throws {
        let model = try PeerFixtures.model(family)
        let isCausal = model.kind == .causalLanguageModel
        let examples = Self.examples.enumerated().map { place, example in
            var example = example
            if !isCausal { example.target = model.kind.predictsNumbers ? .number(0.5) : .category(Int32(place % 2)) }
            return example
        }
        let program = ReFTFamily.loreft.program(
            rank: 2, layers: [0], positions: try Positions(text: isCausal ? "l1" : "1"))
        let session = try Session(model, program: program)
        let plain = try Self.gradients(session, examples)
        let store = ActivationStore()
        session.activations = store
        let cold = try Self.gradients(session, examples)
        Self.compare(cold, plain, "\(family)")
        #expect(try Self.gradients(session, examples) == cold)
        #expect(store.counts == ActivationStore.Counts(served: 3, computed: 3))
        try Self.compareRuns(session, examples, "\(family)")
    }

    /// A run of an encoder is not the base run of another sequence: nothing is stored.
    @Test func encoderDecoderModelsComputeEverything() throws {
        let model = try PeerFixtures.model("../relative/t5")
        let program = ReFTFamily.loreft.program(
            rank: 2, layers: [model.sizes.layers - 1], positions: try Positions(text: "f1"))
        let session = try Session(model, program: program)
        let examples = Self.examples.map { example in
            var example = example
            example.sources["encoder"] = Example(tokens: [3, 8, 5])
            return example
        }
        let plain = try Self.gradients(session, examples)
        let store = ActivationStore()
        session.activations = store
        #expect(try Self.gradients(session, examples) == plain)
        #expect(store.counts == ActivationStore.Counts())
        #expect(try session.reuseReport(for: examples).computedShare == 1)
    }

    /// One pass over each sequence serves programs on any layer and position.
    @Test func sessionsShareAStore() throws {
        let model = try PeerFixtures.model("llama")
        let layers = 0..<model.sizes.layers
        let store = ActivationStore(shared: layers.map { SiteID(.blockOutput, layer: $0) })
        let clean = Example(tokens: [5, 9, 18, 4, 5, 11, 2, 30])
        for layer in layers {
            let session = try Session(
                model,
                program: Program {
                    Run("clean")
                    Run.base { Interchange(from: "clean").on(.blockOutput, layer: layer).at(.field("restored")) }
                })
            let cells = (0..<8).map { position in
                var (cell, source) = (Example(tokens: Self.tokens[0]), clean)
                (cell.fields, source.fields) = (["restored": [position]], ["restored": [position]])
                cell.sources["clean"] = source
                return cell
            }
            session.activations = store
            try Self.compareRuns(session, cells, "layer \(layer)")
        }
        #expect(store.counts.computed == 2)
    }

    /// Where base and source are the same up to row 4, restoring an earlier row changes nothing: only what is read is live.
    @Test(arguments: [(0, 1), (2, 1), (4, 4), (5, 3), (7, 1)])
    func rowsThatEqualTheirSourceAreNotComputed(_ position: Int, _ liveRows: Int) throws {
        let model = try PeerFixtures.model("llama")
        var source = Example(tokens: [5, 9, 17, 4, 6, 11, 2, 30])
        var cell = Example(tokens: Self.tokens[0])
        (cell.fields, source.fields) = (["restored": [position]], ["restored": [position]])
        cell.sources["clean"] = source
        func live(_ program: Program, _ cell: Example) throws -> Double {
            let session = try Session(model, program: program)
            session.activations = ActivationStore()
            try Self.compareRuns(session, [cell], "position \(position)")
            let report = try session.workReport(for: [cell], .run(.lastRows))
            return report.layers.filter { $0.run == Program.baseName && $0.layer == 1 }.reduce(0) {
                $0 + $1.computed + $1.notRead
            }
        }
        let restoring = Program {
            Run("clean")
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 0).at(.field("restored")) }
        }
        #expect(try live(restoring, cell) == Double(liveRows))
        // Another row than the one that is edited, an edit of what is read, a declaration that is not known to keep rows.
        var shifted = cell
        shifted.sources["clean"]?.fields["restored"] = [(position + 1) % 8]
        #expect(try live(restoring, shifted) == Double(8 - position))
        let edited = Program {
            Run("clean") { Zero().on(.blockOutput, layer: 0).at(.first) }
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 0).at(.field("restored")) }
        }
        #expect(try live(edited, cell) == Double(8 - position))
        let added = Program {
            Run("clean")
            Run.base { AddSource(from: "clean").on(.blockOutput, layer: 0).at(.field("restored")) }
        }
        #expect(try live(added, cell) == Double(8 - position))
        // What another declaration changes lies before it.
        let both = Program {
            Run("clean")
            Run.base {
                Zero().on(.blockOutput, layer: 0).at(1)
                Interchange(from: "clean").on(.blockOutput, layer: 0).at(.field("restored"))
            }
        }
        #expect(try live(both, cell) == 7)
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
            let runs = Set(program.runs.map(\.name)).subtracting([Program.baseName])
            let examples = Self.examples.map { example in
                var (example, source) = (example, Self.examples[2])
                if seed % 2 == 0 {
                    // Equal up to a row, so that edits before it put back what is there.
                    source = example
                    source.tokens[source.tokens.count / 2] += 1
                }
                example.sources = Dictionary(uniqueKeysWithValues: runs.map { ($0, source) })
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
            if (try? session.run(examples)) != nil { try Self.compareRuns(session, examples, "seed \(seed): \(text)") }
            if store.counts.served > 0 { reused += 1 }
        }
        #expect(reused >= RandomProgramRunTests.count / 40)
    }
}
