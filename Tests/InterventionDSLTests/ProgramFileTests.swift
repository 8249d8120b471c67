import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// A type of a user's own, without any coding of its own.
struct GatedShift: Intervention {
    var rank: Int
    var gain: Float?

    func parameters(at site: SiteShape) -> ParameterList {
        [ParameterSpecification("direction", rank, site.width, initialiser: .zeros)]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let direction = try context.parameter("direction")
        return rows + rows.times(direction, transposed: true).applying(.sigmoid).times(direction)
    }
}

@Suite struct ProgramFileTests {
    static let registry: InterventionRegistry = .general + .reft + [GatedShift.self]

    static let program = Program {
        Run("clean")
        Run.base {
            LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last).named("loreft")
            Interchange(from: "clean").on(.headOutput, layers: Layers(4...7), heads: [3]).at(3, -1)
            NoReFT(rank: 2, activation: .gelu, addBias: true).on(.mlpOutput, layers: .all)
                .at(.first(7) + .last(7)).tied(across: .positions).scaled(0.5)
            GatedShift(rank: 1).on(.module("model.layers[3].mlp.output")).at(.generated).tied(across: .layers)
            Collect().on(.embedding).at(.all)
        }
    }

    static let text = """
        {
          "format": "swift-reft/program",
          "version": 1,
          "runs": [
            { "name": "clean" },
            {
              "name": "base",
              "declarations": [
                {
                  "name": "loreft",
                  "intervention": { "type": "LoReFT", "activation": "linear", "dropout": 0, "rank": 4 },
                  "site": { "component": "block_output", "layers": [15] },
                  "positions": "l1"
                },
                {
                  "intervention": { "type": "Interchange" },
                  "source": { "run": "clean" },
                  "site": { "component": "attention_value_output", "layers": "4-7", "heads": [3] },
                  "positions": "3,-1"
                },
                {
                  "intervention": { "type": "NoReFT", "activation": "gelu", "addBias": true, "dropout": 0, "rank": 2 },
                  "site": { "component": "mlp_output", "layers": "all" },
                  "positions": "f7+l7",
                  "tied": true,
                  "scale": 0.5
                },
                {
                  "intervention": { "type": "GatedShift", "rank": 1 },
                  "site": { "module": "model.layers[3].mlp.output" },
                  "positions": "generated",
                  "tied": ["layers"]
                },
                {
                  "intervention": { "type": "Collect", "unedited": false },
                  "site": { "component": "embedding" },
                  "positions": "all"
                }
              ]
            }
          ]
        }

        """

    @Test func aProgramIsWrittenAsDesigned() throws {
        #expect(try Self.program.json() == Self.text)
    }

    @Test func aFileReadsBackAsTheSameProgram() throws {
        let read = try Program(json: Data(Self.text.utf8), registry: Self.registry)
        #expect(read == Self.program)
        #expect(read.hashValue == Self.program.hashValue)
        #expect(read.declarations[1].location.description == "runs[1].declarations[1]")
    }

    @Test func codableValuesHoldPrograms() throws {
        struct Holder: Codable, Equatable { var program: Program }
        let holder = Holder(program: Self.program)
        let data = try JSONEncoder().encode(holder)
        #expect(try JSONDecoder(interventions: Self.registry).decode(Holder.self, from: data) == holder)
    }

    @Test func shortSpellings() throws {
        let text = """
            { "format": "swift-reft/program", "version": 1, "declarations": [
              { "intervention": { "type": "Interchange" }, "site": "block_output.4-7", "positions": { "at": [3, -1] },
                "source": { "run": "base", "site": "block_output.2", "positions": "l1" }, "tied": false },
              { "intervention": { "type": "Add", "vector": [0.5, -1] }, "site": { "component": "head_output",
                "layers": 2, "heads": [0] }, "positions": "all" },
              { "intervention": { "type": "Add", "vector": { "file": "v.safetensors", "name": "v", "shape": [2] } },
                "site": "embedding", "positions": "all" } ] }
            """
        let source = SourceReference(run: "base", place: .layers(.blockOutput, [2], heads: nil), positions: .last)
        let reference = TensorReference(file: "v.safetensors", name: "v", shape: [2])
        let expected = Program {
            Interchange(from: source).on(.blockOutput, layers: 4...7).at(3, -1)
            Add([0.5, -1]).on(HeadComponent(Component(rawValue: "head_output")), layer: 2, head: 0).at(.all)
            Add(.reference(reference)).on(.embedding).at(.all)
        }
        #expect(try Program(json: Data(text.utf8), registry: Self.registry) == expected)
    }

    /// One change to a good declaration, and what is said about it.
    @Test(arguments: [
        (
            #""rank": 4"#, #""rank": "four""#,
            #"declarations[0].intervention.rank: the string "four" is given where a whole number is needed"#
        ),
        (
            #""rank": 4"#, #""rank": 4.5"#,
            "declarations[0].intervention.rank: the number 4.5 is given where a whole number is needed"
        ),
        (#""rank": 4"#, #""dropout": 0.1"#, "declarations[0].intervention: the key 'rank' is missing"),
        (
            #""rank": 4"#, #""rank": 4, "drpout": 0.1"#,
            "declarations[0].intervention: unknown key 'drpout'; allowed: activation, dropout, rank; "
                + "did you mean 'dropout'?"
        ),
        (
            #""rank": 4"#, #""rank": 4, "activation": "rleu""#,
            "declarations[0].intervention.activation: unknown activation 'rleu'; allowed: linear, relu, gelu, tanh, "
                + "sigmoid, silu, gelu_new, quick_gelu; did you mean 'relu'?"
        ),
        (
            "LoReFT", "LoRFT",
            "declarations[0].intervention.type: unknown intervention 'LoRFT'; known: Add, AddSource, "
                + "Autoencoder, BottleneckAdapter, BoundlessRotatedSpace, Clamp, Collect, ConsReFT, DiReFT, DoRA, Edit, "
                + "GatedShift, Interchange, JumpReLUAutoencoder, LoRA, LoReFT, LobiReFT, LowRankRotatedSpace, "
                + "MeanAblation, NoReFT, NodiReFT, Noise, PCARotatedSpace, ResampleAblation, RotatedSpace, Scale, "
                + "SigmoidMask, SigmoidMaskRotatedSpace, Skip, Steer, SubtractSource, Zero; did you mean 'LoReFT'?"
        ),
        (
            #""positions": "l1""#, #""positions": "last1""#,
            "declarations[0].positions: positions 'last1': '1' can not be read; allowed: all, prompt, f7 (first 7), "
                + "l7 (last 7), 3,-1, 1-3, field:NAME, tokens:12,13, tokens:\"text\", tokens:/expression/, sequence:l1, "
                + "generated, generated/3 (every 3rd), generated:2-5, generated:0,4, generated:8-, "
                + "joined with + and -, grouped with ( )"
        ),
        (
            #""positions": "l1""#, #""position": "l1""#,
            "declarations[0]: unknown key 'position'; allowed: name, intervention, source, site, positions, tied, shares, "
                + "scale, subspace, priority; did you mean 'positions'?"
        ),
        (#""positions": "l1""#, #""scale": 1"#, "declarations[0]: the key 'positions' is missing"),
        (
            #""layers": [15]"#, #""layers": "4-x""#,
            "declarations[0].site.layers: layers '4-x' can not be read; allowed: all, 4-7, 0,4,8 or 4- (from 4 on)"
        ),
        (
            #""layers": [15]"#, #""layers": [3, 1.5]"#,
            "declarations[0].site.layers[1]: the number 1.5 is given where a whole number is needed"
        ),
        (
            #""layers": [15]"#, #""layers": [true]"#,
            "declarations[0].site.layers[0]: true is given where a whole number is needed"
        ),
        (
            #""layers": [15]"#, #""layers": ["1"]"#,
            #"declarations[0].site.layers[0]: the string "1" is given where a whole number is needed"#
        ),
        (
            #""layers": [15]"#, #""layers": {"a": 1}"#,
            "declarations[0].site.layers: an object is given where a layer, a list of layers or a text is needed; "
                + "allowed: all, 4-7, 0,4,8 or 4- (from 4 on)"
        ),
        (
            #"{ "component": "block_output", "layers": [15] }"#, #""block_output.-1""#,
            "declarations[0].site: site 'block_output.-1': '-1' can not be read; allowed: layers counted from 0: all, 4-7, "
                + "0,4,8 or 4- (from 4 on)"
        ),
        (
            #"{ "component": "block_output", "layers": [15] }"#, "5",
            #"declarations[0].site: the number 5 is given where a text such as "block_output.3" or an object is needed"#
        ),
        (
            #""positions": "l1""#, #""positions": 5"#,
            #"declarations[0].positions: the number 5 is given where a text such as "f7+l7" or {"at": [positions]} is needed"#
        ),
        (
            #""positions": "l1""#, #""positions": "l1", "tied": 5"#,
            "declarations[0].tied: the number 5 is given where true, false or a list of axes is needed"
        ),
        (
            #""positions": "l1""#, #""positions": "l1", "subspace": "a""#,
            #"declarations[0].subspace: the string "a" is given where a list, or an object of lists by name, is needed"#
        ),
        (#""layers": [15]"#, #""heads": [1]"#, "declarations[0].site: heads need layers: the key 'layers' is missing"),
        (#""layers": [15]"#, #""module": "a""#, "declarations[0].site.module: a module path stands alone"),
        (
            #""positions": "l1""#, #""positions": "l1", "tied": ["layer"]"#,
            "declarations[0].tied[0]: unknown axis 'layer'; allowed: positions, layers, heads; did you mean 'layers'?"
        ),
        (
            #""positions": "l1""#, #""positions": "l1", "source": { "run": "x" }"#,
            "declarations[0].source: LoReFT reads no source"
        ),
        (
            #""type": "LoReFT", "rank": 4 },"#, #""type": "Zero" }, "source": { "run": "x" },"#,
            "declarations[0].source: Zero reads no source"
        ),
        (
            #""type": "LoReFT", "rank": 4"#, #""type": "Zero", "rank": 4"#,
            "declarations[0].intervention: unknown key 'rank'; allowed: none"
        ),
        (#""version": 1"#, #""version": 2"#, "version: version 2 is not known; this release reads version 1"),
        ("swift-reft/program", "reft", "format: 'reft' is given where 'swift-reft/program' is needed"),
        (#""version": 1"#, #""version": 1, "runs": []"#, "give either 'runs' or the 'declarations' of the base run"),
        (#""version": 1,"#, #""version": 1"#, "this is no JSON: line 1, column 48: expected , but found \""),
        (
            #""version": 1,"#, #""version": 1, "version": 1,"#,
            "line 1, column 49: the key \"version\" is given twice, first in column 35"
        ),
        (
            #""rank": 4"#, #""rank": 4.5"#,
            "declarations[0].intervention.rank: the number 4.5 is given where a whole number is needed"
        ),
    ])
    func mistakesNameTheirPlace(good: String, bad: String, message: String) throws {
        let file = """
            { "format": "swift-reft/program", "version": 1, "declarations": [
              { "intervention": { "type": "LoReFT", "rank": 4 },
                "site": { "component": "block_output", "layers": [15] }, "positions": "l1" } ] }
            """
        #expect(throws: Never.self) { try Program(json: Data(file.utf8), registry: Self.registry) }
        let damaged = file.replacing(good, with: bad)
        try #require(damaged != file)
        let error = #expect(throws: InterventionError.self) {
            try Program(json: Data(damaged.utf8), registry: Self.registry)
        }
        #expect(error?.description == message)
    }

    /// Writers that know no whole numbers write 4 as 4.0.
    @Test func wholeNumbersMayHaveAFraction() throws {
        let file = #"{"format": "swift-reft/program", "version": 1.0, "declarations": []}"#
        #expect(try Program(json: Data(file.utf8)).declarations.isEmpty)
    }

    @Test func runsMustHaveNamesOfTheirOwn() {
        let file = #"{"format": "swift-reft/program", "version": 1, "runs": [{"name": "a"}, {"name": "a"}]}"#
        let error = #expect(throws: InterventionError.self) { try Program(json: Data(file.utf8)) }
        #expect(error?.description == "runs[1].name: there is already a run named 'a'")
    }

    @Test func mistakesInASourceNameThePlaceBesideTheIntervention() {
        let file = """
            {"format": "swift-reft/program", "version": 1, "declarations": [{"intervention": {"type": "Interchange"},
            "source": {"rum": "a"}, "site": "embedding", "positions": "all"}]}
            """
        let error = #expect(throws: InterventionError.self) { try Program(json: Data(file.utf8)) }
        #expect(
            error?.description
                == "declarations[0].source: unknown key 'rum'; allowed: run, site, positions, constant; "
                + "did you mean 'run'?")
    }

    @Test(arguments: [
        (
            #"{"intervention": {"type": "Interchange"}, "site": "embedding", "positions": "all"}"#,
            #"declarations[0]: the key 'source' is missing: Interchange reads one, {"run": NAME}"#
        ),
        (
            #"{"average": []}"#,
            "declarations[0].average: an average needs at least one member, with a weight and declarations"
        ),
        (
            String(repeating: "[", count: 300) + String(repeating: "]", count: 300),
            "line 1, column 264: more than 200 levels of nesting"
        ),
    ])
    func mistakesInAList(element: String, message: String) {
        let file = #"{"format": "swift-reft/program", "version": 1, "declarations": [\#(element)]}"#
        let error = #expect(throws: InterventionError.self) { try Program(json: Data(file.utf8)) }
        #expect(error?.description == message)
    }

    /// Every prefix of a file is refused, none of them crashes.
    @Test func truncatedFilesAreRefused() {
        for length in stride(from: 0, to: Self.text.utf8.count - 3, by: 7) {
            let data = Data(Self.text.utf8.prefix(length))
            #expect(throws: InterventionError.self) { try Program(json: data, registry: Self.registry) }
        }
    }
}
