import Graph
import InterventionDSL

/// Latents of a JumpReLU sparse autoencoder (Rajamanoharan et al. 2024, arXiv 2407.14435) are swapped, set or scaled.
///
///     a(x) = x E + b_e,   z(x) = relu(a) where a > θ, else 0,   decode(z) = z D + b_d
///     decode(z′)                      or, keeping what the autoencoder can not express,
///     h + (z′ − z) D
///
/// Rows h are [1, d]; E [d, l], θ and b_e [1, l], D [l, d], b_d [1, d], as Gemma Scope stores them. They are frozen;
/// θ would have no gradient. z′ is z in all latents but those of the declaration's subspace.
///
/// ```swift
/// let weights = JumpReLUWeights(file: "sae.safetensors", width: 576, latents: 16_384)
/// JumpReLUAutoencoder(weights, .set(8)).on(.blockOutput, layer: 20).at(.generated).subspace([9107])
/// ```
public struct JumpReLUAutoencoder: Intervention {
    public var weights: JumpReLUWeights
    /// What happens to the chosen latents.
    public var change: LatentEdit
    /// Whether what the autoencoder can not express stays in the rows.
    public var keepsError: Bool

    public init(_ weights: JumpReLUWeights, _ change: LatentEdit, keepsError: Bool? = nil) {
        self.weights = weights
        self.change = change
        self.keepsError = keepsError ?? change.keepsErrorByDefault
    }

    public var sources: [SourceReference] { change.sources }
    public var constantRows: [ConstantRow] { [weights.encoderBias, weights.decoderBias, weights.threshold] }
    public var constantMatrices: [ConstantMatrix] { [weights.encoder, weights.decoder] }
    public func problems(at site: SiteShape) -> [String] { weights.problems(at: site) + change.problems }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(weights.encoder.columns) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let (encoder, encoderBias) = (try context.constant(weights.encoder), try context.constant(weights.encoderBias))
        let (decoder, decoderBias) = (try context.constant(weights.decoder), try context.constant(weights.decoderBias))
        let threshold = try context.constant(weights.threshold)
        func encode(_ value: Value) -> Value {
            let activity = value.times(encoder) + encoderBias
            return activity.applying(.greater, threshold) * activity.applying(.relu)
        }
        let latents = encode(rows)
        let edited = try change.edited(latents, encode: encode, &context)
        return keepsError ? rows + (edited - latents).times(decoder) : edited.times(decoder) + decoderBias
    }

    private enum CodingKeys: String, CodingKey { case weights, keepsError }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(JumpReLUWeights.self, forKey: .weights), try LatentEdit(from: decoder),
            keepsError: try container.decodeIfPresent(Bool.self, forKey: .keepsError))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(weights, forKey: .weights)
        if keepsError != change.keepsErrorByDefault { try container.encode(keepsError, forKey: .keepsError) }
        try change.encode(to: encoder)
    }
}

/// The layers of a ``JumpReLUAutoencoder``: encoder [d, l], decoder [l, d], their biases, and the thresholds.
public struct JumpReLUWeights: Hashable, Sendable, Codable {
    public var encoder: ConstantMatrix
    public var encoderBias: ConstantRow
    public var decoder: ConstantMatrix
    public var decoderBias: ConstantRow
    public var threshold: ConstantRow

    public init(
        encoder: ConstantMatrix, encoderBias: ConstantRow, decoder: ConstantMatrix, decoderBias: ConstantRow,
        threshold: ConstantRow
    ) {
        self.encoder = encoder
        self.encoderBias = encoderBias
        self.decoder = decoder
        self.decoderBias = decoderBias
        self.threshold = threshold
    }

    /// The tensors of a file under Gemma Scope's names: `W_enc`, `b_enc`, `W_dec`, `b_dec`, `threshold`.
    public init(file: String, width: Int, latents: Int, prefix: String = "") {
        func reference(_ name: String, _ shape: Int...) -> TensorReference {
            TensorReference(file: file, name: prefix + name, shape: shape)
        }
        self.init(
            encoder: .reference(reference("W_enc", width, latents)),
            encoderBias: .reference(reference("b_enc", latents)),
            decoder: .reference(reference("W_dec", latents, width)), decoderBias: .reference(reference("b_dec", width)),
            threshold: .reference(reference("threshold", latents)))
    }

    func problems(at site: SiteShape) -> [String] {
        let latents = encoder.columns
        let matrices = [
            encoder.problem("its encoder", rows: site.width, columns: max(latents, 1)),
            decoder.problem("its decoder", rows: max(latents, 1), columns: site.width),
        ].compactMap { $0 }
        let rows = [
            ("encoder's bias", encoderBias, latents), ("decoder's bias", decoderBias, site.width),
            ("list of thresholds", threshold, latents),
        ].compactMap { $1.width == $2 ? nil : "its \($0) has \($1.width) numbers; \($2) are needed" }
        return matrices + rows
    }
}
