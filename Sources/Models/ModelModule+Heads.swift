import Graph

/// Cosine and sine of each row's angles, which the layers of a model share.
typealias RotaryTables = (cosine: Value, sine: Value)

extension ModelModule {
    /// A linear layer whose columns are heads, as the site of a component.
    func headProjection(
        _ rows: Value, _ component: Component, layer: Int, heads: Int, headSize: Int, bias: Bool = false
    ) -> Value {
        let value = linear(rows, to: heads * headSize, bias: bias)
        declareOutput(component, layer, value, input: rows, heads: heads)
        return value
    }

    /// Queries or keys turned by the angles of their rows; columns of a head beyond the angles stay.
    func rotated(_ rows: Value, by tables: RotaryTables, heads: Int, headSize: Int) -> Value {
        building {
            builder.node(
                .rotate(RotaryAttributes(heads: heads, headSize: headSize)), rows, tables.cosine, tables.sine)
        }
    }

    /// Each number of the rows brought within ±limit; the rows themselves where there is none.
    func clipped(_ rows: Value, to limit: Double?) -> Value {
        guard let limit else { return rows }
        return building {
            rows.applying(.maximum, builder.scalar(-limit)).applying(.minimum, builder.scalar(limit))
        }
    }

    /// Sends logits through cap · tanh(x / cap), which keeps them within ±cap; the logits themselves without a cap.
    func softCapped(_ logits: Value, at cap: Double?) -> Value {
        guard let cap else { return logits }
        return building { ((1 / cap) * logits).applying(.tanh) * cap }
    }
}
