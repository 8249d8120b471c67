import Graph
import Models
import Testing

/// A family that a user adds: one linear layer.
private struct LinearModel: ModelArchitecture {
    static let modelTypes = ["linear"]
    let kind = ModelKind.encoder
    let bodyName = "body"
    let sizes: ModelSizes

    init(configuration: ModelConfiguration) throws(ModelError) {
        sizes = ModelSizes(
            layers: 1, hidden: 4, intermediate: 4, heads: 1, keyHeads: 1, headSize: 4, vocabulary: 8, context: 16)
    }

    func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let tokens = builder.input(inputs.tokens, .indices(inputs.rows))
        let rows = builder.weight("body.table", rows: 8, columns: 4).rows(at: tokens)
        return ModelOutputs(logits: nil, lastHiddenState: rows.id)
    }
}

@Suite struct RegistryTests {
    @Test func familiesOfUsersComeFirst() throws {
        let registry = ArchitectureRegistry.standard + [LinearModel.self]
        let configuration = ModelConfiguration(["model_type": .text("linear")], source: "config.json")
        #expect(try registry.architecture(for: configuration) is LinearModel)
        #expect(registry.modelTypes == ["linear"] + ArchitectureRegistry.standard.modelTypes)
    }
}
