import Graph
import InterventionDSL

/// What happens to the latents of an autoencoder that the declaration's subspace selects; all without one.
///
/// In a program file: `"source": { "run": "clean" }` beside the intervention, or `"set": 4`, or `"scale": 0` within it.
public enum LatentEdit: Hashable, Sendable {
    /// z → z(s), the latents of the source's rows.
    case swap(SourceReference)
    /// z → value.
    case set(Double)
    /// z → factor · z.
    case scale(Double)

    /// The latents of a run, at the place and the positions that are edited.
    public static func swap(from run: String) -> LatentEdit { .swap(SourceReference(run: run)) }

    var sources: [SourceReference] { if case .swap(let source) = self { [source] } else { [] } }

    var problems: [String] {
        switch self {
        case .swap: []
        case .set(let value), .scale(let value):
            value.isFinite ? [] : ["\(value) is given for latents; it must be finite"]
        }
    }

    /// Steering keeps what the autoencoder can not express; swapping replaces the rows by what it can, as pyvene does.
    var keepsErrorByDefault: Bool { if case .swap = self { false } else { true } }

    /// The new latents.
    func edited(_ latents: Value, encode: (Value) throws -> Value, _ context: inout EditContext) throws -> Value {
        let mask = context.subspaceMask()
        switch self {
        case .swap: return swapped(latents, try encode(try context.source()), within: mask)
        case .set(let value):
            let wanted = context.builder.scalar(value).broadcast(to: latents.shape)
            return swapped(latents, wanted, within: mask)
        case .scale(let factor): return swapped(latents, latents * factor, within: mask)
        }
    }
}

extension LatentEdit {
    private enum CodingKeys: String, CodingKey { case source, set, scale }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let source = try container.decodeIfPresent(SourceReference.self, forKey: .source)
        let value = try container.decodeIfPresent(Double.self, forKey: .set)
        let factor = try container.decodeIfPresent(Double.self, forKey: .scale)
        switch (source, value, factor) {
        case (let source?, nil, nil): self = .swap(source)
        case (nil, let value?, nil): self = .set(value)
        case (nil, nil, let factor?): self = .scale(factor)
        default:
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "exactly one of 'source', 'set' and 'scale' says what happens to the latents"))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .swap(let source): try container.encode(source, forKey: .source)
        case .set(let value): try container.encode(value, forKey: .set)
        case .scale(let factor): try container.encode(factor, forKey: .scale)
        }
    }
}
