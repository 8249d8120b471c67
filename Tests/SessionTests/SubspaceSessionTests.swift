import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Session
import Testing

/// Subspaces that each example of a batch chooses: in a run, in generation, from a file.
@Suite struct SubspaceSessionTests {
    private static let program = Program {
        LoReFT(rank: 4).on(.blockOutput, layer: 1).at(.all).subspaces(["style": [0, 1], "topic": [2, 3]])
    }
    private static let tokens: [Int32] = [7, 12, 40, 9, 66]

    private func session() throws -> Session {
        try Session(PeerFixtures.model("llama"), program: Self.program, seed: 5)
    }

    /// The hidden states of the last block for one choice of each example.
    private func states(_ choices: [SubspaceChoice?]) throws -> [[Float]] {
        let session = try session()
        let examples = choices.map { choice in
            Example(tokens: Self.tokens, subspaces: choice.map { ["loreft": $0] } ?? [:])
        }
        let result = try session.run(examples, collecting: session.sites(matching: ["block_output.1"]))
        let states = try #require(result.collected.first)
        let size = Self.tokens.count * states.columns
        return choices.indices.map { Array(states.values[$0 * size..<($0 + 1) * size]) }
    }

    @Test func eachExampleHasItsOwn() throws {
        let found = try states([
            nil, .parts(["style"]), .parts(["topic"]), .parts(["topic", "style"]), .coordinates([]),
            .coordinates([2, 3]), .coordinates([0, 1, 2, 3]),
        ])
        let plain = try Session(PeerFixtures.model("llama"))
        let unedited = try #require(
            try plain.run(
                [Example(tokens: Self.tokens)], collecting: plain.sites(matching: ["block_output.1"])
            ).collected.first
        ).values
        #expect(PeerFixtures.error(found[4], unedited) <= 1e-6)
        #expect(PeerFixtures.error(found[0], unedited) > 1e-2)
        #expect(found[3] == found[0] && found[6] == found[0] && found[5] == found[2] && found[1] != found[2])
        // Disjoint subspaces of one R: both together are the sum of their changes.
        let both = found[1].indices.map { found[1][$0] + found[2][$0] - unedited[$0] }
        #expect(PeerFixtures.error(both, found[0]) <= 1e-5)
    }

    @Test func generationKeepsTheChoice() throws {
        let session = try session()
        var settings = GenerationSettings(maximumTokens: 6)
        settings.ignoresEnd = true
        func answers(_ choices: [SubspaceChoice]) throws -> [[Int32]] {
            try session.generate(
                choices.map { Example(tokens: Self.tokens, subspaces: ["loreft": $0]) }, settings: settings
            ).map(\.tokens)
        }
        for choice in [SubspaceChoice.parts(["style"]), .coordinates([])] {
            let answer = try #require(try answers([choice, .parts(["topic"])]).first)
            let whole = Example(
                tokens: Self.tokens + answer, promptLength: Self.tokens.count, subspaces: ["loreft": choice])
            let logits = try #require(try session.run([whole]).logits)
            for (step, token) in answer.enumerated() {
                let row = logits.values.dropFirst((Self.tokens.count + step - 1) * logits.columns)
                    .prefix(logits.columns)
                let highest = try #require(row.max())
                #expect(highest - row[row.startIndex + Int(token)] <= 1e-4 * abs(highest), "step \(step)")
            }
        }
    }

    @Test func filesNameThem() throws {
        let text = #"{"sequences": [[7, 12], [9], [4]], "subspaces": {"loreft": [["style"], [3, 2], null]}}"#
        let input = try RunInput(json: Data(text.utf8), file: "input")
        #expect(input.examples.map { $0.subspaces["loreft"] } == [.parts(["style"]), .coordinates([3, 2]), nil])
        for (given, message) in [
            (
                #"[["style"]]"#,
                #"input: "subspaces" must be an object: {"declaration": [[coordinates or parts of sequence 0], …]}"#
            ),
            (#"{"a": 3}"#, "input: subspaces.a must be a list with one entry for each sequence"),
            (#"{"a": [[1]]}"#, "input: subspaces.a has 1 entries where 3 are needed"),
            (
                #"{"a": [["x", 1], [true], 4]}"#,
                (0..<3).map { "input: subspaces.a[\($0)] must be a list of coordinates or of names of parts" }
                    .joined(separator: "\n")
            ),
        ] {
            let text = #"{"sequences": [[7, 12], [9], [4]], "subspaces": \#(given)}"#
            let error = #expect(throws: InputError.self) { try RunInput(json: Data(text.utf8), file: "input") }
            #expect(error?.description == message)
        }
    }

    @Test func choicesAreCheckedBeforeAnythingRuns() throws {
        let session = try session()
        let examples = [
            Example(tokens: [1, 2], subspaces: ["loreft": .parts(["stile"])]),
            Example(tokens: [1, 2], subspaces: ["lorft": .coordinates([0])]),
            Example(tokens: [1, 2], subspaces: ["loreft": .coordinates([4])]),
        ]
        let message = """
            input: sequence 0: the subspace of 'loreft' has no part 'stile'; it has: style, topic; did you mean 'style'?
            input: sequence 1 chooses a subspace of 'lorft'; declarations whose subspace is chosen per example: loreft; \
            did you mean 'loreft'?
            input: sequence 2: the subspace of 'loreft' has no coordinate 4; it has 0-3
            """
        let error = #expect(throws: InputError.self) { try session.run(examples) }
        #expect(error?.description == message)
        let generated = #expect(throws: InputError.self) { try session.generate(examples) }
        #expect(generated?.description == message)
    }
}
