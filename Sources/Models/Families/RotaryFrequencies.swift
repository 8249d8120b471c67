import Foundation
import Graph

/// The angles per position of a rotary embedding, with the scaling that stretches it to longer texts.
///
/// Pair i of a head turns by position · frequency[i], frequency[i] = base^(−2i / headSize), scaled.
struct RotaryFrequencies: Hashable, Sendable {
    /// Radians per position of each of the headSize / 2 pairs.
    var values: [Double]
    /// By which cosine and sine are multiplied.
    var factor = 1.0

    init(base: Double, headSize: Int, scaling: RotaryScaling, context: Int) {
        values = (0..<max(headSize / 2, 1)).map { pow(base, -2 * Double($0) / Double(headSize)) }
        switch scaling {
        case .none: break
        case .linear(let factor): values = values.map { $0 / factor }
        case .llama3(let llama3): values = values.map(llama3.scaled)
        case .yarn(let yarn): (values, factor) = yarn.scaled(values, base: base, headSize: headSize, context: context)
        case .divisors(let divisors): values = zip(values, divisors).map { $0 / $1 }
        }
    }

    /// Reads base and scaling of a rotary embedding that turns the first `width` columns of a head.
    init(_ reader: inout ConfigurationReader, width: Int, context: Int, defaultBase: Double = 10_000) {
        let (scaling, base) = RotaryScaling.read(&reader, pairs: width / 2, defaultBase: defaultBase)
        self.init(base: base, headSize: width, scaling: scaling, context: context)
    }

    /// Cosine and sine of each row's angles [rows, headSize / 2], for all layers.
    func nodes(_ module: ModelModule) -> RotaryTables {
        module.building {
            let frequencies = module.builder.constant(
                ConstantTensor(name: "rotary frequencies", rows: 1, columns: values.count, values: values))
            return (
                module.builder.node(.rotaryCosine(factor: factor), module.positions, frequencies),
                module.builder.node(.rotarySine(factor: factor), module.positions, frequencies)
            )
        }
    }
}

/// How the frequencies of a rotary embedding are changed (`rope_scaling` of a configuration).
enum RotaryScaling: Hashable, Sendable {
    case none
    /// Position interpolation (Chen et al. 2023).
    case linear(factor: Double)
    case llama3(Llama3Scaling)
    case yarn(YarnScaling)
    /// One divisor for each pair, as GGUF files store it.
    case divisors([Double])

    /// Reads `rope_scaling`, or the `rope_parameters` of later configurations, which also hold the base.
    static func read(
        _ reader: inout ConfigurationReader, pairs: Int, defaultBase: Double = 10_000
    ) -> (scaling: RotaryScaling, base: Double) {
        let outerBase = reader.number("rope_theta", default: defaultBase)
        for key in ["rope_scaling", "rope_parameters"] {
            if let found = reader.object(key, { readMembers(&$0, base: outerBase, pairs: pairs) }) { return found }
        }
        return (.none, outerBase)
    }

    private enum Kind { case none, linear, llama3, yarn, divisors }

    private static func readMembers(
        _ reader: inout ConfigurationReader, base: Double, pairs: Int
    ) -> (RotaryScaling, Double) {
        let base = reader.number("rope_theta", default: base)
        let older = reader.value("type") != nil && reader.value("rope_type") == nil
        let kind = reader.choice(
            older ? "type" : "rope_type", default: "default",
            among: [
                "default": Kind.none, "linear": .linear, "llama3": .llama3, "yarn": .yarn, "gguf_divisors": .divisors,
            ])
        switch kind {
        case nil:
            // Whatever else stands there belongs to the kind that is not known.
            reader.ignoreRest()
            return (.none, base)
        case .none?: return (.none, base)
        case .linear?: return (.linear(factor: reader.number("factor")), base)
        case .llama3?: return (.llama3(Llama3Scaling(&reader)), base)
        case .yarn?: return (.yarn(YarnScaling(&reader)), base)
        case .divisors?:
            return (.divisors(reader.divisors("divisors", pairs: pairs)), base)
        }
    }
}

/// The scaling of Llama 3.1: long waves are stretched, short ones stay, those between are blended.
struct Llama3Scaling: Hashable, Sendable {
    var factor: Double
    var lowFactor: Double
    var highFactor: Double
    var originalContext: Double

    init(_ reader: inout ConfigurationReader) {
        factor = reader.number("factor")
        lowFactor = reader.number("low_freq_factor")
        highFactor = reader.number("high_freq_factor")
        originalContext = Double(reader.integer("original_max_position_embeddings"))
        if reader.isSound("low_freq_factor", "high_freq_factor"), highFactor <= lowFactor {
            reader.refuse("high_freq_factor", allowed: "it must be above \"low_freq_factor\"")
        }
    }

    func scaled(_ frequency: Double) -> Double {
        let wavelength = 2 * Double.pi / frequency
        if wavelength < originalContext / highFactor { return frequency }
        if wavelength > originalContext / lowFactor { return frequency / factor }
        let share = (originalContext / wavelength - lowFactor) / (highFactor - lowFactor)
        return (1 - share) * frequency / factor + share * frequency
    }
}

/// YaRN (Peng et al. 2023): a ramp over the pairs between stretched and unchanged frequencies.
struct YarnScaling: Hashable, Sendable {
    var factor: Double
    var attentionFactor: Double
    var betaFast: Double
    var betaSlow: Double
    /// nil: the configuration's `max_position_embeddings`.
    var originalContext: Int?
    var truncates: Bool

    init(_ reader: inout ConfigurationReader) {
        let factor = reader.number("factor")
        self.factor = factor
        betaFast = reader.number("beta_fast", default: 32)
        betaSlow = reader.number("beta_slow", default: 1)
        originalContext =
            reader.value("original_max_position_embeddings") == nil
            ? nil : reader.integer("original_max_position_embeddings")
        truncates = reader.flag("truncate", default: true)
        let magnitudes = (reader.value("mscale")?.number ?? 0, reader.value("mscale_all_dim")?.number ?? 0)
        func magnitude(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
        if reader.value("attention_factor") != nil {
            attentionFactor = reader.number("attention_factor")
        } else if magnitudes.0 != 0, magnitudes.1 != 0 {
            attentionFactor = magnitude(magnitudes.0) / magnitude(magnitudes.1)
        } else {
            attentionFactor = magnitude(1)
        }
    }

    func scaled(
        _ frequencies: [Double], base: Double, headSize: Int, context: Int
    ) -> (frequencies: [Double], factor: Double) {
        let size = Double(headSize)
        let original = Double(originalContext ?? context)
        func pair(turning rotations: Double) -> Double {
            size * log(original / (rotations * 2 * Double.pi)) / (2 * log(base))
        }
        var (low, high) = (pair(turning: betaFast), pair(turning: betaSlow))
        if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(low, 0), min(high, size - 1))
        if low == high { high += 0.001 }
        let scaled = frequencies.enumerated().map { index, frequency in
            let ramp = min(max((Double(index) - low) / (high - low), 0), 1)
            return frequency / factor * ramp + frequency * (1 - ramp)
        }
        return (scaled, attentionFactor)
    }
}
