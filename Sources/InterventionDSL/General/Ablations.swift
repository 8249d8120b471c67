import Graph

/// Mean ablation: h → μ, with a constant row μ of the site's width, such as the mean over a data set.
///
/// ```swift
/// MeanAblation(mean).on(.attentionOutput, layer: 5).at(.all)
/// ```
public struct MeanAblation: Intervention {
    /// μ: numbers in memory or a tensor in a file.
    public var mean: ConstantRow

    /// The row in memory.
    public init(_ mean: [Float]) { self.init(.numbers(mean)) }

    /// The row in memory or in a file.
    public init(_ mean: ConstantRow) { self.mean = mean }

    public var constantRows: [ConstantRow] { [mean] }

    public func problems(at site: SiteShape) -> [String] {
        mean.width == site.width ? [] : ["its mean has \(mean.width) numbers, the site is \(site.width) wide"]
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        try context.constant(mean).broadcast(to: rows.shape)
    }
}

/// Resample ablation: h → the row of another example.
///
/// Within a batch each row is replaced by a row drawn from those that are edited in the other sequences, keyed with the
/// batch's seed; a batch of one sequence is refused, and so are generated rows in generation, where sequences end one by
/// one. From a source run (`from:`) each row is replaced by that run's, whose sequences are other examples.
///
/// ```swift
/// ResampleAblation().on(.attentionOutput, layer: 5).at(.last)
/// ```
public struct ResampleAblation: Intervention {
    /// The run of other examples; nil for those of the batch.
    public var source: SourceReference?

    /// Rows of the other sequences of the batch.
    public init() {}

    /// Rows of a source run, at the place and the positions that are edited.
    public init(from run: String) { source = SourceReference(run: run) }

    /// Rows of a source run, from another place or other positions.
    public init(from source: SourceReference) { self.source = source }

    public var sources: [SourceReference] { source.map { [$0] } ?? [] }
    public var keepsRowsEqualToSource: Bool { source != nil }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        source == nil ? context.rowsOfOtherSequences(rows) : try context.source()
    }
}
