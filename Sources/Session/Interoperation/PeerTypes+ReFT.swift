import InterventionDSL
import ReFTPresets

extension PeerType {
    /// The classes of pyreft.
    static let reft: [PeerType] = [
        PeerType(
            name: "LoreftIntervention", module: reftModule,
            read: { reader in
                reader.takeRotation()
                reader.take("weight", from: "weight", "learned_source.weight")
                reader.take("bias", from: "bias", "learned_source.bias")
                let rank = reader.rank(of: "rotate_layer")
                return reader.reft(LoReFT(rank: rank, activation: reader.options.activation), rank)
            },
            write: { intervention, writer in
                guard let reft = intervention as? LoReFT else { return nil }
                return .reft(
                    writer.tensor("weight", as: "weight") + writer.tensor("bias", as: "bias", dimensions: 1)
                        + writer.tensor("rotation", as: "rotate_layer"),
                    rank: reft.rank, activation: reft.activation, dropout: reft.dropout)
            }),
        // Subspace LoReFT of pyreft's composition example, whose state is a module's own.
        PeerType(
            name: "SubloreftIntervention", module: reftModule,
            read: { PeerType.named("LoreftIntervention")?.read(&$0) }, write: { _, _ in nil }),
        PeerType(
            name: "NoreftIntervention", module: reftModule,
            read: { reader in
                reader.takeLinear()
                reader.take("projection", from: "proj_layer.weight")
                let addsBias = reader.state?["proj_layer.bias"] != nil
                if addsBias { reader.take("projection_bias", from: "proj_layer.bias") }
                let rank = reader.rank()
                return reader.reft(
                    NoReFT(rank: rank, activation: reader.options.activation, addBias: addsBias), rank)
            },
            write: { intervention, writer in
                guard let reft = intervention as? NoReFT else { return nil }
                return .reft(
                    writer.buffers + writer.tensor("projection", as: "proj_layer.weight")
                        + writer.tensor("projection_bias", as: "proj_layer.bias", dimensions: 1) + writer.linear,
                    rank: reft.rank, activation: reft.activation, dropout: reft.dropout, needsAddBias: reft.addBias)
            }),
        PeerType(
            name: "ConsreftIntervention", module: reftModule,
            read: { reader in
                reader.takeRotation()
                reader.take("bias", from: "learned_source")
                let rank = reader.rank()
                return reader.reft(ConsReFT(rank: rank), rank)
            },
            write: { intervention, writer in
                guard let reft = intervention as? ConsReFT else { return nil }
                return .reft(
                    writer.tensor("bias", as: "learned_source", dimensions: 1) + writer.buffers + writer.rotation(),
                    rank: reft.rank)
            }),
        PeerType(
            name: "LobireftIntervention", module: reftModule,
            read: { reader in
                reader.takeRotation()
                reader.take("bias", from: "learned_source")
                let rank = reader.rank()
                return reader.reft(LobiReFT(rank: rank), rank)
            },
            write: { intervention, writer in
                guard let reft = intervention as? LobiReFT else { return nil }
                return .reft(
                    writer.tensor("bias", as: "learned_source", dimensions: 1) + writer.buffers + writer.rotation(),
                    rank: reft.rank, dropout: reft.dropout)
            }),
        PeerType(
            name: "DireftIntervention", module: reftModule,
            read: { reader in
                reader.takeRotation()
                reader.takeLinear()
                let rank = reader.rank()
                return reader.reft(DiReFT(rank: rank, activation: reader.options.activation), rank)
            },
            write: { intervention, writer in
                guard let reft = intervention as? DiReFT else { return nil }
                return .reft(
                    writer.buffers + writer.rotation() + writer.linear, rank: reft.rank, activation: reft.activation,
                    dropout: reft.dropout)
            }),
        PeerType(
            name: "NodireftIntervention", module: reftModule,
            read: { reader in
                reader.takeLinear()
                reader.take("projection", from: "proj_layer.weight")
                if reader.state?["proj_layer.bias"] != nil {
                    reader.remark("the bias of its projection is left out: pyreft trains it and never reads it")
                }
                let rank = reader.rank()
                return reader.reft(NodiReFT(rank: rank, activation: reader.options.activation), rank)
            },
            write: { intervention, writer in
                guard let reft = intervention as? NodiReFT else { return nil }
                return .reft(
                    writer.buffers + writer.tensor("projection", as: "proj_layer.weight") + writer.linear,
                    rank: reft.rank, activation: reft.activation, dropout: reft.dropout, needsAddBias: false)
            }),
    ]

    private static let reftModule = "pyreft.interventions"
}

extension PeerReader {
    fileprivate mutating func takeLinear() {
        take("weight", from: "learned_source.weight")
        take("bias", from: "learned_source.bias")
    }

    /// A ReFT type: all of its `rank` coordinates, or parts that examples choose.
    fileprivate mutating func reft(_ intervention: any Intervention, _ rank: Int) -> PeerEdit {
        var partition: Subspace?
        if let parts = representation.subspacePartition {
            partition = .perExample(Dictionary(uniqueKeysWithValues: parts.enumerated().map { ("\($0)", $1) }))
        }
        return PeerEdit(intervention: intervention, parameters: parameters, subspace: partition)
    }
}

extension PeerWriter {
    fileprivate var linear: [PeerRecord.PeerTensor] {
        tensor("weight", as: "learned_source.weight") + tensor("bias", as: "learned_source.bias", dimensions: 1)
    }

    /// The two counts that every intervention of pyvene registers.
    var buffers: [PeerRecord.PeerTensor] {
        [("embed_dim", width), ("interchange_dim", dimension)].map {
            PeerRecord.PeerTensor(name: $0, shape: [], values: [Float($1)])
        }
    }
}

extension PeerRecord {
    fileprivate static func reft(
        _ tensors: [PeerTensor], rank: Int, activation: Activation = .linear, dropout: Double = 0,
        needsAddBias: Bool? = nil
    ) -> PeerRecord {
        var record = PeerRecord(tensors: tensors, rank: rank)
        if activation != .linear { record.notes.append("the activation '\(activation.rawValue)' (act_fn)") }
        if dropout > 0 { record.notes.append("the dropout \(dropout)") }
        if let needsAddBias {
            record.notes.append(
                "add_bias=\(needsAddBias ? "True" : "False"), without which pyreft's own load can not make the class")
        }
        return record
    }
}
