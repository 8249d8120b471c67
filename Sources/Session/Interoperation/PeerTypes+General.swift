import InterventionDSL

extension PeerType {
    static let pyveneModule = "pyvene.models.interventions"

    /// The classes of pyvene without trained tensors.
    static let general: [PeerType] = [
        PeerType(
            name: "ZeroIntervention", module: pyveneModule,
            read: { reader in
                PeerEdit(intervention: Zero(), subspace: reader.subspace(of: reader.width))
            },
            write: { intervention, _ in intervention is Zero ? PeerRecord() : nil }),
        PeerType(
            name: "CollectIntervention", module: pyveneModule,
            read: { reader in
                PeerEdit(intervention: Collect(), subspace: reader.subspace(of: reader.width))
            },
            write: { intervention, writer in
                guard intervention is Collect else { return nil }
                // pyvene's load asks every class with a constant source for a file with one, this one too.
                return .constant([Float](repeating: 0, count: writer.width), writer)
            }),
        PeerType(
            name: "SkipIntervention", module: pyveneModule,
            read: { reader in
                reader.remark("the module's input is taken from the run itself; pyvene takes it from a source run")
                return PeerEdit(intervention: Skip(), subspace: reader.subspace(of: reader.width))
            },
            write: { intervention, _ in
                guard intervention is Skip else { return nil }
                return PeerRecord(isSourceConstant: false, notes: ["that the run itself is its source"])
            }),
        PeerType(
            name: "NoiseIntervention", module: pyveneModule,
            read: { reader in
                reader.remark(
                    "pyvene adds one fixed draw of 4 rows, here each row gets noise of its own from the run's seed; "
                        + "the level is pyvene's default, which it does not save otherwise")
                return PeerEdit(intervention: Noise(level: 0.13462981581687927))
            }, write: { _, _ in nil }),
        PeerType(
            name: "VanillaIntervention", module: pyveneModule,
            read: { reader in
                let constant = reader.constantSource()
                let subspace = reader.subspace(of: reader.width)
                if let constant {
                    return PeerEdit(intervention: Interchange(from: .constant(constant)), subspace: subspace)
                }
                return PeerEdit(intervention: Interchange(from: reader.source), subspace: subspace)
            },
            write: { intervention, writer in
                guard let source = (intervention as? Interchange)?.source else { return nil }
                guard let constant = source.constant else { return PeerRecord(isSourceConstant: false) }
                guard case .numbers(let rows) = constant, rows.count == 1 else { return nil }
                return .constant(rows[0], writer)
            }),
        PeerType(
            name: "AdditionIntervention", module: pyveneModule,
            read: { reader in
                let constant = reader.constantSource()
                let subspace = reader.subspace(of: reader.width)
                if let constant { return PeerEdit(intervention: Add(constant), subspace: subspace) }
                return PeerEdit(intervention: AddSource(from: reader.source), subspace: subspace)
            },
            write: { intervention, writer in
                if intervention is AddSource { return PeerRecord(isSourceConstant: false) }
                guard let add = intervention as? Add, case .numbers(let numbers) = add.vector else { return nil }
                return .constant(numbers.map { Float(Double($0) * add.scale) }, writer)
            }),
        PeerType(
            name: "SubtractionIntervention", module: pyveneModule,
            read: { reader in
                let constant = reader.constantSource()
                let subspace = reader.subspace(of: reader.width)
                if let constant { return PeerEdit(intervention: Add(constant, scale: -1), subspace: subspace) }
                return PeerEdit(intervention: SubtractSource(from: reader.source), subspace: subspace)
            },
            write: { intervention, _ in
                intervention is SubtractSource ? PeerRecord(isSourceConstant: false) : nil
            }),
    ]
}

extension PeerRecord {
    /// A constant row in the place of a source.
    fileprivate static func constant(_ row: [Float], _ writer: PeerWriter) -> PeerRecord {
        let tensor = PeerTensor(name: "source_representation", shape: [row.count], values: row)
        return PeerRecord(tensors: writer.buffers + [tensor], hasHiddenSource: true)
    }
}
