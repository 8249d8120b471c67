import Foundation
import InterventionDSL
import Models
import Testing

@testable import Session

/// Random programs whose runs read each other. What comes out is what each run gives alone, one after another, where the rows
/// that it reads of other runs are constants, computed again until they settle.
///
/// `REFT_FUZZ=1000 swift test --filter MutualReadTests` tries more of them.
@Suite struct MutualReadTests {
    private static let count = ProcessInfo.processInfo.environment["REFT_FUZZ"].flatMap(Int.init) ?? 60
    private static let runs = ["a", "b", Program.baseName]

    /// A place of one run, in the order in which a sequential model computes them.
    private struct Node: Hashable {
        var run: String
        var place: Int

        static let count = 6
        var site: Place {
            .layers([.attentionOutput, .mlpOutput, .blockOutput][place % 3], [place / 3], heads: nil)
        }
    }

    private struct Edit {
        var written: Node
        var read: Node
        /// As many rows on both sides, or one that is read.
        var edited: Positions
        var given: Positions
        var replaces: Bool

        func declaration(_ source: SourceReference) -> Declaration {
            replaces
                ? Declaration(Interchange(from: source), on: written.site, at: edited, scale: 0.5)
                : Declaration(AddSource(from: source), on: written.site, at: edited, scale: 0.25)
        }
    }

    private static func edits(seed: Int) -> [Edit] {
        var random = NumberGenerator(state: UInt64(seed))
        func node() -> Node { Node(run: runs[random.below(3)], place: random.below(Node.count)) }
        return (0..<3 + random.below(4)).map { _ in
            let pairs = random.below(2) == 0
            let (edited, given): (Positions, Positions) =
                pairs ? (.first(2), .last(2)) : ([.all, .last, .first(2)][random.below(3)], .last)
            return Edit(
                written: node(), read: node(), edited: edited, given: given, replaces: random.below(2) == 0)
        }
    }

    private static func program(_ edits: [Edit]) -> Program {
        Program(
            runs: runs.map { run in
                ProgramRun(
                    name: run,
                    declarations: edits.filter { $0.written.run == run }.map {
                        $0.declaration(
                            SourceReference(run: $0.read.run, place: $0.read.site, positions: $0.given))
                    })
            })
    }

    /// Whether a value comes to depend on itself: a place depends on those before it in its run, and on what its edits read.
    private static func isCircular(_ edits: [Edit]) -> Bool {
        let reads = edits.filter { $0.read != $0.written }
        func reaches(_ start: Node) -> Bool {
            var seen: Set<Node> = []
            var unvisited = [start]
            while let node = unvisited.popLast() {
                var next = (0..<node.place).map { Node(run: node.run, place: $0) }
                next += reads.filter { $0.written == node }.map(\.read)
                if next.contains(start) { return true }
                unvisited += next.filter { seen.insert($0).inserted }
            }
            return false
        }
        return runs.contains { run in (0..<Node.count).contains { reaches(Node(run: run, place: $0)) } }
    }

    private typealias Rows = [[Float]]

    /// A run alone, with constants for what it reads of others.
    private static func alone(
        _ run: String, _ edits: [Edit], _ constants: [Int: Rows], _ tokens: [Int32], _ model: Model
    ) throws -> (read: [Int: Rows], logits: [Float]) {
        var declarations: [Declaration] = []
        for (index, edit) in edits.enumerated() where edit.written.run == run {
            if edit.read.run == run {
                declarations.append(
                    edit.declaration(
                        SourceReference(run: Program.baseName, place: edit.read.site, positions: edit.given)))
            } else {
                declarations.append(edit.declaration(.constant(constants[index] ?? [])))
            }
        }
        let readers = edits.indices.filter { edits[$0].read.run == run && edits[$0].written.run != run }
        for index in readers {
            declarations.append(
                Declaration(Collect("read\(index)"), on: edits[index].read.site, at: edits[index].given))
        }
        let program = Program(runs: [ProgramRun(name: Program.baseName, declarations: declarations)])
        let result = try Session(model, program: program).run([Example(tokens: tokens)])
        var read: [Int: Rows] = [:]
        for index in readers {
            let found = try #require(result.collected.first { $0.name == "read\(index)" })
            read[index] = (0..<found.rows).map { row in
                Array(found.values[row * found.columns..<(row + 1) * found.columns])
            }
        }
        return (read, try #require(result.logits).values)
    }

    @Test func runsThatReadEachOtherAreThoseRunsAlone() throws {
        let model = try PeerFixtures.model("llama")
        let sequences: [String: [[Int32]]] = [
            Program.baseName: [[5, 9, 17, 4], [8, 3, 40]], "a": [[1, 2, 3], [60, 7, 61, 8, 62]],
            "b": [[11, 12, 13, 14, 15], [70, 71]],
        ]
        var (bound, refused, mutual) = (0, 0, 0)
        for seed in 0..<Self.count {
            let edits = Self.edits(seed: seed)
            let program = Self.program(edits)
            #expect(try Program(json: Data(program.json().utf8)) == program, "seed \(seed)")
            let session: Session
            do {
                session = try Session(model, program: program)
            } catch {
                refused += 1
                let text = "\(error)"
                #expect(Self.isCircular(edits), "seed \(seed): \(text)")
                #expect(text.contains("in a circle: ") || text.contains("its own edit changes: "), "\(text)")
                continue
            }
            #expect(!Self.isCircular(edits), "seed \(seed)")
            bound += 1
            let links = Set(edits.filter { $0.read.run != $0.written.run }.map { [$0.written.run, $0.read.run] })
            if links.contains(where: { links.contains($0.reversed()) }) { mutual += 1 }

            let examples = (0..<2).map { index in
                Example(
                    tokens: sequences[Program.baseName]?[index] ?? [],
                    sources: ["a", "b"].reduce(into: [:]) {
                        $0[$1] = Example(tokens: sequences[$1]?[index] ?? [])
                    })
            }
            var expected: [Float] = []
            for index in 0..<2 {
                var constants: [Int: Rows] = [:]
                for (place, edit) in edits.enumerated() {
                    let rows = "\(edit.given)" == "l2" ? 2 : 1
                    constants[place] = Array(repeating: Array(repeating: 0, count: 32), count: rows)
                }
                var logits: [Float] = []
                // A value depends on at most as many others as there are edits.
                for _ in 0...edits.count {
                    var next = constants
                    for run in Self.runs {
                        let tokens = sequences[run]?[index] ?? []
                        let found = try Self.alone(run, edits, constants, tokens, model)
                        next.merge(found.read) { $1 }
                        if run == Program.baseName { logits = found.logits }
                    }
                    if next == constants { break }
                    constants = next
                }
                expected += logits
            }
            let found = try #require(try session.run(examples).logits).values
            #expect(PeerFixtures.error(found, expected) <= 1e-5, "seed \(seed)")
            // What is stored of earlier batches gives the same.
            session.activations = ActivationStore()
            for _ in 0..<2 {
                let again = try #require(try session.run(examples).logits).values
                #expect(PeerFixtures.error(again, found) <= 1e-6, "seed \(seed)")
            }
        }
        #expect(
            bound >= Self.count / 5 && refused >= Self.count / 5 && mutual >= Self.count / 15,
            "\(bound) bound, \(mutual) of them both ways, \(refused) refused")
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct NumberGenerator {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
