import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

@testable import Session

@Suite struct ReceiptTests {
    private static let vector = (0..<32).map { Float($0 % 5) / 2 }
    private static let program = Program {
        Scale(by: 1.5).on(.mlpOutput, layers: .all).at(.first(1) + .last(2)).named("scale")
        Add(vector).on(.blockOutput, layer: 0).at(.field("chosen")).scaled(2).named("add")
        Zero().on(.headOutput, layer: 1, head: 2).at(.all).scaled(0.25).named("zero")
        Collect("seen").on(.blockOutput, layer: 1).at(.last)
    }
    private static let examples = [
        Example(tokens: [5, 6, 7, 8, 9], promptLength: 3, fields: ["chosen": [0, 4]]),
        Example(tokens: [9, 8, 7, 6], fields: ["chosen": []]),
    ]

    private func length(_ vector: some Sequence<Float>) -> Double {
        vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    @Test func aRunSaysWhichRowsWereChangedAndHowMuch() throws {
        let session = try Session(PeerFixtures.model("llama"), program: Self.program)
        let site = SiteID(.mlpOutput, layer: 0)
        let plain = try session.run(Self.examples, collecting: [site])
        #expect(plain.receipt == nil)
        let result = try session.run(Self.examples, collecting: [site], receipt: true)
        // Measuring changes nothing.
        #expect(result.logits?.values == plain.logits?.values)
        let receipt = try #require(result.receipt)
        #expect(receipt.stage == .run)
        #expect(receipt.edits.map(\.declaration) == ["scale", "scale", "add", "zero", "seen"])
        #expect(receipt.edits.map(\.component).prefix(3) == ["mlp_output", "mlp_output", "block_output"])
        #expect(receipt.edits.map(\.layer) == [0, 1, 0, 1, 1])
        #expect(receipt.edits.map(\.head) == [nil, nil, nil, 2, nil])
        #expect(receipt.edits.map(\.rows) == [6, 6, 2, 9, 2])
        #expect(receipt.edits.map(\.sequences) == [2, 2, 1, 2, 2])
        #expect(receipt.edits[0].sequenceRows.map(\.rows) == [[0, 1, 2], [0, 2, 3]])
        #expect(receipt.edits[2].sequenceRows == [.init(sequence: 0, rows: [0, 4])])
        #expect(receipt.edits[4].sequenceRows.map(\.rows) == [[2], [3]])
        #expect(receipt.edits.allSatisfy { $0.steps.isEmpty } && receipt.neverFired.isEmpty)

        // h → 1.5 h: the edited value is three times the change.
        let values = result.collected.first { $0.name == "mlp_output.0" }?.values ?? []
        let rows = [0, 1, 2, 5, 7, 8].map { length(values[$0 * 32..<($0 + 1) * 32]) / 3 }
        let scale = try #require(receipt.edits[0].change)
        #expect(abs(scale.mean - rows.reduce(0, +) / 6) <= 1e-5 * scale.mean)
        #expect(abs(scale.largest - (rows.max() ?? 0)) <= 1e-5 * scale.largest)
        #expect(abs(scale.relativeMean - 0.5) <= 1e-6 && abs(scale.relativeLargest - 0.5) <= 1e-6)
        let add = try #require(receipt.edits[2].change)
        #expect(abs(add.mean - 2 * length(Self.vector)) <= 1e-5 * add.mean)
        #expect(abs(add.largest - add.mean) <= 1e-5 * add.mean)
        let zero = try #require(receipt.edits[3].change)
        #expect(abs(zero.relativeMean - 0.25) <= 1e-6)
        #expect(receipt.edits[4].change == nil)
    }

    @Test func itIsATableAndAFile() throws {
        let receipt = Receipt(
            stage: .generation,
            edits: [
                Receipt.Edit(
                    declaration: "loreft", location: "a.swift:3", intervention: "LoReFT", run: "base",
                    component: "block_output", layer: 3, positions: "l1", rows: 1, sequences: 1,
                    sequenceRows: [.init(sequence: 0, rows: [4])],
                    change: .init(mean: 1.25, largest: 2.5, relativeMean: 0.125, relativeLargest: 0.25),
                    steps: [.init(step: 0, rows: 1, change: nil)]),
                Receipt.Edit(
                    declaration: "probe", location: "a.swift:4", intervention: "Zero", run: "clean",
                    component: "attention_output", layer: 1, head: 2, positions: "generated"),
            ])
        #expect(
            receipt.description == """
                declaration  intervention  where                        positions  rows  sequences  steps  change  largest  of the row  largest  rows of sequences
                loreft       LoReFT        block_output.3               l1         1     1          0      1.25    2.5      0.125       0.25     0: 4
                probe        Zero          clean:attention_output.1.h2  generated  0     0          –      –       –        –           –
                warning: a.swift:4: 'probe' never fired: no row of attention_output was computed at its positions 'generated'

                """)
        let data = try JSONEncoder().encode(receipt)
        #expect(try JSONDecoder().decode(Receipt.self, from: data) == receipt)
        #expect(Receipt.ranges([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8")
    }

