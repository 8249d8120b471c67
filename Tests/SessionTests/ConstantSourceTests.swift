import Checkpoints
import Foundation
import InterventionDSL
import ReFTPresets
import Testing

@testable import Session

/// Constant sources with a row for each row that a sequence edits. What one constant row does is tested against pyvene
/// (Tests/Fixtures/pyreft/llama-constant-sources); here several are the same as one edit for each.
@Suite struct ConstantSourceTests {
    private static let rows: [[Float]] = (0..<3).map { row in (0..<32).map { sin(Float(row * 32 + $0)) } }
    private static let input = [Example(tokens: [5, 9, 17, 4, 30]), Example(tokens: [7, 30, 2, 6, 11, 12, 3])]

    private func logits(_ program: Program, _ input: [Example] = input) throws -> [Float] {
        try #require(try Session(PeerFixtures.model("llama"), program: program).run(input).logits).values
    }

    /// The k-th row is for the k-th position in the order in which they are listed.
    @Test func eachListedPositionHasItsRow() throws {
        let together = Program {
            AddSource(from: .constant(Self.rows)).on(.blockOutput, layers: [0, 1]).at(3, -1, 0)
        }
        let apart = Program {
            for layer in 0..<2 {
                for (position, row) in zip([3, -1, 0], Self.rows) {
                    AddSource(from: .constant(row)).on(.blockOutput, layer: layer).at(position)
                }
            }
        }
        #expect(PeerFixtures.error(try logits(together), try logits(apart)) <= 1e-6)
        #expect(try logits(together) != logits(Program()))
    }

    @Test func headsAndPairsHaveTheirRows() throws {
        let heads = Self.rows.map { Array($0.prefix(8)) }
        let values = Program { Interchange(from: .constant(heads)).on(.headOutput, layer: 1, head: 2).at(.last(3)) }
        let apart = Program {
            for (position, row) in zip([-3, -2, -1], heads) {
                Interchange(from: .constant(row)).on(.headOutput, layer: 1, head: 2).at(position)
            }
        }
        #expect(PeerFixtures.error(try logits(values), try logits(apart)) <= 1e-6)
        // A row of attention scores for each query, the same at all of its keys.
        let scores: [[Float]] = [[1, 2, 3, 4], [-1, 0, 1, 0]]
        let pairs = Program { AddSource(from: .constant(scores)).on(.attentionPattern, layer: 0).at(1, 2) }
        let one = Program {
            AddSource(from: .constant(scores[0])).on(.attentionPattern, layer: 0).at(1)
            AddSource(from: .constant(scores[1])).on(.attentionPattern, layer: 0).at(2)
        }
        #expect(PeerFixtures.error(try logits(pairs), try logits(one)) <= 1e-6)
    }

    @Test func aTensorOfAFileIsReadRowByRow() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let tensor = try NamedTensor("rows", shape: [3, 32], floats: Self.rows.flatMap { $0 })
        try SafetensorsWriter.write([tensor], metadata: [:], to: folder.appendingPathComponent("rows.safetensors"))
        let reader = TensorReader(folder: folder)
        let text = #"""
            {"format": "swift-reft/program", "version": 1, "declarations": [
              {"intervention": {"type": "Interchange"}, "site": "block_output.0", "positions": "f3",
               "source": {"constant": {"file": "rows.safetensors", "name": "rows", "shape": [3, 32]}}}]}
            """#
        let program = try Program(json: Data(text.utf8))
        #expect(try Program(json: Data(program.json().utf8)) == program)
        let numbers = Program { Interchange(from: .constant(Self.rows)).on(.blockOutput, layer: 0).at(.first(3)) }
        #expect(try Program(json: Data(numbers.json().utf8)) == numbers)
        let session = try Session(PeerFixtures.model("llama"), program: program, constantsIn: reader)
        #expect(try session.run(Self.input).logits?.values == logits(numbers))
        #expect("\(session.hookGraph)".contains("reads the constant 'rows' of rows.safetensors, 3 rows"))
    }

    /// With the cache each generated row reads the row that it reads when the whole sequence is run.
    @Test func generatedRowsReadThemInOrder() throws {
        let many: [[Float]] = (0..<9).map { row in (0..<32).map { cos(Float(row * 32 + $0)) } }
        let program = Program { AddSource(from: .constant(many)).on(.blockOutput, layer: 0).at(.last + .generated) }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        var settings = GenerationSettings(maximumTokens: 9)
        settings.ignoresEnd = true
        settings.scores = true
        for answer in try session.generate(Self.input, settings: settings) {
            #expect(answer.tokens.count == 9)
        }
        let prompt = Self.input[0]
        let answer = try #require(try session.generate([prompt], settings: settings).first)
        let whole = Example(
            tokens: prompt.tokens + answer.tokens.dropLast(), promptLength: prompt.tokens.count)
        let rows = try #require(try session.run([whole]).logits)
        for (step, token) in answer.tokens.enumerated() {
            let start = (prompt.tokens.count - 1 + step) * rows.columns
            let row = Array(rows.values[start..<start + rows.columns])
            let likeliest = row.indices.max { row[$0] < row[$1] }
            #expect(likeliest == Int(token), "step \(step)")
        }
        // A tenth row would be needed.
        settings.maximumTokens = 10
        #expect {
            try session.generate([prompt], settings: settings)
        } throws: {
            "\($0)"
                == "'addsource' reads a constant, which has 9 rows where 10 are edited in sequence 0; give as many, or 1 "
                + "that is repeated"
        }
    }

    @Test func countsThatCanNotFitAreRefused() throws {
        func message(_ positions: Positions) throws -> String {
            let model = try PeerFixtures.model("llama")
            let program = Program { AddSource(from: .constant(Self.rows)).on(.blockOutput, layer: 0).at(positions) }
            do {
                _ = try Session(model, program: program).run(Self.input)
                return ""
            } catch {
                return "\(error)".split(separator: "'addsource'", maxSplits: 1).last.map { "'addsource'\($0)" } ?? ""
            }
        }
        func atBinding(_ positions: String, _ counts: String) -> String {
            "'addsource': on block_output.0: its constant source has 3 rows, the positions '\(positions)' mean \(counts) in a "
                + "sequence; give as many, or 1 that is repeated"
        }
        func atRun(_ count: Int, _ sequence: Int) -> String {
            "'addsource' reads a constant, which has 3 rows where \(count) are edited in sequence \(sequence); give as "
                + "many, or 1 that is repeated"
        }
        #expect(try message(.at(0, 1)) == atBinding("0,1", "2"))
        #expect(try message(.rows(from: -4, through: -1)) == atBinding("-4--1", "4"))
        #expect(try message(.first(2)) == atBinding("f2", "at most 2"))
        #expect(try message(.first(1) + .last(1)) == atBinding("f1+l1", "at most 2"))
        #expect(try message(.first(7)) == atRun(5, 0))
        #expect(try message(.at(0, 4, -1)) == atRun(2, 0))
        #expect(try message(.all) == atRun(5, 0))
        let ragged = Program { AddSource(from: .constant([[1, 2], [3]])).on(.blockOutput, layer: 0).at(0, 1) }
        #expect {
            try Session(PeerFixtures.model("llama"), program: ragged)
        } throws: {
            "\($0)".contains("its constant source has rows of different lengths")
        }
        let narrow = Program { AddSource(from: .constant([[1, 2], [3, 4]])).on(.blockOutput, layer: 0).at(0, 1) }
        #expect {
            try Session(PeerFixtures.model("llama"), program: narrow)
        } throws: {
            "\($0)".contains("its constant source has rows of 2 numbers, the site is 32 wide")
        }
    }
}
