import Foundation
import InterventionDSL
import JSON
import ReFTPresets

/// Program files of random content for a model of two layers, four heads and width 32: most are sound, some are wrong in
/// one of the ways in which people get them wrong.
struct RandomProgramText {
    private var state: UInt64
    private let kinds = (InterventionRegistry.general + .reft).kinds

    /// Those that need no file and no registered closure.
    private let selfContained: [String]

    init(seed: UInt64) {
        selfContained = kinds.filter { !["PCARotatedSpace", "JumpReLUAutoencoder", "Edit"].contains($0) }
        state = seed &* 0x2545_F491_4F6C_DD1D &+ 1
    }

    /// SplitMix64.
    private mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }

    private mutating func one<Choice>(of choices: [Choice]) -> Choice { choices[below(choices.count)] }

    /// One in `chance`.
    private mutating func rarely(_ chance: Int) -> Bool { below(chance) == 0 }

    /// A whole program file.
    mutating func program() -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("format", .string("swift-reft/program")), .init("version", .integer(rarely(60) ? 2 : 1)),
        ]
        if rarely(8) { members.append(.init("overlaps", .string(one(of: ["chain", "error", "priority", "merge"])))) }
        if rarely(12) {
            members.append(
                .init("trainable", .array([.string(one(of: ["model.layers[0].mlp.*", "*norm*", "nothing", ""]))])))
        }
        let base = list(upTo: 4)
        guard below(3) > 0 else { return .object(members + [.init("declarations", base)]) }
        var runs: [JSONValue] = []
        for name in ["clean", "other"] where below(3) > 0 {
            runs.append(.object([.init("name", .string(name)), .init("declarations", list(upTo: 2))]))
        }
        runs.append(.object([.init("name", .string("base")), .init("declarations", base)]))
        return .object(members + [.init("runs", .array(runs))])
    }

    /// The same text with some bytes changed, for the reader.
    mutating func damaged(_ text: String) -> Data {
        var bytes = Array(text.utf8)
        for _ in 0...below(3) where !bytes.isEmpty {
            let place = below(bytes.count)
            switch below(4) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(UInt8(below(256)), at: place)
            case 2: bytes[place] = UInt8(below(256))
            default: bytes.replaceSubrange(place..., with: bytes[..<below(bytes.count)])
            }
        }
        return Data(bytes)
    }

    private mutating func list(upTo count: Int) -> JSONValue {
        .array((0..<below(count + 1)).map { _ in declaration() })
    }

    private mutating func declaration() -> JSONValue {
        let kind = rarely(60) ? "Nought" : one(of: rarely(20) ? kinds : selfContained)
        var members: [JSONValue.Member] = [
            .init("intervention", .object([.init("type", .string(kind))] + settings(kind))),
            .init("site", site()), .init("positions", positions()),
        ]
        if kind.contains("Source") || kind.contains("change") || kind.contains("Space") || kind.contains("Mask")
            || kind.contains("Resample") || kind.contains("Autoencoder")
        {
            members.append(.init("source", source()))
        }
        if rarely(3) { members.append(.init("name", .string(one(of: ["a", "b", "ü \"c\"", ""])))) }
        if rarely(5) {
            members.append(.init("scale", rarely(8) ? .null : one(of: [.number(0.5), .integer(-3), .number(1e300)])))
        }
        if rarely(5) { members.append(.init("tied", one(of: [.bool(true), .array([.string("layers")])]))) }
        if rarely(6) { members.append(.init("subspace", .array([.integer(below(4)), .integer(below(40) - 2)]))) }
        if rarely(9) { members.append(.init("priority", .integer(below(5) - 2))) }
        if rarely(12) { members.append(.init("shares", .string(one(of: ["a", "b", "nobody"])))) }
        if rarely(80) { members.append(.init("sight", .integer(1))) }
        return .object(members)
    }

    /// Some settings that the type has, with values that mostly suit it.
    private mutating func settings(_ kind: String) -> [JSONValue.Member] {
        let vector = JSONValue.array((0..<(rarely(6) ? 31 : 32)).map { .number(Double($0 % 5) / 4) })
        let rank =
            rarely(12)
            ? one(of: [JSONValue.integer(below(70) - 2), .number(2.5), .string("4")]) : .integer(1 + below(4))
        var settings: [JSONValue.Member] = []
        switch kind {
        case "Add", "Steer": settings = [.init("vector", vector), .init("scale", .number(Double(below(9)) - 4))]
        case "MeanAblation": settings = [.init("mean", vector)]
        case "Scale": settings = [.init("factor", .number(Double(below(9)) - 4))]
        case "Noise": settings = [.init("level", .number(Double(below(9)) / 4 - 0.5))]
        case "Clamp": settings = [.init("minimum", .number(-1)), .init("maximum", .number(Double(below(4)) - 2))]
        case "Collect": settings = rarely(2) ? [.init("unedited", .bool(true))] : []
        case "Autoencoder": settings = [.init("latents", .integer(below(20)))]
        case "LoRA", "DoRA": settings = [.init("rank", rank), .init("alpha", .integer(below(9)))]
        case "Edit": settings = [.init("name", .string("unregistered"))]
        default:
            let isRanked = ["ReFT", "LowRank", "Bottleneck"].contains { kind.contains($0) }
            if isRanked { settings = [.init("rank", rank)] }
        }
        let drops = kind.contains("ReFT") && kind != "ConsReFT" || ["LoRA", "DoRA", "BottleneckAdapter"].contains(kind)
        if drops ? rarely(4) : rarely(60) { settings.append(.init("dropout", .number(Double(below(22)) / 20))) }
        if rarely(60) { settings.append(.init("rnak", .integer(1))) }
        return settings
    }

    private mutating func site() -> JSONValue {
        let component =
            rarely(30)
            ? "block_ouput"
            : one(of: [
                "block_output", "block_input", "mlp_output", "mlp_activation", "attention_output", "attention_input",
                "attention_value_output", "query_output", "key_output", "attention_pattern", "attention_scores",
            ])
        switch below(12) {
        case 0: return .object([.init("component", .string(one(of: ["embedding", "logits", "final_norm_output"])))])
        case 1:
            let paths = ["model.layers[1].mlp.output", "model.layers[0].self_attn.o_proj"]
            let module = rarely(4) ? one(of: ["layers.9.mlp", "[", "mlp"]) : one(of: paths)
            return .object([.init("module", .string(module))])
        case 2:
            return .object([
                .init("select", .string(rarely(8) ? "layers[" : one(of: ["layers[0-1].mlp_*", "*", "block_output"])))
            ])
        case 3:
            let sound = ["block_output.1", "attention_value_output.0.h3", "block_output"]
            return .string(rarely(8) ? one(of: ["..", ""]) : one(of: sound))
        default: break
        }
        var members: [JSONValue.Member] = [
            .init("component", .string(component)),
            .init("layers", one(of: [.array([.integer(0)]), .array([.integer(1)]), .string("all"), .string("0-1")])),
        ]
        if rarely(30) { members[1].value = one(of: [.array([.integer(7)]), .string("1-0"), .array([])]) }
        if rarely(6) { members.append(.init("heads", .array([.integer(below(5))]))) }
        return .object(members)
    }

    private mutating func positions() -> JSONValue {
        let unsound = ["f0", "-9", "40", "all-all", "f7+", "(", "tokens:/(/", "generated:-1"]
        let sound = [
            "all", "all", "l1", "f1", "f2+l2", "prompt", "generated", "0,-1", "-1", "all-(0)", "field:subject",
            "tokens:5,9", "2", "sequence:l1", "generated/2", "generated:1-3", "generated:0,2",
        ]
        return .string(one(of: rarely(12) ? unsound : sound))
    }

    private mutating func source() -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("run", .string(one(of: ["clean", "clean", "other", "base", "nowhere"])))
        ]
        if rarely(5) { members.append(.init("site", site())) }
        if rarely(5) { members.append(.init("positions", positions())) }
        return .object(members)
    }
}
