import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Random programs with averages within averages, priorities and policies: they survive being written and read, and binding
/// them ends in a graph that verifies or in problems, never in a crash.
@Suite struct RandomCompositionTests {
    private typealias Generator = RandomProgramTests.Generator

    private func program(_ random: inout Generator, depth: Int, _ declaration: (inout Generator) -> Declaration)
        -> Program
    {
        var parts: [Program] = []
        for _ in 0..<random.below(4) {
            if depth > 0, random.below(3) == 0 {
                var members: [(any ProgramConvertible, Double)] = []
                for _ in 0..<random.below(4) {
                    members.append((program(&random, depth: depth - 1, declaration), [0.5, -2, 1e-9][random.below(3)]))
                }
                parts.append(Average(members).program)
            } else {
                let name = ["clean", "base"][random.below(2)]
                parts.append(Program(runs: [ProgramRun(name: name, declarations: [declaration(&random)])]))
            }
        }
        return Program(joining: parts).overlaps(OverlapPolicy.allCases[random.below(3)])
    }

    @Test(arguments: 0..<100) func writtenAndRead(seed: UInt64) throws {
        var random = Generator(state: seed)
        let program = program(&random, depth: 3) { random in
            var declaration = RandomProgramTests.declaration(&random)
            declaration.priority = random.below(5) - 2
            return declaration
        }
        let text = try program.json()
        let read = try Program(json: Data(text.utf8), registry: ProgramFileTests.registry)
        #expect(read == program, "\(text)")
        #expect(try read.json() == text)
    }

    @Test(arguments: 0..<100) func boundUnderEveryPolicy(seed: UInt64) throws {
        var random = Generator(state: seed)
        let graph = try ToyModel(runs: ["clean", "base"]).graph
        let places: [Place] = [
            .layers(.blockOutput, .all, heads: nil), .layers(.blockInput, [2], heads: nil), .model(.logits),
            .layers(.attentionValueOutput, [1], heads: [0]), .layers(.attentionValueOutput, [1], heads: nil),
        ]
        let program = program(&random, depth: 2) { random in
            let interventions: [any Intervention] = [
                Scale(by: 2), Zero(), Collect(), Skip(), Interchange(from: "clean"), Noise(level: 1),
            ]
            return Declaration(
                interventions[random.below(6)], on: places[random.below(5)],
                at: RandomProgramTests.positions(&random, depth: 2), scale: random.flag() ? 1 : 0.5,
                priority: random.below(3))
        }
        for policy in OverlapPolicy.allCases {
            guard let hookGraph = try? program.bound(to: graph, overlaps: policy) else { continue }
            for mode in [EditMode.train, .evaluate] {
                #expect(try hookGraph.splice(into: graph, mode: mode).graph.verify() == [])
            }
        }
    }

    /// Runs that read each other at random: refused for a circle, or every read comes after the edits of its site.
    @Test func boundWhereRunsReadEachOther() throws {
        let names = ["a", "b", "base"]
        let graph = try ToyModel(runs: names).graph
        let components: [Component] = [.attentionOutput, .mlpOutput, .blockOutput]
        var (bound, reordered) = (0, 0)
        for seed in 0..<300 {
            var random = Generator(state: UInt64(seed))
            func place() -> Place { .layers(components[random.below(3)], [random.below(3)], heads: nil) }
            let runs = names.map { name in
                let declarations = (0..<1 + random.below(3)).map { _ in
                    let source = SourceReference(run: names[random.below(3)], place: place(), positions: .all)
                    return Declaration(AddSource(from: source), on: place(), at: .all)
                }
                return ProgramRun(name: name, declarations: declarations)
            }
            do {
                let hooks = try Program(runs: runs).bound(to: graph).hooks
                bound += 1
                for (place, hook) in hooks.enumerated() {
                    for source in hook.sources where source.site.run != hook.site.run {
                        #expect(!hooks[place...].contains { $0.site == source.site }, "seed \(seed)")
                    }
                    let later = hooks[place...].filter { $0.site == hook.site }
                    #expect(later.allSatisfy { $0.declarationIndex >= hook.declarationIndex }, "seed \(seed)")
                }
                let order = hooks.map(\.site.run)
                if zip(order, order.dropFirst()).count(where: { $0 != $1 }) > Set(order).count - 1 { reordered += 1 }
            } catch {
                for problem in error.problems {
                    switch problem.error {
                    case .editsInCircle, .readsItself: break
                    default: Issue.record("seed \(seed): \(problem)")
                    }
                }
            }
        }
        #expect(bound > 50 && bound < 250 && reordered > 5, "\(bound) bound, \(reordered) out of the order of runs")
    }

    /// Edits at common rows meet if they act in a common coordinate, or in coordinates of two rotations.
    @Test func disjointCoordinatesMeetNobody() throws {
        let graph = try ToyModel().graph
        var counts: [Bool: Int] = [:]
        for seed in 0..<200 {
            var random = Generator(state: UInt64(seed))
            let isShared = random.below(4) > 0
            let sets = (0..<2 + random.below(2)).map { _ in
                let order = (0..<6).shuffled(using: &random)
                return Array(order.prefix(1 + random.below(3))).sorted()
            }
            let choices: [Positions] = [.all, .last, .last(3)]
            var declarations: [Declaration] = []
            for (place, coordinates) in sets.enumerated() {
                var declaration = Declaration(
                    LoReFT(rank: 6), on: .layers(.blockOutput, [1], heads: nil), at: choices[random.below(3)])
                declaration.name = "edit\(place)"
                declaration.subspace = .fixed(coordinates)
                declaration.shares = isShared && place > 0 ? "edit0" : nil
                declarations.append(declaration)
            }
            let program = Program(runs: [ProgramRun(name: Program.baseName, declarations: declarations)])
            #expect(
                try Program(json: Data(program.json().utf8), registry: ProgramFileTests.registry) == program,
                "seed \(seed)")
            let meets = sets.indices.contains { later in
                sets[..<later].contains { !isShared || !Set($0).isDisjoint(with: sets[later]) }
            }
            counts[meets, default: 0] += 1
            let refused = (try? program.bound(to: graph, overlaps: .error)) == nil
            #expect(refused == meets, "seed \(seed): \(sets)")
            #expect(try program.bound(to: graph).notes.isEmpty == !meets, "seed \(seed): \(sets)")
            guard !meets else { continue }
            // Nobody yields rows.
            let kept = try program.bound(to: graph, overlaps: .priority)
            let positions = declarations.map { "\($0.positions)" }
            #expect(kept.notes.isEmpty && kept.hooks.map { "\($0.positions)" } == positions, "seed \(seed)")
        }
        #expect(counts[true, default: 0] > 50 && counts[false, default: 0] > 15, "\(counts)")
    }
}
