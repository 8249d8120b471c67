import Foundation
import SwiftReFT

/// A batch of requests that are answered together, each with an adapter of its own or all with one.
final class AdaptersWorkload: Workload {
    struct Task: Decodable {
        var prompts: [[Int32]]
        var newTokens: Int
        /// How many different adapters the requests have; request i has number i modulo this.
        var adapters: Int
    }

    private let session: Session
    private let prompts: [Example]
    private let settings: GenerationSettings

    init(task data: Data) throws {
        let model = try decodeTask(ModelTask.self, data).open()
        let task = try decodeTask(Task.self, data)
        let program = try decodeTask(ProgramTask.self, data).program()
        let adapters = try (0..<task.adapters).map { number in
            try Session(model, program: program, seed: UInt64(number)).adapter(named: "adapter\(number)")
        }
        if adapters.count == 1 {
            session = try Session(model, adapters: adapters)
        } else {
            session = try Session(model, bank: adapters)
        }
        prompts = task.prompts.enumerated().map { index, tokens in
            Example(tokens: tokens, adapterIndex: adapters.count == 1 ? nil : index % adapters.count)
        }
        var settings = GenerationSettings(maximumTokens: task.newTokens)
        settings.ignoresEnd = true
        self.settings = settings
    }

    /// The tokens of the answers to the requests that have the first adapter.
    func check() throws -> [Reading] {
        let answers = try session.generate(prompts, settings: settings)
        return [.integers("tokens", answers[0].tokens.map(Int.init))]
    }

    func sample() throws -> [Reading] {
        [.seconds(try timed { try session.generate(prompts, settings: settings) }.seconds)]
    }
}
