import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Programs of random shape survive being written and read.
@Suite struct RandomProgramTests {
    /// SplitMix64.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
        mutating func flag() -> Bool { next() & 1 == 0 }
    }

    static func positions(_ random: inout Generator, depth: Int) -> Positions {
        func numbers() -> [Int] { (0..<1 + random.below(3)).map { _ in random.below(40) - 20 } }
        switch random.below(depth > 0 ? 21 : 18) {
        case 0: return .all
        case 1: return .prompt
        case 2: return .generated
        case 3: return .first(random.below(9))
        case 4: return .last(random.below(9))
        case 5: return .at(numbers())
        case 6: return .rows(from: random.below(20) - 10, through: random.below(20) - 10)
        case 7: return .field(["subject", "two words", "ünïcode", "q\"uote\\"][random.below(4)])
        case 8: return .tokens(random.below(100), random.below(100))
        case 9: return .tokens(matching: ["a", "\"", "\\", "f7+l7", "e\u{301}\"\u{301}"][random.below(5)])
        case 10: return .sequence.first(random.below(5))
        case 11: return .sequence.at(random.below(20) - 10, 3)
        case 12: return .sequence.rows(from: random.below(9) - 4, through: random.below(9) - 4)
        case 13: return .sequence.tokens(random.below(100))
        case 14: return .generated(every: random.below(5))
        case 15:
            let first = random.below(9)
            return random.flag() ? .generated(first...) : .generated(first...first + random.below(4))
        case 16: return .generated(at: (0..<random.below(4)).map { _ in random.below(9) })
        case 17:
            let expression = ["a+", "/", "\\\\/", "\\/b", "[0-9]{2}", "\"é"][random.below(6)]
            return random.flag() ? .tokens(expression: expression) : .sequence.tokens(expression: expression)
        case 18: return positions(&random, depth: depth - 1) + positions(&random, depth: depth - 1)
        default: return positions(&random, depth: depth - 1) - positions(&random, depth: depth - 1)
        }
    }

    static func layers(_ random: inout Generator) -> Layers {
        switch random.below(3) {
        case 0: .all
        case 1: Layers(random.below(9)...)
        default: Layers((0..<1 + random.below(6)).map { _ in random.below(12) })
        }
    }

    static func place(_ random: inout Generator) -> Place {
        switch random.below(5) {
        case 4:
            .matching(["layers[4-8].mlp_*", "*", "a.b[*].*", "head_output.5.h0,3", "block_output"][random.below(5)])
        case 0: .model(Component(rawValue: ["embedding", "logits"][random.below(2)]))
        case 1: .module("model.layers[\(random.below(9))].mlp")
        case 2: .layers(.queryOutput, layers(&random), heads: [random.below(8), random.below(8)])
        default: .layers(.blockOutput, layers(&random), heads: nil)
        }
    }

    static func intervention(_ random: inout Generator) -> any Intervention {
        let rank = 1 + random.below(8)
        let source = SourceReference(
            run: ["clean", "other \"run\""][random.below(2)], place: random.flag() ? place(&random) : nil,
            positions: random.flag() ? positions(&random, depth: 1) : nil)
        let constant = SourceReference.constant(
            random.flag()
                ? .numbers([0.5, Float(random.below(9)) / 7, -3])
                : .reference(
                    TensorReference(file: "a.safetensors", name: "v\"", shape: [3], hash: random.flag() ? "0a" : nil)))
        let vector = (0..<rank).map { _ in Float(random.below(1000)) / 7 }
        let family = ReFTFamily.allCases[random.below(6)]
        let activation = Activation.allCases[random.below(8)]
        return switch random.below(9) {
        case 0: Zero()
        case 1: Scale(by: Double(random.below(1000)) / 13)
        case 2: Noise(level: Double(random.below(1000)) / 17)
        case 3: Add(vector, scale: random.flag() ? 1 : 0.1)
        case 4: Collect(random.flag() ? "line\nbreak\u{1}" : nil, unedited: random.flag())
        case 5: Interchange(from: random.below(4) == 0 ? constant : source)
        case 6: GatedShift(rank: rank, gain: random.flag() ? 0.1 : nil)
        default: family.intervention(rank: rank, activation: activation, dropout: Double(random.below(10)) / 10)
        }
    }

    static func subspace(_ random: inout Generator) -> Subspace? {
        func list() -> [Int] { (0..<random.below(4)).map { _ in random.below(9) } }
        switch random.below(4) {
        case 0: return .fixed(list())
        case 1: return .perExample(["a \"b\"": list(), "ü": list()])
        case 2: return .perExample([:])
        default: return nil
        }
    }

    static func declaration(_ random: inout Generator) -> Declaration {
        Declaration(
            intervention(&random), on: place(&random), at: positions(&random, depth: 3),
            name: random.flag() ? "name \(random.below(100))" : nil, scale: [1, 0.5, -3, 1e-9][random.below(4)],
            ties: Set(TieAxis.allCases.filter { _ in random.flag() }), shares: random.below(4) == 0 ? "name 3" : nil,
            subspace: subspace(&random))
    }

    @Test(arguments: 0..<100) func writtenAndRead(seed: UInt64) throws {
        var random = Generator(state: seed)
        let names = ["clean", "base", "other \"run\""].filter { _ in random.flag() }
        let patterns = ["*.weight", "layers[0,2-4].ünïcode.*", "lm_head.weight", "*"].filter { _ in random.flag() }
        let program = Program(
            runs: names.map { name in
                ProgramRun(name: name, declarations: (0..<random.below(4)).map { _ in Self.declaration(&random) })
            },
            trainable: patterns.map { TrainableWeights($0) })
        let text = try program.json()
        let read = try Program(json: Data(text.utf8), registry: ProgramFileTests.registry)
        #expect(read == program, "\(text)")
        #expect(try read.json() == text)
    }

    @Test(arguments: 0..<300) func positionsMeanTheSameAfterReading(seed: UInt64) throws {
        var random = Generator(state: seed)
        let positions = Self.positions(&random, depth: 4)
        #expect(try Positions(text: positions.description) == positions, "\(positions)")
    }
}
