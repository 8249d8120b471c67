import Foundation
import SwiftReFT

/// A forward pass of a batch of which the logits of each sequence's last row are read.
final class ForwardWorkload: Workload {
    struct Task: Decodable { var sequences: [[Int32]] }

    private let session: Session
    private let examples: [Example]

    init(task data: Data) throws {
        session = try Session(try decodeTask(ModelTask.self, data).open())
        examples = try decodeTask(Task.self, data).sequences.map { Example(tokens: $0) }
    }

    func check() throws -> [Reading] {
        [.floats("logits", try session.run(examples, logits: .lastRows).logits?.values ?? [])]
    }

    func sample() throws -> [Reading] {
        [.seconds(try timed { try session.run(examples, logits: .lastRows) }.seconds)]
    }
}
