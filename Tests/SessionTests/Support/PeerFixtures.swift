import Checkpoints
import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Session

/// The reference values of torch, transformers and pyreft under Tests/Fixtures.
enum PeerFixtures {
    static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    static func names(in part: String) -> [String] {
        let path = folder.appendingPathComponent(part).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    static func model(_ name: String) throws -> Model {
        try Model(at: folder.appendingPathComponent("models/\(name)").path)
    }

    /// The keys of `RunInput` within a fixture's JSON, which holds others too.
    static func input(_ object: [String: Any], name: String) throws -> RunInput {
        let known = ["sequences", "labels", "prompt_lengths", "token_types", "sources"]
        let data = try JSONSerialization.data(withJSONObject: object.filter { known.contains($0.key) })
        return try RunInput(json: data, file: name)
    }

    static func json(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: folder.appendingPathComponent(path))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    static func tensors(_ path: String) throws -> SafetensorsFile {
        try SafetensorsFile(at: folder.appendingPathComponent(path))
    }

    /// The largest difference, as a share of the largest expected magnitude; infinite for another count.
    ///
    /// - Parameter floor: a magnitude below which expected numbers are rounding alone, such as the gradient of a bias of
    ///   keys, which softmax does not see.
    static func error(_ found: [Float], _ expected: [Float], floor: Double = 0) -> Double {
        guard found.count == expected.count else { return .infinity }
        let largest = max(floor, expected.map { abs(Double($0)) }.max() ?? 0)
        let worst = zip(found, expected).map { abs(Double($0) - Double($1)) }.max() ?? 0
        // A NaN must not pass as small.
        guard worst.isFinite, !found.contains(where: \.isNaN) else { return .infinity }
        return largest == 0 ? worst : worst / largest
    }
}

/// A recorded run of pyreft's modules: a program, its parameters, and what came out.
struct PeerCase {
    let name: String
    let settings: [String: Any]
    let tensors: SafetensorsFile
    let model: Model
    let program: Program
    let input: RunInput

    init(_ path: String) throws {
        name = path
        settings = try PeerFixtures.json("\(path)/case.json")
        tensors = try PeerFixtures.tensors("\(path)/tensors.safetensors")
        model = try PeerFixtures.model(settings["model"] as? String ?? "")
        let object = try JSONSerialization.data(withJSONObject: settings["program"] ?? [:])
        program = try Program(json: object, registry: .general + .reft)
        input = try PeerFixtures.input(settings["input"] as? [String: Any] ?? [:], name: path)
    }

    /// A session whose parameters have the recorded first values.
    func session() throws -> Session {
        let session = try Session(model, program: program, constantsIn: TensorReader(folder: folder))
        // Trained weights start from the model's own.
        for specification in session.parameters.specifications
        where !TrainableWeights.isParameter(specification.name) {
            try session.parameters.set(
                specification.name, tensors.tensor("state.\(Self.peerName(specification.name))").floats())
        }
        return session
    }

    private var folder: URL { PeerFixtures.folder.appendingPathComponent(name) }

    /// `loreft.0.f2.rotation` is `loreft.0.first.R` there.
    static func peerName(_ name: String) -> String {
        if TrainableWeights.isParameter(name) { return name }
        let letters = ["rotation": "R", "weight": "W", "bias": "b", "projection": "P", "projection_bias": "Pb"]
        var parts = name.split(separator: ".").map(String.init)
        let letter = parts.removeLast()
        if parts.count == 2 { parts.append("shared") } else { parts[2] = parts[2].hasPrefix("f") ? "first" : "last" }
        return (parts + [letters[letter] ?? letter]).joined(separator: ".")
    }
}
