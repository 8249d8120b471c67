import Foundation
import SwiftReFT
import Synchronization

/// The models of this process, each opened once: workloads that are compared within a process read the same memory.
enum OpenedModels {
    private static let known = Mutex<[String: Model]>([:])

    static func model(at path: String) throws -> Model {
        if let model = known.withLock({ $0[path] }) { return model }
        let model = try Model(at: path)
        known.withLock { $0[path] = model }
        return model
    }
}
