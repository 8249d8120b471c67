/// How much each label counts in the gradient of a step.
///
/// With ℓᵢ the cross-entropy at label i (the squared error of an example, in a regression):
///
/// - ``step``: g = 1/n · Σ ∇ℓᵢ over the n labels of the step. A label of a step with few labels counts more than one of
///   a step with many.
/// - ``epoch``: g = S/N · Σ ∇ℓᵢ over the labels of the step, where N is the number of labels of all examples and S that of
///   the epoch's steps. The mean of g over an epoch with fixed parameters is 1/N · Σ ∇ℓᵢ over all labels, whatever the
///   batches.
///
/// Both are the same where all steps have as many labels. The loss of a step that is shown is its mean over the step's labels
/// with either.
public enum LabelWeighting: String, Codable, Hashable, Sendable, CaseIterable {
    case step, epoch
}
