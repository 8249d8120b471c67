import InterventionDSL
import ReFTPresets

extension PeerType {
    /// The classes of pyvene that change latents of an autoencoder.
    static let autoencoders: [PeerType] = [
        PeerType(
            name: "AutoencoderIntervention", module: pyveneModule,
            read: { reader in
                reader.take("encoder", from: "autoencoder.encoder.0.weight")
                reader.take("encoder_bias", from: "autoencoder.encoder.0.bias")
                reader.take("decoder", from: "autoencoder.decoder.0.weight")
                reader.take("decoder_bias", from: "autoencoder.decoder.0.bias")
                guard let latents = reader.representation.latentDimension ?? reader.parameters["encoder"]?.rows else {
                    reader.refuse("latent_dim is needed by AutoencoderIntervention")
                    return nil
                }
                var edit = PeerEdit(
                    intervention: Autoencoder(latents: latents, .swap(reader.source)), parameters: reader.parameters)
                // Of a number pyvene takes that one latent, of a list all of them.
                switch reader.representation.dimension {
                case .first(let latent)? where latent < latents: edit.subspace = .fixed([latent])
                case .chosen(let list)?: edit.subspace = .fixed(list)
                default:
                    reader.refuse(
                        "its interchange dimension names no latent; pyvene needs set_interchange_dim for this class")
                }
                return edit
            },
            write: { intervention, writer in
                guard let autoencoder = intervention as? Autoencoder, !autoencoder.keepsError,
                    case .swap = autoencoder.change, let chosen = writer.coordinates
                else { return nil }
                let (encoder, decoder) = ("autoencoder.encoder.0", "autoencoder.decoder.0")
                let layers =
                    autoencoder.weights.map { weights in
                        writer.tensor(weights.encoder, as: "\(encoder).weight")
                            + writer.tensor(weights.encoderBias, as: "\(encoder).bias")
                            + writer.tensor(weights.decoder, as: "\(decoder).weight")
                            + writer.tensor(weights.decoderBias, as: "\(decoder).bias")
                    }
                    ?? writer.tensor("encoder", as: "\(encoder).weight")
                    + writer.tensor("encoder_bias", as: "\(encoder).bias", dimensions: 1)
                    + writer.tensor("decoder", as: "\(decoder).weight")
                    + writer.tensor("decoder_bias", as: "\(decoder).bias", dimensions: 1)
                var record = PeerRecord(
                    tensors: writer.buffers + layers, latents: autoencoder.latents, isSourceConstant: false)
                record.dimensionList = chosen
                return record
            }),
        PeerType(
            name: "JumpReLUAutoencoderIntervention", module: pyveneModule,
            read: { reader in
                reader.take("encoder", from: "W_enc")
                reader.take("encoder_bias", from: "b_enc")
                reader.take("decoder", from: "W_dec")
                reader.take("decoder_bias", from: "b_dec")
                reader.take("threshold", from: "threshold")
                let latents = reader.rank(of: "W_enc")
                return PeerEdit(
                    intervention: JumpReLUAutoencoder(latents: latents, .swap(reader.source)),
                    parameters: reader.parameters, subspace: reader.firstLatents(of: latents))
            },
            write: { intervention, writer in
                guard let autoencoder = intervention as? JumpReLUAutoencoder, !autoencoder.keepsError,
                    case .swap = autoencoder.change
                else { return nil }
                let layers =
                    autoencoder.weights.map { weights in
                        writer.tensor(weights.encoder, as: "W_enc") + writer.tensor(weights.decoder, as: "W_dec")
                            + writer.tensor(weights.threshold, as: "threshold")
                            + writer.tensor(weights.encoderBias, as: "b_enc")
                            + writer.tensor(weights.decoderBias, as: "b_dec")
                    }
                    ?? writer.tensor("encoder", as: "W_enc") + writer.tensor("decoder", as: "W_dec")
                    + writer.tensor("threshold", as: "threshold", dimensions: 1)
                    + writer.tensor("encoder_bias", as: "b_enc", dimensions: 1)
                    + writer.tensor("decoder_bias", as: "b_dec", dimensions: 1)
                return PeerRecord(
                    tensors: layers + writer.buffers, rank: autoencoder.latents, isSourceConstant: false)
            }),
    ]
}

extension PeerReader {
    /// The latents that pyvene's JumpReLU class interchanges: the first `interchange_dim`, which is the site's width unless
    /// `set_interchange_dim` has said otherwise. Nil for all.
    fileprivate mutating func firstLatents(of latents: Int) -> Subspace? {
        if let partition { return partition }
        guard let dimension = representation.dimension ?? width.map(PyveneDimension.first) else { return nil }
        guard case .first(let count) = dimension else { return .fixed(dimension.coordinates(of: nil) ?? []) }
        guard count < latents else { return nil }
        if count == width {
            remark(
                "of its \(latents) latents pyvene interchanges the first \(count), as many as the site has columns, since "
                    + "set_interchange_dim has not been called")
        }
        return .fixed(Array(0..<count))
    }
}
