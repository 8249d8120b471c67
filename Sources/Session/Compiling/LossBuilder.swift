import Graph
import Models

/// Appends the loss of a model's output to a graph.
///
/// Language models and classifiers: Σ −log softmax(logits)[target] · scale, over the judged rows or the sequences.
/// Regression: Σ (output − target)² · scale. The scale is 1 / the number of labels of the whole optimiser step, so that
/// the losses of its batches add up to the mean over all labels.
struct LossBuilder {
    let builder: GraphBuilder
    let inputs: RunInputs
    let kind: ModelKind

    /// - Parameter logitsAreLabelled: whether the rows of logits are just the judged ones.
    func loss(of logits: Value, logitsAreLabelled: Bool) -> Value {
        builder.from(.loss) {
            let scale = builder.input(inputs.lossScale, .real(1, 1))
            return total(logits, logitsAreLabelled) * scale
        }
    }

    private func total(_ logits: Value, _ logitsAreLabelled: Bool) -> Value {
        if kind.predictsNumbers {
            let targets = builder.input(inputs.targetValues, .real(inputs.sequences, 1))
            return (logits - targets).applying(.square).sum(.all)
        }
        let targets = builder.input(
            inputs.targets, .indices(logitsAreLabelled ? logits.shape.rows : inputs.labelledRows))
        guard !logitsAreLabelled else { return builder.node(.crossEntropy, logits, targets).sum(.all) }
        let labelled = builder.input(inputs.labelled, .indices(inputs.labelledRows))
        return builder.node(.crossEntropy, logits.rows(at: labelled), targets).sum(.all)
    }
}
