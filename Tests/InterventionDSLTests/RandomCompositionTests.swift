import Foundation
import Graph
import InterventionDSL
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
}
