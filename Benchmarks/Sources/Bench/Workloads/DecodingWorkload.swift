import Foundation
import SwiftReFT

/// Greedy decoding after a prompt. What is timed is the tokens after the first, which comes from the prompt's rows.
final class DecodingWorkload: Workload {
    struct Task: Decodable {
        var prompt: [Int32]
        var newTokens: Int
        var program: ProgramTask?
    }

    private let session: Session
    private let prompt: Example
    private let settings: GenerationSettings

    init(task data: Data) throws {
        let model = try decodeTask(ModelTask.self, data).open()
        let task = try decodeTask(Task.self, data)
        session = try task.program.map { try $0.session(model) } ?? Session(model)
        prompt = Example(tokens: task.prompt)
        var settings = GenerationSettings(maximumTokens: task.newTokens)
        settings.ignoresEnd = true
        self.settings = settings
    }

    func check() throws -> [Reading] {
        let logits = try session.run([prompt], logits: .lastRows).logits?.values ?? []
        let answer = try session.generate([prompt], settings: settings)[0]
        // What each token of the answer was chosen by, computed again over the whole sequence without stored keys and values.
        let whole = try session.run([Example(tokens: prompt.tokens + answer.tokens.dropLast())]).logits
        let first = (prompt.tokens.count - 1) * (whole?.columns ?? 0)
        return [
            .floats("logits", logits), .integers("tokens", answer.tokens.map(Int.init)),
            .floats("answer_logits", Array(whole?.values.dropFirst(first) ?? [])),
        ]
    }

    func sample() throws -> [Reading] {
        var times: [UInt64] = []
        times.reserveCapacity(settings.maximumTokens)
        _ = try session.generate([prompt], settings: settings) { _ in
            times.append(DispatchTime.now().uptimeNanoseconds)
            return true
        }
        guard let first = times.first, let last = times.last else { throw BenchError("the answer has no token") }
        let tokens = zip(times.dropFirst(), times).map { Double($0 - $1) * 1e-9 }
        return [
            .seconds(Double(last - first) * 1e-9), Reading(name: "tokens", json: .array(tokens.map(JSONValue.number))),
        ]
    }
}
