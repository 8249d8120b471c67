import InterventionDSL
import ReFTPresets

extension PeerType {
    /// The classes of pyvene that work in a space of their own.
    static let spaces: [PeerType] = [
        PeerType(
            name: "RotatedSpaceIntervention", module: pyveneModule,
            read: { reader in
                reader.takeRotation()
                return reader.space(RotatedSpace(from: reader.source), of: reader.width)
            },
            write: { intervention, writer in
                guard intervention is RotatedSpace else { return nil }
                return PeerRecord(tensors: writer.buffers + writer.rotation(), isSourceConstant: false)
            }),
        PeerType(
            name: "LowRankRotatedSpaceIntervention", module: pyveneModule,
            read: { reader in
                reader.takeRotation()
                let rank = reader.rank()
                return reader.space(LowRankRotatedSpace(rank: rank, from: reader.source), of: nil)
            },
            write: { intervention, writer in
                guard let space = intervention as? LowRankRotatedSpace else { return nil }
                return PeerRecord(
                    tensors: writer.buffers + writer.rotation(), rank: space.rank, isSourceConstant: false)
            }),
        PeerType(
            name: "BoundlessRotatedSpaceIntervention", module: pyveneModule,
            read: { reader in
                reader.takeRotation()
                reader.take("boundary", from: "intervention_boundaries")
                reader.take("temperature", from: "temperature")
                return reader.space(BoundlessRotatedSpace(from: reader.source), of: nil)
            },
            write: { intervention, writer in
                guard intervention is BoundlessRotatedSpace else { return nil }
                return PeerRecord(
                    tensors: writer.tensor("boundary", as: "intervention_boundaries", dimensions: 1)
                        + writer.tensor("temperature", as: "temperature", dimensions: 0)
                        + [writer.population] + writer.buffers + writer.rotation(), isSourceConstant: false)
            }),
        PeerType(
            name: "SigmoidMaskRotatedSpaceIntervention", module: pyveneModule,
            read: { reader in
                reader.takeRotation()
                reader.take("mask", from: "masks")
                reader.take("temperature", from: "temperature")
                return reader.space(SigmoidMaskRotatedSpace(from: reader.source), of: nil)
            },
            write: { intervention, writer in
                guard intervention is SigmoidMaskRotatedSpace else { return nil }
                return PeerRecord(
                    tensors: writer.tensor("mask", as: "masks", dimensions: 1)
                        + writer.tensor("temperature", as: "temperature", dimensions: 0) + writer.buffers
                        + writer.rotation(), isSourceConstant: false)
            }),
        PeerType(
            name: "SigmoidMaskIntervention", module: pyveneModule,
            read: { reader in
                reader.take("mask", from: "mask")
                reader.take("temperature", from: "temperature")
                return reader.space(SigmoidMask(from: reader.source), of: nil)
            },
            write: { intervention, writer in
                guard intervention is SigmoidMask else { return nil }
                return PeerRecord(
                    tensors: writer.tensor("mask", as: "mask", dimensions: 1)
                        + writer.tensor("temperature", as: "temperature", dimensions: 0) + writer.buffers,
                    isSourceConstant: false)
            }),
        // The components, the mean and the deviation are arguments of its constructor, and save passes over them.
        PeerType(
            name: "PCARotatedSpaceIntervention", module: pyveneModule,
            read: { reader in
                reader.refuse(
                    "pyvene saves neither the components nor the mean and the deviation of PCARotatedSpaceIntervention; "
                        + "declare PCARotatedSpace in a program, with the three in a safetensors file")
                return nil
            },
            write: { _, _ in nil }, isSaved: false),
    ]
}

extension PeerReader {
    /// A type with coordinates of its own, `count` of them where that is known.
    fileprivate mutating func space(_ intervention: any Intervention, of count: Int?) -> PeerEdit {
        // The soft masks and the low-rank type pass over interchange_dim.
        var chosen: Subspace?
        if count != nil || representation.subspacePartition != nil {
            chosen = count == nil ? partition : subspace(of: count)
        }
        return PeerEdit(intervention: intervention, parameters: parameters, subspace: chosen)
    }

    /// The parts that examples choose, called by their places.
    var partition: Subspace? {
        representation.subspacePartition.map { parts in
            .perExample(Dictionary(uniqueKeysWithValues: parts.enumerated().map { ("\($0)", $1) }))
        }
    }
}

extension PeerWriter {
    /// The numbers 0 … d − 1 that pyvene's boundless type keeps as a parameter.
    fileprivate var population: PeerRecord.PeerTensor {
        PeerRecord.PeerTensor(
            name: "intervention_population", shape: [width], values: (0..<width).map { Float($0) })
    }
}
