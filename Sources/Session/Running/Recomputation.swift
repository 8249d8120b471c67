import Graph

/// Which values of the forward pass are computed again in the backward pass instead of being kept (gradient
/// checkpointing). Losses, gradients and receipts have the same bits with any of them.
///
/// Of a block that is computed again only what goes in and what edits pick out is kept; its products but the last one
/// are computed twice. What comes after the last block that gradients pass is read back at once and never recomputed.
public enum Recomputation: Hashable, Sendable, Codable {
    /// Everything that gradients read is kept.
    case none
    /// What attention gives is computed again from queries, keys and values, which costs little.
    case attention
    /// So many of the blocks that gradients pass, the lowest first, all if there are fewer;
    /// and what attention gives in the others.
    case blocks(Int)
    /// All blocks that gradients pass.
    case everyBlock
    /// As little of the above as it takes for the values of a batch to fit into so many bytes; all if they never do. Weights, which
    /// are mapped, and the work space of kernels come on top.
    case fitting(bytes: Int)
}

extension Recomputation {
    /// What it means for a model, where that does not depend on the batch.
    public var parts: RecomputedParts? {
        switch self {
        case .none: RecomputedParts.none
        case .attention: RecomputedParts(attention: true)
        case .blocks(let count): RecomputedParts(blocks: count, attention: true)
        case .everyBlock: RecomputedParts(blocks: .max, attention: true)
        case .fitting: nil
        }
    }
}

/// What computing blocks again costs and saves, for one batch.
public struct RecomputationReport: Hashable, Sendable, Codable {
    /// The blocks that can be computed again.
    public var blocks: Int
    /// Those that are.
    public var recomputed: Int
    /// The multiplications with the model's matrices that a step has beside those that it would have anyway.
    public var extraMultiplications: Double
    /// The multiplications with the model's matrices of a step that recomputes nothing, backward pass included.
    public var multiplications: Double
    /// Whether what attention gives is computed again in all blocks.
    public var attention: Bool
    /// The bytes that hold the values of the batch.
    public var bytes: Int
    /// The bytes that would hold them if everything were kept.
    public var bytesWithout: Int

    /// The extra multiplications as a share of those without.
    public var extraShare: Double { multiplications > 0 ? extraMultiplications / multiplications : 0 }

    enum CodingKeys: String, CodingKey {
        case blocks, recomputed, attention, multiplications, bytes
        case extraMultiplications = "extra_multiplications"
        case bytesWithout = "bytes_without"
    }
}

extension RecomputationReport: CustomStringConvertible {
    /// `computes 21 of 21 blocks again: values of a batch take 0.94 GB instead of 6.81 GB, for 38.2 % more multiplications`
    public var description: String {
        func fixed(_ number: Double, _ digits: Int) -> String {
            let scale = digits == 1 ? 10.0 : 100.0
            return "\((number * scale).rounded() / scale)"
        }
        let size = { (bytes: Int) in
            bytes >= 1_000_000_000 ? "\(fixed(Double(bytes) / 1e9, 2)) GB" : "\(fixed(Double(bytes) / 1e6, 1)) MB"
        }
        guard recomputed > 0 else {
            return attention
                ? "computes what attention gives again: values of a batch take \(size(bytes)) instead of "
                    + size(bytesWithout) : "keeps all values that gradients read: \(size(bytes)) for a batch"
        }
        return "computes \(recomputed) of \(blocks) blocks again: values of a batch take \(size(bytes)) instead of "
            + "\(size(bytesWithout)), for \(fixed(100 * extraShare, 1)) % more multiplications"
    }
}
