import Graph
import InterventionDSL

/// Latents of a JumpReLU sparse autoencoder (Rajamanoharan et al. 2024, arXiv 2407.14435) are swapped, set or scaled.
///
///     a(x) = x E + b_e,   z(x) = relu(a) where a > θ, else 0,   decode(z) = z D + b_d
///     decode(z′)                      or, keeping what the autoencoder can not express,
///     h + (z′ − z) D
///
/// Rows h are [1, d]; E [d, l], θ and b_e [1, l], D [l, d], b_d [1, d], as Gemma Scope and pyvene store them. With
/// `weights` these are frozen; without them they are parameters of `latents` latents, 2ld + 2l + d numbers, that start as a
/// default linear layer does, θ at zero. As in pyvene θ has no gradient, and no weight decay acts on it. z′ is z in all latents but those of the
/// declaration's subspace.
///
/// ```swift
/// let weights = JumpReLUWeights(file: "sae.safetensors", width: 576, latents: 16_384)
/// JumpReLUAutoencoder(weights, .set(8)).on(.blockOutput, layer: 20).at(.generated).subspace([9107])
/// ```
public struct JumpReLUAutoencoder: Intervention {
    /// The frozen layers; nil for parameters.
    public var weights: JumpReLUWeights?
    /// l.
    public var latents: Int
    /// What happens to the chosen latents.
    public var change: LatentEdit
    /// Whether what the autoencoder can not express stays in the rows.
    public var keepsError: Bool

    /// Frozen layers.
    public init(_ weights: JumpReLUWeights, _ change: LatentEdit, keepsError: Bool? = nil) {
        self.weights = weights
        latents = weights.encoder.columns
        self.change = change
        self.keepsError = keepsError ?? change.keepsErrorByDefault
    }

    /// Layers that are parameters.
    public init(latents: Int, _ change: LatentEdit, keepsError: Bool? = nil) {
        self.latents = latents
        self.change = change
        self.keepsError = keepsError ?? change.keepsErrorByDefault
    }

    public var sources: [SourceReference] { change.sources }
    public var constantRows: [ConstantRow] {
        weights.map { [$0.encoderBias, $0.decoderBias, $0.threshold] } ?? []
    }
    public var constantMatrices: [ConstantMatrix] { weights.map { [$0.encoder, $0.decoder] } ?? [] }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(latents) }

    public func parameters(at site: SiteShape) -> ParameterList {
        guard weights == nil else { return [] }
        let d = site.width
        return [
            ParameterSpecification("encoder", d, latents, initialiser: .linear(inputs: d)),
            ParameterSpecification("encoder_bias", 1, latents, initialiser: .linear(inputs: d)),
            ParameterSpecification("decoder", latents, d, initialiser: .linear(inputs: latents)),
            ParameterSpecification("decoder_bias", 1, d, initialiser: .linear(inputs: latents)),
            ParameterSpecification("threshold", 1, latents, initialiser: .zeros, decays: false),
        ]
    }

    public func problems(at site: SiteShape) -> [String] {
        guard let weights else {
            return (latents < 1 ? ["\(latents) latents are given; at least 1 is needed"] : []) + change.problems
        }
        return weights.problems(at: site) + change.problems
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let layers = try layers(&context)
        func encode(_ value: Value) -> Value {
            let activity = value.times(layers.encoder) + layers.encoderBias
            return activity.applying(.greater, layers.threshold) * activity.applying(.relu)
        }
        let latents = encode(rows)
        let edited = try change.edited(latents, encode: encode, &context)
        return keepsError
            ? rows + (edited - latents).times(layers.decoder) : edited.times(layers.decoder) + layers.decoderBias
    }

    private func layers(
        _ context: inout EditContext
    ) throws -> (encoder: Value, encoderBias: Value, decoder: Value, decoderBias: Value, threshold: Value) {
        guard let weights else {
            return (
                try context.parameter("encoder"), try context.parameter("encoder_bias"),
                try context.parameter("decoder"), try context.parameter("decoder_bias"),
                try context.parameter("threshold")
            )
        }
        return (
            try context.constant(weights.encoder), try context.constant(weights.encoderBias),
            try context.constant(weights.decoder), try context.constant(weights.decoderBias),
            try context.constant(weights.threshold)
        )
    }
}

extension JumpReLUAutoencoder {
    private enum CodingKeys: String, CodingKey { case weights, latents, keepsError }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let change = try LatentEdit(from: decoder)
        let keepsError = try container.decodeIfPresent(Bool.self, forKey: .keepsError)
        if let weights = try container.decodeIfPresent(JumpReLUWeights.self, forKey: .weights) {
            self.init(weights, change, keepsError: keepsError)
        } else {
            self.init(latents: try container.decode(Int.self, forKey: .latents), change, keepsError: keepsError)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let weights {
            try container.encode(weights, forKey: .weights)
        } else {
            try container.encode(latents, forKey: .latents)
        }
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
