import Foundation
import InterventionDSL
import ReFTPresets
import Testing

/// What the articles show in JSON and in the text form of positions is what the readers read.
@Suite struct DocumentedExampleTests {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Docs")

    private static func text(_ article: String) throws -> String {
        try String(decoding: Data(contentsOf: folder.appendingPathComponent(article)), as: UTF8.self)
    }

    /// Fenced JSON with declarations in it, but for examples that leave something out.
    private static func examples(_ article: String) throws -> [String] {
        try text(article).components(separatedBy: "```json\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n```").first }
            .filter { $0.contains("\"intervention\"") && !$0.contains("…") }
    }

    @Test(arguments: [
        ("Interventions.md", 2), ("ComingFromPyvene.md", 2), ("GettingStarted.md", 3),
    ])
    func programsAreRead(article: String, count: Int) throws {
        let examples = try Self.examples(article)
        #expect(examples.count >= count)
        for example in examples {
            let file =
                example.contains("\"format\"")
                ? example : #"{"format": "swift-reft/program", "version": 1, "declarations": [\#(example)]}"#
            let program = try Program(json: Data(file.utf8), registry: .general + .reft)
            #expect(!program.runs.flatMap(\.declarations).isEmpty)
            #expect(try Program(json: Data(program.json().utf8), registry: .general + .reft) == program)
        }
    }

    /// The rows of a table, each with its cells.
    private static func table(_ header: String, in article: String) throws -> [[String]] {
        let lines = try text(article).components(separatedBy: "\n")
        let start = try #require(lines.firstIndex(of: header))
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    private static func code(_ cell: String) -> [String] {
        cell.matches(of: /`([^`]+)`/).map { String($0.output.1) }
    }

    @Test func positionsAreRead() throws {
        let forms = try Self.table("| text | Swift | rows |", in: "PositionsAndRuns.md").flatMap { Self.code($0[0]) }
        #expect(forms.count > 20)
        for form in forms {
            let positions = try Positions(text: form)
            #expect(try Positions(text: positions.description) == positions)
        }
    }

    @Test func positionsMeanTheRowsThatAreSaid() throws {
        let sequence = SequenceContext(promptLength: 5, length: 8)
        let rows = try Self.table("| text | rows |", in: "PositionsAndRuns.md")
        #expect(rows.count > 10)
        for row in rows {
            let text = try #require(Self.code(row[0]).first)
            let expected = row[1].split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
            #expect(try Positions(text: text).rows(in: sequence) == expected, "\(text)")
        }
    }

    /// Counts from the end of everything follow the newest row while a sequence grows.
    @Test func endsMoveInGenerationOnly() throws {
        func steps(_ positions: Positions) throws -> [Int] {
            var found = try positions.rows(in: SequenceContext(promptLength: 5, length: 5, isGrowing: true))
            for length in 6...8 {
                found += try positions.rows(
                    in: SequenceContext(promptLength: 5, length: length, live: length - 1..<length, isGrowing: true))
            }
            return found
        }
        let whole = SequenceContext(promptLength: 5, length: 8)
        #expect(try steps(Positions(text: "sequence:l1")) == [4, 5, 6, 7])
        #expect(try Positions(text: "sequence:l1").rows(in: whole) == [7])
        #expect(try steps(Positions(text: "l1+generated")) == [4, 5, 6, 7])
        #expect(try Positions(text: "l1+generated").rows(in: whole) == [4, 5, 6, 7])
    }
}