    @Test func generationSaysAtWhichSteps() throws {
        let session = try Session(
            PeerFixtures.model("llama"),
            program: Program {
                Scale(by: 3).on(.blockOutput, layer: 0).at(.last(1)).named("prompt")
                Scale(by: 0.5).on(.blockOutput, layer: 1).at(.generated).named("answer")
                Zero().on(.mlpOutput, layer: 0).at(.field("late")).named("late")
                Zero().on(.mlpOutput, layer: 1).at(.field("never")).named("never")
            })
        let prompts = [
            Example(tokens: [5, 6], fields: ["late": [4], "never": []]),
            Example(tokens: [7, 8, 9], fields: ["late": [1], "never": []]),
        ]
        for beams in [1, 3] {
            var settings = GenerationSettings(maximumTokens: 5, beams: BeamSettings(beams))
            settings.ignoresEnd = true
            let recorder = ReceiptRecorder()
            let plain = try session.generate(prompts, settings: settings)
            #expect(try session.generate(prompts, settings: settings, receipt: recorder) == plain)
            let edits = recorder.receipt.edits
            #expect(recorder.receipt.stage == .generation)
            // The fifth token is not run any more.
            #expect(edits.map { $0.steps.map(\.step) } == [[0], [1, 2, 3, 4], [0, 3], []])
            #expect(
                edits.map { $0.steps.map(\.rows) } == [[2], [Int](repeating: 2 * beams, count: 4), [1, beams], []])
            #expect(edits[0].sequenceRows.map(\.rows) == [[1], [2]])
            #expect(edits[1].sequenceRows.map(\.rows) == [[2, 3, 4, 5], [3, 4, 5, 6]])
            #expect(edits[2].sequenceRows.map(\.rows) == [[4], [1]])
            #expect(edits.map(\.sequences) == [2, 2, 2, 0])
            #expect(abs((edits[0].change?.relativeMean ?? 0) - 2) <= 1e-5)
            #expect(edits[1].steps.allSatisfy { abs(($0.change?.relativeLargest ?? 0) - 0.5) <= 1e-5 })
            #expect(recorder.receipt.neverFired.count == 1)
            #expect(
                recorder.receipt.neverFired[0].hasSuffix(
                    "'never' never fired: no row of mlp_output was computed at its positions 'field:never'"))
            #expect(recorder.receipt.neverFired[0].contains("ReceiptTests.swift:"))
        }
    }

    /// A type of one's own needs nothing for it.
    struct Shift: Intervention {
        func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows + 1 }
    }

    @Test func everyRowSpaceAndRunIsCounted() throws {
        let program = Program {
            Run("clean") {
                Shift().on(.blockOutput, layer: 0).at(.first(1)).named("source")
                Zero().on(.finalNormOutput).at(.all).named("unread")
            }
            Run.base {
                Interchange(from: "clean").on(.blockOutput, layer: 0).at(.last(1)).named("swap")
                Scale(by: 2).on(.logits).at(.last(1)).named("logits")
            }
        }
        let session = try Session(PeerFixtures.model("gpt2"), program: program)
        let prompts = [[5, 6, 7], [8, 9]].map { Example(tokens: $0, sources: ["clean": Example(tokens: [4, 4, 4])]) }
        let receipt = try #require(try session.run(prompts, receipt: true).receipt)
        #expect(receipt.edits.map(\.run) == ["clean", "clean", "base", "base"])
        // Both examples share the source.
        #expect(receipt.edits.map(\.rows) == [1, 3, 2, 2])
        #expect(abs((receipt.edits[0].change?.mean ?? 0) - 32.0.squareRoot()) <= 1e-5)
        #expect(receipt.edits[3].sequenceRows.map(\.rows) == [[2], [1]])
        let recorder = ReceiptRecorder()
        _ = try session.generate(prompts, settings: GenerationSettings(maximumTokens: 3), receipt: recorder)
        #expect(recorder.receipt.edits.map(\.rows) == [1, 3, 2, 2])

        // Of pairs the positions are those of the queries.
        let looking = try Session(
            PeerFixtures.model("gpt2"),
            program: Program { Scale(by: 0.5).on(.headPattern, layer: 0, head: 1).at(.last(1)).named("pattern") })
        let pairs = try #require(try looking.run(prompts.map { Example(tokens: $0.tokens) }, receipt: true).receipt)
        #expect(pairs.edits[0].rows == 5 && pairs.edits[0].sequenceRows.map(\.rows) == [[2], [1]])
        #expect(abs((pairs.edits[0].change?.relativeMean ?? 0) - 0.5) <= 1e-6)

        let classifier = try Session(
            PeerFixtures.model("bert"), program: Program { Shift().on(.poolerOutput).at(.all).named("pooled") })
        let pooled = try #require(
            try classifier.run([Example(tokens: [5, 6]), Example(tokens: [7])], receipt: true).receipt)
        #expect(pooled.edits[0].rows == 2 && pooled.edits[0].sequences == 2 && pooled.edits[0].sequenceRows.isEmpty)
    }

    /// What a member of an average changes counts with its weight, so that it is what reaches the rows.
    @Test func membersOfAveragesAreMeasuredWithTheirWeights() throws {
        let members = [
            Program { Scale(by: 3).on(.mlpOutput, layer: 0).at(.all).named("three") },
            Program { Zero().on(.mlpOutput, layer: 0).at(.all).named("zero") },
        ]
        let inner = Average([(members[0], 0.5), (members[1], 1)])
        let nested = Average([
            (inner, -0.25), (Program { Scale(by: 2).on(.mlpOutput, layer: 0).at(.all).named("two") }, 0.1),
        ])
        let session = try Session(PeerFixtures.model("llama"), program: nested.program)
        let receipt = try #require(try session.run(Self.examples, receipt: true).receipt)
        #expect(receipt.edits.map(\.declaration) == ["three", "zero", "two"])
        // ‖3 h − h‖ · 0.5 · 0.25, ‖0 − h‖ · 1 · 0.25, ‖2 h − h‖ · 0.1, as shares of ‖h‖.
        for (edit, share) in zip(receipt.edits, [0.25, 0.25, 0.1]) {
            #expect(abs((edit.change?.relativeMean ?? 0) - share) <= 1e-6, "\(edit.declaration)")
        }
    }
}
