import Graph

/// down(act(gate(x)) · up(x)) (Shazeer 2020), the MLP of most decoders.
///
/// The activated gate, before it meets up, is the site `mlp_activation`.
struct GatedMLP {
    /// Columns of gate and up.
    let width: Int
    let activation: UnaryFunction
    var bias = false
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        // gate_proj.weight [width, hidden], up_proj.weight [width, hidden], down_proj.weight [hidden, width]
        let gate = module["gate_proj"].linear(rows, to: width, bias: bias)
        let activated = module.building { gate.applying(activation) }
        module["act_fn"].declareOutput(.mlpActivation, layer, activated, input: gate)
        let up = module["up_proj"].linear(rows, to: width, bias: bias)
        let gated = module.building { activated * up }
        return module["down_proj"].linear(gated, to: rows.width, bias: bias)
    }
}
