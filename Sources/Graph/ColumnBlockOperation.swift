/// What a node does with rows whose columns are blocks of equal width side by side: heads, or the experts of a mixture.
///
/// `k` is the number of parts of a row; `places` and the results of `topK` are numbers of blocks, held as real numbers.
/// The operations are each other's gradients.
public enum ColumnBlockOperation: Hashable, Sendable {
    /// x [n, c] → [n, count · width], some of the blocks.
    case slice(ColumnBlocks)
    /// part [n, count · width] → [n, total], zero outside the blocks.
    case pad(ColumnBlocks, total: Int)
    /// (parts [n, k · c], places [n, k]) → [n, count · c]: each part at its place, zero elsewhere. The places of a row are
    /// distinct.
    case place(count: Int)
    /// (blocks [n, count · c], places [n, k]) → [n, k · c]: the blocks at the places.
    case take(count: Int)
    /// (parts [n, k · c], weights [n, k]) → Σⱼ weightⱼ · partⱼ, [n, c].
    case mix
    /// (x [n, c], weights [n, k]) → weightⱼ · x side by side, [n, k · c].
    case spread
    /// (parts [n, k · c], x [n, c]) → partⱼ · x, [n, k].
    case dot

    /// The name, as printers show it.
    var name: String {
        switch self {
        case .slice: "blocks.slice"
        case .pad: "blocks.pad"
        case .place: "blocks.place"
        case .take: "blocks.take"
        case .mix: "blocks.mix"
        case .spread: "blocks.spread"
        case .dot: "blocks.dot"
        }
    }
}

/// Which blocks of columns are meant: `count` of them, every `stride`-th from `first` on.
public struct ColumnBlocks: Hashable, Sendable {
    /// Columns of a block.
    public var width: Int
    /// The first block.
    public var first: Int
    /// Blocks from one to the next.
    public var stride: Int
    /// How many.
    public var count: Int

    public init(width: Int, first: Int = 0, stride: Int = 1, count: Int) {
        self.width = width
        self.first = first
        self.stride = stride
        self.count = count
    }

    /// Columns of all of them.
    public var columns: Int { width * count }

    /// The first column of a block.
    public func start(_ block: Int) -> Int { (first + block * stride) * width }

    /// Whether they all lie within so many columns.
    func fit(into total: Int) -> Bool {
        guard width > 0, first >= 0, stride > 0, count > 0, [width, first, stride, count].allSatisfy({ $0 <= 1 << 30 })
        else { return false }
        let (end, overflow) = (first + (count - 1) * stride + 1).multipliedReportingOverflow(by: width)
        return !overflow && end <= total
    }
}

/// A product of each row with the matrices of the experts that were chosen for it.
///
/// Inputs: x, experts [n, slots] (numbers of experts), and the matrix of each expert. Slot j of a row is computed with
/// the matrix of expert j of that row; what is not chosen costs nothing.
public struct ExpertProduct: Hashable, Sendable {
    /// How many experts there are, hence matrices.
    public var experts: Int
    /// How many are chosen for a row.
    public var slots: Int
    /// Whether a matrix is [outputs, inputs], as checkpoints store it, or [inputs, outputs].
    public var transposesMatrices: Bool
    /// Whether all slots read the same x [n, inputs]; else each its own part of [n, slots · inputs].
    public var sharesInput: Bool
    /// Whether the slots are added up to [n, outputs]; else they stand side by side, [n, slots · outputs].
    public var sumsSlots: Bool

    public init(
        experts: Int, slots: Int, transposesMatrices: Bool = true, sharesInput: Bool = false, sumsSlots: Bool = false
    ) {
        self.experts = experts
        self.slots = slots
        self.transposesMatrices = transposesMatrices
        self.sharesInput = sharesInput
        self.sumsSlots = sumsSlots
    }

    /// The product that sends an adjoint back to x.
    var backwards: ExpertProduct {
        ExpertProduct(
            experts: experts, slots: slots, transposesMatrices: !transposesMatrices, sharesInput: sumsSlots,
            sumsSlots: sharesInput)
    }
}

extension Value {
    /// Blocks of columns side by side.
    public func columns(_ blocks: ColumnBlocks) -> Value { builder.node(.blocks(.slice(blocks)), self) }

    /// The largest numbers of each row, falling, and their columns.
    public func largest(_ count: Int) -> (values: Value, columns: Value) {
        let results = builder.results(.topK(count), [self])
        return (results[0], results[1])
    }
}
