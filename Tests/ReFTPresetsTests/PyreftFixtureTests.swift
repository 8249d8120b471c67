import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// The edits of pyreft's own modules, recorded on tiny models: same rows, same numbers.
///
/// Each case edits hidden states h that the model's own fixture holds, so that no model has to be run.
@Suite struct PyreftFixtureTests {
    static let fixtures = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent()
        .appending(path: "Fixtures")

    struct Case: Decodable {
        struct Input: Decodable {
            var sequences: [[Int]]
            var promptLengths: [Int]?
        }
        var model: String
        var input: Input
        /// The rows of each sequence by declaration, layer and part.
        var positionsUsed: [String: [[Int]]]

        /// The sequences as positions see them.
        var contexts: [SequenceContext] {
            input.sequences.enumerated().map { place, tokens in
                SequenceContext(index: place, promptLength: input.promptLengths?[place], length: tokens.count)
            }
        }
    }

    static let names: [String] = {
        let folder = fixtures.appending(path: "interventions").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }()

    /// The program of a case: the member `program` of its file, read as a program file.
    static func program(_ name: String) throws -> Program {
        struct Holder: Decodable { var program: Program }
        let data = try Data(contentsOf: fixtures.appending(path: "interventions/\(name)/case.json"))
        return try JSONDecoder(interventions: .general + .reft).decode(Holder.self, from: data).program
    }

    static func setting(_ name: String) throws -> Case {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            Case.self, from: Data(contentsOf: fixtures.appending(path: "interventions/\(name)/case.json")))
    }

    @Test(arguments: names) func positionsAgree(name: String) throws {
        let setting = try Self.setting(name)
        for declaration in try Self.program(name).declarations {
            let used = setting.positionsUsed.filter { $0.key.hasPrefix((declaration.name ?? "") + ".") }
            for (key, rows) in used {
                let part =
                    if key.hasSuffix(".first") {
                        declaration.positions.parts[0]
                    } else if key.hasSuffix(".last") {
                        declaration.positions.parts[1]
                    } else {
                        declaration.positions.whole
                    }
                #expect(try setting.contexts.map { try part.rows(in: $0) } == rows, "\(key)")
            }
        }
    }

    @Test func thereAreCases() { #expect(Self.names.count >= 50) }

    @Test(arguments: names) func programsSurviveWriting(name: String) throws {
        let program = try Self.program(name)
        let text = try program.json()
        #expect(try Program(json: Data(text.utf8), registry: .general + .reft) == program)
    }

    @Test(arguments: names) func editsAgree(name: String) throws {
        let program = try Self.program(name)
        let declared = program.declarations
        guard declared.allSatisfy({ $0.intervention is any ReFTLike || $0.intervention is Add }),
            case .layers(.blockOutput, let layers, nil) = declared[0].place,
            declared.allSatisfy({ $0.place == declared[0].place })
        else { return }
        // The first edited layer: its input is that of the model without edits.
        let layer = Int("\(layers)".prefix { $0.isNumber }) ?? 0
        let folder = Self.fixtures.appending(path: "interventions/\(name)")
        let setting = try Self.setting(name)
        // BERT's own fixture was recorded with token types, these cases were not.
        if setting.model == "bert" { return }
        let tensors = try SafetensorsFile(folder.appending(path: "tensors.safetensors"))
        let model = try SafetensorsFile(
            Self.fixtures.appending(path: "models/\(setting.model)/expected.safetensors"))
        let hidden = try #require(model["block_output.\(layer)"])
        let expected = try #require(tensors["expected.block_output.\(layer)"])

        let builder = GraphBuilder()
        let rows = builder.input("hidden", .real(.named("base.rows"), .fixed(hidden.columns)))
        builder.declareSite(SiteID(.blockOutput, layer: layer), rows, modulePath: "block.output")
        let graph = try builder.finish()
        let here = program.mapDeclarations { declaration in
            var declaration = declaration
            declaration.place = .layers(.blockOutput, [layer], heads: nil)
            return declaration
        }
        let hookGraph = try here.bound(to: graph) { reference in
            tensors[reference.name].map { $0.values.map { Float($0) } } ?? []
        }
        let spliced = try hookGraph.splice(into: graph, mode: .evaluate)

        var bindings = Interpreter.Bindings()
        bindings.inputs["hidden"] = .real(hidden)
        for selection in spliced.selections {
            bindings.inputs[selection.name] = .indices(try selection.indices(in: setting.contexts))
        }
        for (parameter, specification) in spliced.parameters {
            let tensor = try #require(tensors[Self.peerName(parameter)], "\(parameter)")
            try #require(tensor.values.count == specification.count)
            bindings.parameters[parameter] = Matrix64(
                rows: specification.rows, columns: specification.columns, values: tensor.values)
        }
        let edited = try Interpreter(spliced.graph).evaluate([spliced.graph.sites[0].value], bindings: bindings)[0]
        let largest = expected.values.map(abs).max() ?? 1
        let worst = zip(edited.values, expected.values).map { abs($0 - $1) }.max() ?? largest
        #expect(edited.values.count == expected.values.count)
        #expect(worst <= 1e-5 * largest)
        #expect(edited != hidden)
    }

    /// `loreft.0.f2.rotation` → `state.loreft.0.first.R`.
    static func peerName(_ name: String) -> String {
        var parts = name.split(separator: ".").map(String.init)
        let letters = ["rotation": "R", "weight": "W", "bias": "b", "projection": "P", "projection_bias": "Pb"]
        let letter = letters[parts.removeLast()] ?? "?"
        if parts.count == 2 {
            parts.append("shared")
        } else {
            parts[2] = parts[2].hasPrefix("f") ? "first" : "last"
        }
        return "state." + parts.joined(separator: ".") + "." + letter
    }
}

/// The types whose edits the fixtures hold.
protocol ReFTLike {}
extension LoReFT: ReFTLike {}
extension NoReFT: ReFTLike {}
extension DiReFT: ReFTLike {}
extension NodiReFT: ReFTLike {}
extension ConsReFT: ReFTLike {}
extension LobiReFT: ReFTLike {}

/// The f32 tensors of a small safetensors file.
struct SafetensorsFile {
    private struct Entry: Decodable {
        var dtype: String
        var shape: [Int]
        var offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    private let entries: [String: Entry]
    private let tensors: Data

    init(_ url: URL) throws {
        let data = try Data(contentsOf: url)
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        entries = try JSONDecoder().decode([String: Entry].self, from: data.dropFirst(8).prefix(length))
        tensors = Data(data.dropFirst(8 + length))
    }

    subscript(name: String) -> Matrix64? {
        guard let entry = entries[name], entry.dtype == "F32" else { return nil }
        let columns = entry.shape.last ?? 1
        let values = tensors.withUnsafeBytes { buffer in
            stride(from: entry.offsets[0], to: entry.offsets[1], by: 4).map { offset in
                Double(buffer.loadUnaligned(fromByteOffset: offset, as: Float.self))
            }
        }
        return Matrix64(rows: values.count / max(columns, 1), columns: columns, values: values)
    }
}
