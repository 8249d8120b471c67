import Foundation
import SwiftReFT

/// Reading a prompt: from its tokens to the first token of the answer, keys and values stored for the next.
final class PromptWorkload: Workload {
    struct Task: Decodable { var prompt: [Int32] }

    private let session: Session
    private let prompt: Example

    init(task data: Data) throws {
        let model = try decodeTask(ModelTask.self, data)
        session = try model.computing(Session(try model.open()))
        prompt = Example(tokens: try decodeTask(Task.self, data).prompt)
    }

    func check() throws -> [Reading] {
        [.floats("logits", try session.run([prompt], logits: .lastRows).logits?.values ?? [])]
    }

    func sample() throws -> [Reading] {
        var settings = GenerationSettings(maximumTokens: 1)
        settings.ignoresEnd = true
        return [.seconds(try timed { try session.generate([prompt], settings: settings) }.seconds)]
    }
}
