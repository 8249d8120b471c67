import Foundation
import SwiftReFT

/// The first token of an answer to a text, for a process that does nothing else.
final class FirstTokenWorkload: Workload {
    struct Task: Decodable { var text: String }

    private let model: Model
    private let text: String

    init(task data: Data) throws {
        model = try decodeTask(ModelTask.self, data).open()
        text = try decodeTask(Task.self, data).text
    }

    func check() throws -> [Reading] { [Reading(name: "text", json: .string(try firstToken()))] }

    func sample() throws -> [Reading] { [.seconds(try timed { try firstToken() }.seconds)] }

    private func firstToken() throws -> String {
        try model.generate(text, settings: GenerationSettings(maximumTokens: 1))
    }
}
