/// The names under which one run of a model finds its batch: symbols and inputs, all prefixed by the run's name.
///
/// A batch is ragged: the rows of all sequences one after another, without padding.
public struct RunInputs: Hashable, Sendable {
    /// The prefix of all names.
    public let run: String
    /// The run that this one has its sequences in common with: itself, or the decoder whose encoder it is.
    public let sequenceRun: String

    /// The names of the run `run`.
    public init(run: String = "base") { self.init(run: run, sequencesOf: run) }

    /// The names of a run that has as many sequences as another, because that one attends to it.
    public init(run: String, sequencesOf sequenceRun: String) {
        self.run = run
        self.sequenceRun = sequenceRun
    }

    /// The run of the encoder that this run of an encoder-decoder model attends to: `encoder` for `base`, else the
    /// run's name and `.encoder`.
    public var encoder: RunInputs {
        RunInputs(run: run == "base" ? "encoder" : "\(run).encoder", sequencesOf: sequenceRun)
    }

    /// The run whose encoder a run of this name is, in a model that has encoders; nil if it is none.
    public static func decoder(ofEncoder run: String) -> String? {
        if run == "encoder" { return "base" }
        return run.hasSuffix(".encoder") ? String(run.dropLast(".encoder".count)) : nil
    }

    /// How many token rows the batch has.
    public var rows: Dimension { .named("\(run).rows") }
    /// How many sequences the batch has.
    public var sequences: Dimension { .named("\(sequenceRun).sequences") }
    /// sequences + 1.
    public var bounds: Dimension { .named("\(sequenceRun).bounds") }
    /// How many pairs of a query and a key of one sequence there are; follows from the offsets and what is stored.
    public var pairs: Dimension { .named("\(run).pairs") }
    /// How many pairs there are of a query of this run and a key of the run that it attends to.
    public var crossPairs: Dimension { .named("\(run).cross_pairs") }
    /// How many rows of logits are read.
    public var demandedRows: Dimension { .named("\(run).demanded.rows") }
    /// How many rows carry a label.
    public var labelledRows: Dimension { .named("\(run).labelled.rows") }

    /// Token ids, index [rows, 1].
    public var tokens: String { "\(run).tokens" }
    /// The position of each row within its sequence, counted from 0, index [rows, 1].
    public var positions: String { "\(run).positions" }
    /// The first row of each sequence and the total, index [bounds, 1].
    public var offsets: String { "\(run).offsets" }
    /// Segment ids of encoder models, index [rows, 1].
    public var tokenTypes: String { "\(run).token_types" }
    /// The numbers of each row, for models that take such in place of tokens, real [rows, columns].
    public var features: String { "\(run).features" }
    /// The last row of each sequence, index [sequences, 1].
    public var lastRows: String { "\(run).last_rows" }
    /// The first row of each sequence, index [sequences, 1].
    public var firstRows: String { "\(run).first_rows" }
    /// The rows whose logits are read, ascending, index [demandedRows, 1].
    public var demanded: String { "\(run).demanded" }
    /// The rows of the logits that carry a label, index [labelledRows, 1].
    public var labelled: String { "\(run).labelled" }
    /// The target of each labelled row, index [labelledRows, 1].
    public var targets: String { "\(run).targets" }
    /// The real-valued target of each sequence for regression, real [sequences, 1].
    public var targetValues: String { "\(run).target_values" }
    /// 1 / the number of labels of the whole optimiser step, real [1, 1].
    public var lossScale: String { "\(run).loss_scale" }
    /// The seed of the step, index [1, 1].
    public static let seed = "seed"
}
