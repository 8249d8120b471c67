import Foundation
import SwiftReFT

/// The part of a task that says which model runs, and how.
struct ModelTask: Decodable {
    /// A Hugging Face folder or a GGUF file.
    var model: String
    var threads: Int
    /// How products with frozen weights are computed, `f32` or `bf16`; the former if not given.
    var precision: String?

    /// The session on the model, computing as the task says.
    func computing(_ session: Session) throws -> Session {
        guard let precision else { return session }
        guard let known = ProductPrecision(rawValue: precision) else {
            throw BenchError("no precision is called '\(precision)'")
        }
        session.precision = known
        return session
    }

    func open() throws -> Model {
        Threads.configure(threads)
        return try OpenedModels.model(at: model)
    }
}

/// The part of a task that says what is edited: LoReFT at block outputs.
struct ProgramTask: Decodable {
    var layers: [Int]
    var rank: Int
    /// In the text form, as `f7+l7`. One set of parameters serves both ends.
    var positions: String
    /// Whether the intervention is one that is declared here instead of the package's own.
    var isUserDeclared: Bool?
    /// A safetensors file with `LAYER.rotation` [d, r], `LAYER.weight` [r, d] and `LAYER.bias` [r].
    var parameters: String?

    func program() throws -> Program {
        isUserDeclared == true ? try program(of: UserLoReFT(rank: rank)) : try program(of: LoReFT(rank: rank))
    }

    private func program(of intervention: some Intervention) throws -> Program {
        let positions = try Positions(text: positions)
        return Program {
            intervention.on(.blockOutput, layers: Layers(layers)).at(positions)
                .tied(across: .positions).named("edit")
        }
    }

    func session(_ model: Model) throws -> Session {
        let program = try program()
        let session = try Session(model, program: program)
        guard let parameters else { return session }
        let file = try Checkpoint(at: URL(fileURLWithPath: parameters))
        for layer in layers {
            for part in ["rotation", "weight", "bias"] {
                try session.parameters.set("edit.\(layer).\(part)", try file.tensor("\(layer).\(part)").floats())
            }
        }
        return session
    }
}
