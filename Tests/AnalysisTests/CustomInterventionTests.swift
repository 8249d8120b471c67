import Analysis
import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Session
import Testing
import Training

// The types of Docs/CustomInterventions.md, as they stand there; a test compares them.

/// LoReFT behind a learned gate: h + σ(h g) · (W h + b − h R) Rᵀ.
///
/// Rows h are [n, d]; R [d, r] has orthonormal columns, W is [r, d], b is [1, r], g is [d, 1].
struct GatedReFT: Intervention {
    var rank: Int
    var dropout = 0.0

    func parameters(at site: SiteShape) -> ParameterList {
        let d = site.width
        return [
            ParameterSpecification("rotation", d, rank, initialiser: .orthonormal, constraint: .orthonormalColumns),
            ParameterSpecification("weight", rank, d, initialiser: .linear(inputs: d)),
            ParameterSpecification("bias", 1, rank, initialiser: .linear(inputs: d)),
            ParameterSpecification("gate", d, 1, initialiser: .zeros, decays: false),
        ]
    }

    func problems(at site: SiteShape) -> [String] {
        (1...site.width).contains(rank) ? [] : ["rank \(rank) is given; allowed: 1 to \(site.width)"]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let target = rows.linear(try context.parameter("weight"), bias: try context.parameter("bias"))
        let change = (target - rows.times(rotation)).times(rotation, transposed: true)
        let gate = rows.times(try context.parameter("gate")).applying(.sigmoid)
        return rows + context.dropout(gate * change, rate: dropout)
    }
}

/// h + f ⊙ a ⊙ σ(b), with a learned row f, and two other sites: the attention output a and the MLP's output b.
struct Reinforce: Intervention {
    func parameters(at site: SiteShape) -> ParameterList {
        [ParameterSpecification("factor", 1, site.width, initialiser: .zeros)]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let attention = try context.rows(of: .attentionOutput, layer: context.shape.site.layer)
        let gate = try context.rows(of: .mlpOutput, layer: context.shape.site.layer).applying(.sigmoid)
        return rows + attention * gate * (try context.parameter("factor"))
    }
}

/// h + w ⊙ (s − h), with the rows s of a source and a learned row w.
struct Blend: Intervention {
    var source: SourceReference

    var sources: [SourceReference] { [source] }

    func parameters(at site: SiteShape) -> ParameterList {
        [ParameterSpecification("share", 1, site.width, initialiser: .constant(0.5))]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        rows + (try context.source() - rows) * (try context.parameter("share"))
    }
}

/// Custom types train, generate, are written, read and drawn, with nothing but what the article shows.
@Suite struct CustomInterventionTests {
    private static let registry: InterventionRegistry = .general + .reft + [GatedReFT.self, Reinforce.self, Blend.self]
    private static let embedding = SourceReference(run: "base", place: .model(.embedding))

    static let types: [any Intervention] = [
        GatedReFT(rank: 2, dropout: 0.05), Reinforce(), Blend(source: embedding),
    ]

    private static let tests = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func model() throws -> Model {
        try Model(at: Self.tests.appendingPathComponent("Fixtures/models/llama").path)
    }

    private static let examples: [Example] = (Int32(5)..<15).map { (token: Int32) -> Example in
        let labels: [Int32] = [-100, -100, -100, 3, token + 15]
        return Example(tokens: [1, token, 9, 3, token + 15], target: .tokens(labels))
    }

    private func program(_ intervention: any Intervention) -> Program {
        Program(declarations: [
            Declaration(intervention, on: .layers(.blockOutput, [0, 1], heads: nil), at: .all)
        ])
    }

    @Test(arguments: types.indices) func theyTrainAndGenerateAndAreStored(index: Int) throws {
        let model = try self.model()
        var losses: [Double] = []
        let adapter = try model.train(
            program(Self.types[index]), on: Self.examples,
            settings: TrainingSettings(epochs: 30, batchSize: 10, learningRate: 5e-2)
        ) { step in
            losses.append(step.loss)
            return true
        }
        #expect(try #require(losses.last) < losses[0])
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try adapter.write(to: folder.path)
        let read = try Adapter(at: folder.path, registry: Self.registry)
        #expect(read.program == adapter.program && read.parameters == adapter.parameters)
        let prompt = Example(tokens: [1, 7, 9])
        let settings = GenerationSettings(maximumTokens: 4)
        let answers = try [adapter, read].map {
            try Session(model, adapters: [$0]).generate([prompt], settings: settings)[0].tokens
        }
        #expect(answers[0] == answers[1])
        let plain = try #require(try Session(model).run([prompt]).logits)
        let edited = try #require(try Session(model, adapters: [adapter]).run([prompt]).logits)
        #expect(edited.values != plain.values)
    }

    @Test(arguments: types.indices) func theyAreWrittenAndDrawn(index: Int) throws {
        let program = program(Self.types[index]).withNames()
        let text = try program.json()
        #expect(try Program(json: Data(text.utf8), registry: Self.registry) == program)
        let session = try Session(model(), program: program)
        let kind = type(of: Self.types[index]).kind
        let drawing = HookGraphDrawing(session)
        for picture in [drawing.svg, drawing.dot, session.hookGraph.description] {
            #expect(picture.contains(kind) && picture.contains(kind.lowercased()))
        }
        let nodes = try session.splicedGraph(mode: .train).graph.nodes.filter {
            $0.provenance == .declaration(index: 0, name: kind.lowercased())
        }
        #expect(nodes.count > 3)
    }

    /// The article and this file show the same types.
    @Test func theArticleShowsThem() throws {
        let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let article = try String(
            contentsOf: Self.tests.deletingLastPathComponent().appendingPathComponent("Docs/CustomInterventions.md"),
            encoding: .utf8)
        let source = try String(contentsOf: file, encoding: .utf8)
        for name in ["GatedReFT", "Reinforce", "Blend"] {
            let start = try #require(source.range(of: "struct \(name): Intervention {\n"))
            let end = try #require(source.range(of: "\n}\n", range: start.upperBound..<source.endIndex))
            #expect(article.contains(source[start.lowerBound..<end.upperBound]), "\(name)")
        }
    }
}
