import Foundation
import SwiftReFT

/// Making the plan of a training step: scheduling a graph that is built, fused and differentiated already.
final class PlanningWorkload: Workload {
    struct Task: Decodable {
        /// The time is told for so many, at the rate of the graph.
        var nodes: Int
    }

    private let task: Task
    private let plan: Plan

    init(task data: Data) throws {
        task = try decodeTask(Task.self, data)
        let model = try decodeTask(ModelTask.self, data).open()
        plan = try decodeTask(ProgramTask.self, data).session(model).plan(for: .training)
    }

    func check() throws -> [Reading] { [.integers("nodes", [plan.graph.nodes.count])] }

    /// Several plans, of which the time of one is told.
    func sample() throws -> [Reading] {
        let count = 20
        let (_, seconds) = try timed { for _ in 0..<count { _ = try Plan(plan.graph, outputs: plan.outputs) } }
        return [.seconds(seconds / Double(count) * Double(task.nodes) / Double(plan.graph.nodes.count))]
    }
}
