import Graph
import InterventionDSL
import ReFTPresets
import Testing

@testable import Analysis

@Suite struct HookGraphDrawingTests {
    static func drawing(_ program: Program, layers: Int = 6) throws -> HookGraphDrawing {
        let graph = try DrawnToyModel.graph(layers: layers, runs: program.runs.map(\.name))
        return HookGraphDrawing(hookGraph: try program.bound(to: graph), graph: graph, modelName: "toy")
    }

    static let mixed = Program(
        runs: [
            ProgramRun(name: "clean", declarations: [declare(Scale(by: 3), .model(.embedding), name: "louder")]),
            ProgramRun(
                name: "base",
                declarations: [
                    declare(Add([1, 2, 3, 4, 5, 6, 7, 8]), .model(.embedding), name: "steer"),
                    declare(Zero(), .layers(.attentionOutput, [2, 3], heads: nil), name: "silence"),
                    declare(
                        Scale(by: 2), .layers(.attentionValueOutput, [3], heads: [0, 1]), at: .last, scale: 0.5,
                        name: "heads"),
                    declare(
                        Interchange(from: "clean"), .layers(.blockOutput, [3], heads: nil), at: .at(3), name: "patch"),
                    declare(
                        LoReFT(rank: 2), .layers(.blockOutput, [3, 5], heads: nil), at: .first(2) + .last(2),
                        name: "reft"),
                ]),
        ])

    static func declare(
        _ intervention: any Intervention, _ place: Place, at positions: Positions = .all, scale: Double = 1,
        ties: Set<TieAxis> = [], name: String
    ) -> Declaration {
        Declaration(
            intervention, on: place, at: positions, name: name, scale: scale, ties: ties,
            location: .file(path: "p.json"))
    }

