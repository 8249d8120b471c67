import Graph
import InterventionDSL

/// Latents of an autoencoder with one layer on each side are swapped, set or scaled.
///
///     z(x) = relu((x − b_d) Eᵀ + b_e),   decode(z) = z Dᵀ + b_d
///     decode(z′)                      or, keeping what the autoencoder can not express,
///     h + (z′ − z) Dᵀ
///
/// Rows h are [1, d]; E [l, d], b_e [1, l], D [d, l], b_d [1, d], as pyvene's layer stores them. With `weights` these are
/// frozen; without them `latents` of them are trained from a default linear layer's start: 2ld + l + d numbers.
/// z′ is z in all latents but those of the declaration's subspace.
///
/// ```swift
/// Autoencoder(weights, .swap(from: "source")).on(.blockOutput, layer: 5).at(.last).subspace([12, 40])
/// ```
public struct Autoencoder: Intervention {
    /// The frozen layers; nil for trained ones.
    public var weights: AutoencoderWeights?
    /// l.
    public var latents: Int
    /// What happens to the chosen latents.
    public var change: LatentEdit
    /// Whether what the autoencoder can not express stays in the rows.
    public var keepsError: Bool

    /// Frozen layers.
    public init(_ weights: AutoencoderWeights, _ change: LatentEdit, keepsError: Bool? = nil) {
        self.weights = weights
        latents = weights.encoder.rows
        self.change = change
        self.keepsError = keepsError ?? change.keepsErrorByDefault
    }

    /// Layers that are trained.
    public init(latents: Int, _ change: LatentEdit, keepsError: Bool? = nil) {
        self.latents = latents
        self.change = change
        self.keepsError = keepsError ?? change.keepsErrorByDefault
    }

    public var sources: [SourceReference] { change.sources }
    public var constantRows: [ConstantRow] { weights.map { [$0.encoderBias, $0.decoderBias] } ?? [] }
    public var constantMatrices: [ConstantMatrix] { weights.map { [$0.encoder, $0.decoder] } ?? [] }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(latents) }

    public func parameters(at site: SiteShape) -> ParameterList {
        guard weights == nil else { return [] }
        let d = site.width
        return [
            ParameterSpecification("encoder", latents, d, initialiser: .linear(inputs: d)),
            ParameterSpecification("encoder_bias", 1, latents, initialiser: .linear(inputs: d)),
            ParameterSpecification("decoder", d, latents, initialiser: .linear(inputs: latents)),
            ParameterSpecification("decoder_bias", 1, d, initialiser: .linear(inputs: latents)),
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
            (value - layers.decoderBias).linear(layers.encoder, bias: layers.encoderBias).applying(.relu)
        }
        let latents = encode(rows)
        let edited = try change.edited(latents, encode: encode, &context)
        return keepsError
            ? rows + (edited - latents).linear(layers.decoder)
            : edited.linear(layers.decoder, bias: layers.decoderBias)
    }

    private func layers(
        _ context: inout EditContext
    ) throws -> (encoder: Value, encoderBias: Value, decoder: Value, decoderBias: Value) {
        guard let weights else {
            return (
                try context.parameter("encoder"), try context.parameter("encoder_bias"),
                try context.parameter("decoder"), try context.parameter("decoder_bias")
            )
        }
        return (
            try context.constant(weights.encoder), try context.constant(weights.encoderBias),
            try context.constant(weights.decoder), try context.constant(weights.decoderBias)
        )
    }
}

extension Autoencoder {
    private enum CodingKeys: String, CodingKey { case weights, latents, keepsError }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let change = try LatentEdit(from: decoder)
        let keepsError = try container.decodeIfPresent(Bool.self, forKey: .keepsError)
        if let weights = try container.decodeIfPresent(AutoencoderWeights.self, forKey: .weights) {
            self.init(weights, change, keepsError: keepsError)
        } else {
            self.init(
                latents: try container.decode(Int.self, forKey: .latents), change, keepsError: keepsError)
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

/// The layers of an ``Autoencoder``: encoder [l, d] with its bias, decoder [d, l] with its bias.
public struct AutoencoderWeights: Hashable, Sendable, Codable {
    public var encoder: ConstantMatrix
    public var encoderBias: ConstantRow
    public var decoder: ConstantMatrix
    public var decoderBias: ConstantRow

    public init(
        encoder: ConstantMatrix, encoderBias: ConstantRow, decoder: ConstantMatrix, decoderBias: ConstantRow
    ) {
        self.encoder = encoder
        self.encoderBias = encoderBias
        self.decoder = decoder
        self.decoderBias = decoderBias
    }

    /// The tensors of a file under the names of pyvene's state: `autoencoder.encoder.0.weight` and so on.
    public init(file: String, width: Int, latents: Int, prefix: String = "autoencoder.") {
        func reference(_ name: String, _ shape: Int...) -> TensorReference {
            TensorReference(file: file, name: prefix + name, shape: shape)
        }
        self.init(
            encoder: .reference(reference("encoder.0.weight", latents, width)),
            encoderBias: .reference(reference("encoder.0.bias", latents)),
            decoder: .reference(reference("decoder.0.weight", width, latents)),
            decoderBias: .reference(reference("decoder.0.bias", width)))
    }

    func problems(at site: SiteShape) -> [String] {
        let latents = encoder.rows
        let matrices = [
            encoder.problem("its encoder", rows: max(latents, 1), columns: site.width),
            decoder.problem("its decoder", rows: site.width, columns: max(latents, 1)),
        ].compactMap { $0 }
        let rows = [("encoder's", encoderBias, latents), ("decoder's", decoderBias, site.width)].compactMap {
            $1.width == $2 ? nil : "its \($0) bias has \($1.width) numbers; \($2) are needed"
        }
        return matrices + rows
    }
}
