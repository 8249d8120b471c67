/// Weights of the model that are trained beside a program's interventions.
///
/// ```swift
/// Program {
///     Train(weights: "model.layers[*].mlp.down_proj.weight")
///     LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last)
/// }
/// ```
/// Each weight starts from the model's own numbers, expanded to f32, and is stored whole in the adapter. All runs of the
/// program share the model, so they all use the trained weights. A tensor that is used several times, such as a tied
/// embedding table, is one parameter.
///
/// A pattern is a tensor's checkpoint name with `*` and spans, `layers[4-8].self_attn.*.weight`; leading parts may be left
/// out. One that matches nothing is a problem when the program is bound.
public struct Train: Sendable {
    let weights: [TrainableWeights]

    /// The weights that patterns match.
    public init(weights pattern: String, _ more: String..., file: String = #fileID, line: UInt = #line) {
        weights = ([pattern] + more).map { TrainableWeights($0, location: .swift(file: file, line: line)) }
    }
}