    @Test func eachEditHasOneBadge() throws {
        let drawing = try Self.drawing(Self.mixed)
        let badges = try DrawnDocument(drawing.svg).badges.sorted { $0.texts[0] < $1.texts[0] }
        #expect(
            badges.map(\.title).sorted() == [
                "edit 10: reft, LoReFT on block_output.5, at f2, "
                    + "parameters reft.5.f2.rotation reft.5.f2.weight reft.5.f2.bias (p.json)",
                "edit 11: reft, LoReFT on block_output.5, at l2, "
                    + "parameters reft.5.l2.rotation reft.5.l2.weight reft.5.l2.bias (p.json)",
                "edit 1: louder, Scale on clean:embedding, at all (p.json)",
                "edit 2: steer, Add on embedding, at all (p.json)",
                "edit 3: silence, Zero on attention_output.2, at all (p.json)",
                "edit 4: silence, Zero on attention_output.3, at all (p.json)",
                "edit 5: heads, Scale on attention_value_output.3 head 0, at l1, × 0.5 (p.json)",
                "edit 6: heads, Scale on attention_value_output.3 head 1, at l1, × 0.5 (p.json)",
                "edit 7: patch, Interchange on block_output.3, at 3, reads clean:block_output.3 at 3 (p.json)",
                "edit 8: reft, LoReFT on block_output.3, at f2, "
                    + "parameters reft.3.f2.rotation reft.3.f2.weight reft.3.f2.bias (p.json)",
                "edit 9: reft, LoReFT on block_output.3, at l2, "
                    + "parameters reft.3.l2.rotation reft.3.l2.weight reft.3.l2.bias (p.json)",
            ])
        #expect(
            badges.first { $0.texts[0] == "8" }?.texts == [
                "8", "reft", "LoReFT", "at f2", "reft.3.f2", "rotation 8×2", "weight 2×8", "bias 1×2", "= 34",
            ])
        #expect(
            badges.first { $0.texts[0] == "6" }?.texts == ["6", "heads", "Scale", "head 1", "at l1", "× 0.5"])
        #expect(
            badges.first { $0.texts[0] == "7" }?.texts == [
                "7", "patch", "Interchange", "at 3", "reads", "clean:block_output.3", "at 3",
            ])
    }

    @Test func badgesStandApartOnThePage() throws {
        let everywhere = Program(declarations: [
            Self.declare(LoReFT(rank: 2), .layers(.blockOutput, .all, heads: nil), at: .first + .last, name: "reft"),
            Self.declare(
                Scale(by: 2), .layers(.attentionValueOutput, .all, heads: [0, 1]),
                name: "a name that is far too long for a badge, " + String(repeating: "and longer ", count: 20)),
        ])
        for program in [Self.mixed, everywhere] {
            let document = try DrawnDocument(try Self.drawing(program).svg)
            #expect(document.size[0] == 1200)
            for (place, badge) in document.badges.enumerated() {
                #expect(badge.box[0] >= 24 && badge.box[0] + badge.box[2] <= 1176)
                #expect(badge.box[1] >= 0 && badge.box[1] + badge.box[3] <= document.size[1])
                #expect(!document.badges[..<place].contains { $0.overlaps(badge) })
            }
        }
    }

    @Test func namesAreEscaped() throws {
        let name = "a <b> & \"c\" 'd'"
        let program = Program(declarations: [Self.declare(Zero(), .model(.embedding), name: name)])
        let graph = try DrawnToyModel.graph()
        let drawing = HookGraphDrawing(hookGraph: try program.bound(to: graph), graph: graph, modelName: "<&\">\u{1}")
        let document = try DrawnDocument(drawing.svg)
        #expect(document.badges.map { $0.texts[1] } == ["a <b> & \"c\" 'd'"])
        #expect(document.texts[0] == "<&\">\u{FFFD}")
        #expect(drawing.dot.contains("label=\"1 a <b> & \\\"c\\\" 'd'\\nZero at all\""))
    }

    @Test func untouchedLayersAreFolded() throws {
        let program = Program(declarations: [
            Self.declare(Zero(), .layers(.mlpOutput, [2, 4], heads: nil), name: "zero")
        ])
        let texts = try DrawnDocument(try Self.drawing(program, layers: 8).svg).texts
        let rows = texts.filter { $0.contains("layer") || $0.hasSuffix("edited") || $0 == "unchanged" }
        #expect(
            rows == [
                "layers 0–1", "unchanged", "layer 2", "layer 3", "not edited", "layer 4", "layers 5–7", "not edited",
            ])
    }

    @Test func collectingChangesNothingAbove() throws {
        let program = Program(declarations: [
            Self.declare(Collect(), .layers(.mlpOutput, [2], heads: nil), name: "look")
        ])
        let document = try DrawnDocument(try Self.drawing(program).svg)
        #expect(!document.texts.contains("not edited"))
        // That of the legend.
        #expect(document.paths.filter { $0 == "stream edited" }.count == 1)
    }

    @Test func sharedParametersCarryOneLetter() throws {
        func badges(_ ties: Set<TieAxis>) throws -> [[String]] {
            let program = Program(declarations: [
                Self.declare(
                    LoReFT(rank: 2), .layers(.blockOutput, [1, 3], heads: nil), at: .first + .last, ties: ties,
                    name: "reft")
            ])
            return try DrawnDocument(try Self.drawing(program).svg).badges.map(\.texts).sorted { $0[0] < $1[0] }
        }
        #expect(
            try badges([.layers]).map { $0[4...6].joined(separator: " ") } == [
                "A shared by 2 edits reft.f1", "B shared by 2 edits reft.l1", "A shared by 2 edits reft.f1",
                "B shared by 2 edits reft.l1",
            ])
        #expect(
            try badges([]).map { $0[4] } == ["reft.1.f1", "reft.1.l1", "reft.3.f1", "reft.3.l1"])
    }

    @Test func readsAreDashedArrows() throws {
        let document = try DrawnDocument(try Self.drawing(Self.mixed).svg)
        // One in the legend, one from the clean run.
        #expect(document.paths.filter { $0 == "read" }.count == 2)
        #expect(document.texts.contains("run clean") && document.texts.contains("run base"))
    }

    @Test func theSummaryCountsSharedWeightsOnce() throws {
        // 80 of the embedding, 6 · 3 · 64 of the layers; 4 · 34 trained.
        #expect(
            try Self.drawing(Self.mixed).summary
                == "6 declarations, 11 edits, 136 trained numbers in 12 tensors = 11 % of the model's 1,232")
        let zero = Program(declarations: [Self.declare(Zero(), .model(.embedding), name: "zero")])
        #expect(try Self.drawing(zero).summary == "1 declaration, 1 edit, nothing trained")
    }

    @Test func theSameProgramGivesTheSameText() throws {
        let (first, second) = (try Self.drawing(Self.mixed), try Self.drawing(Self.mixed))
        #expect(first.svg == second.svg)
        #expect(first.dot == second.dot)
    }

    @Test func longBadgesAreWrappedAndCut() throws {
        let edit = try #require(try Self.drawing(Self.mixed).program.edits.last)
        var badge = EditBadge(edit)
        badge.wrap(to: 150)
        #expect(
            badge.lines.map { $0.map(\.text) } == [
                ["reft", "LoReFT", "at l2"], ["reft.5.l2"], ["rotation 8×2"], ["weight 2×8"], ["bias 1×2", "= 34"],
            ])
        // 54 pixels of room; a character of the monospaced font takes 6.05.
        badge.wrap(to: 90)
        #expect(badge.lines.map { $0.map(\.text) }[3...4] == [["reft.5.…"], ["rotatio…"]])
    }

    @Test func linesToBadgesDoNotCross() {
        // Up: the lower, the further right. Down: the higher, the further right.
        #expect(BadgeLeaders.trunks([(from: 50, to: 10), (from: 60, to: 40)]) == [0, 1])
        #expect(BadgeLeaders.trunks([(from: 50, to: 70), (from: 60, to: 90)]) == [1, 0])
        #expect(BadgeLeaders.trunks([(from: 40, to: 10), (from: 50, to: 60), (from: 60, to: 90)]) == [0, 1, 0])
    }

    @Test func programsAreDrawnWithoutEditsAndWithoutModel() throws {
        let empty = try Self.drawing(Program())
        #expect(empty.summary == "0 declarations, 0 edits, nothing trained")
        #expect(try DrawnDocument(empty.svg).texts.contains("layers 0–5"))
        let hookGraph = try Self.mixed.bound(to: try DrawnToyModel.graph(runs: ["clean", "base"]))
        let bare = HookGraphDrawing(hookGraph: hookGraph, graph: ComputationGraph(), modelName: "toy")
        #expect(bare.summary == "6 declarations, 11 edits, 136 trained numbers in 12 tensors")
        #expect(try DrawnDocument(bare.svg).badges.count == 11)
    }

    @Test func numbers() {
        #expect(
            [0, 12, 999, 1000, 134_515_008, -1234].map(\.grouped) == [
                "0", "12", "999", "1,000", "134,515,008", "−1,234",
            ])
        #expect(
            [0.00342, 0.25, 0.999, 1.26, 9.99, 12.5, 0].map(\.significant) == [
                "0.0034", "0.25", "1", "1.3", "10", "13", "0",
            ])
        #expect([0.5, 2, -3].map(\.short) == ["0.5", "2", "-3"])
    }

    /// Averages, constants in memory and tensors of files are marked in all kinds of drawing.
    @Test func averagesAndConstantsAreMarked() throws {
        let reference = TensorReference(file: "mean.safetensors", name: "mean", shape: [2, 8])
        let member = Program {
            Interchange(from: .constant(.reference(reference))).on(.blockOutput, layer: 1).at(0, 1).named("file")
        }
        let pair = Program {
            AddSource(from: .constant([1, 2, 3, 4, 5, 6, 7, 8])).on(.blockOutput, layer: 1).at(.all).named("memory")
        }
        let program = Average([
            (Average([(member, 0.5), (pair, 0.25)]), 0.7),
            (Program { Zero().on(.mlpOutput, layer: 2).at(.all).named("zero") }, 0.3),
        ]).program
        let graph = try DrawnToyModel.graph()
        let hookGraph = try program.bound(to: graph) { _ in [Float](repeating: 1, count: 16) }
        let drawing = HookGraphDrawing(hookGraph: hookGraph, graph: graph, modelName: "toy")
        let badges = try DrawnDocument(drawing.svg).badges.sorted { $0.texts[0] < $1.texts[0] }
        #expect(
            badges.map(\.texts) == [
                [
                    "1", "file", "Interchange", "at 0,1", "Σ0 × 0.7", "Σ0.0.0 × 0.5", "reads", "constant",
                    "'mean' of mean.safetensors", "[2, 8]",
                ],
                ["2", "memory", "AddSource", "at all", "Σ0 × 0.7", "Σ0.0.0 × 0.25", "reads", "constant", "[1, 8]"],
                ["3", "zero", "Zero", "at all", "Σ0 × 0.3"],
            ])
        #expect(drawing.svg.contains("member of an average, with its weight"))
        let dot = drawing.dot
        #expect(dot.contains(#"label="1 file\nInterchange at 0,1 Σ0 × 0.7 Σ0.0.0 × 0.5""#))
        #expect(dot.contains(#"constant1_0 [shape=cylinder, label="constant\n'mean' of mean.safetensors\n[2, 8]"];"#))
        #expect(dot.contains("constant1_0 -> edit1 [style=dashed];"))
        let html = try ProgramPage(hookGraph: hookGraph, graph: graph, modelName: "toy").html
        #expect(html.contains("<td>Σ0 × 0.7, Σ0.0.0 × 0.25<td>constant [1, 8]<td>"))
        let text = "\(hookGraph)"
        #expect(text.contains("weight 0.7 in average 0, weight 0.5 in average 0"))
        #expect(text.contains("reads the constant 'mean' of mean.safetensors, 2 rows"))
    }
}
