import Checkpoints
import Foundation
import Graph
import Testing

@testable import Runtime

/// Optimisers, clipping, schedules and the Householder map against torch and transformers.
@Suite struct OptimizerReferenceTests {
    struct Cases: Decodable {
        struct Settings: Decodable {
            var kind: String
            var lr: Double
            var betas: [Double]?
            var eps: Double?
            var momentum: Double?
            var nesterov: Bool?
            var weightDecay: Double
        }
        struct Clip: Decodable {
            var limit: Double
            var normOfFirstThreeGradients: Double
        }
        var cases: [String: Settings]
        var clip: Clip
        var schedules: [String: [Double]]
    }

    private func rows(_ tensor: StoredTensor, _ index: Int, of count: Int) -> [Float] {
        let values = tensor.floats()
        return Array(values[index * count..<(index + 1) * count])
    }

    private func optimizer(_ settings: Cases.Settings, _ store: ParameterStore) throws -> Optimizer {
        let method: OptimizerSettings.Method
        if settings.kind == "AdamW" {
            let betas = try #require(settings.betas)
            method = .adamW(beta1: betas[0], beta2: betas[1], epsilon: try #require(settings.eps))
        } else {
            method = .sgd(momentum: settings.momentum ?? 0, dampening: 0, nesterov: settings.nesterov ?? false)
        }
        return try Optimizer(store, settings: OptimizerSettings(method: method, weightDecay: settings.weightDecay))
    }

    @Test func trajectoriesAreThoseOfTorch() throws {
        let cases = try ReferenceFiles.json("optimizers/cases.json", as: Cases.self)
        let file = try ReferenceFiles.tensors("optimizers/tensors.safetensors")
        let start = try file.tensor("start").floats()
        let gradients = try file.tensor("gradients")
        #expect(cases.cases.count == 7)
        for (name, settings) in cases.cases {
            let specification = ParameterSpecification("p", 1, start.count, initialiser: .values(start))
            let store = try ParameterStore([specification], seed: 0)
            let optimizer = try optimizer(settings, store)
            let trajectory = try file.tensor("\(name).trajectory")
            for step in 0..<10 {
                store.clearGradients()
                try rows(gradients, step, of: start.count).withUnsafeBufferPointer { numbers in
                    let pointer = try #require(numbers.baseAddress)
                    try store.accumulateGradient(
                        of: "p", MatrixView(pointer: pointer, rows: 1, columns: start.count, stride: start.count))
                }
                try optimizer.step(learningRate: settings.lr)
                let expected = rows(trajectory, step, of: start.count)
                #expect(largestDifference(try store.values(of: "p"), expected) <= 1e-6, "\(name), step \(step)")
            }
        }
    }

    @Test func clippingScalesAllGradientsByTheirJointNorm() throws {
        let cases = try ReferenceFiles.json("optimizers/cases.json", as: Cases.self)
        let file = try ReferenceFiles.tensors("optimizers/tensors.safetensors")
        let count = try file.tensor("start").elementCount
        let names = ["a", "b", "c"]
        let store = try ParameterStore(
            names.map { ParameterSpecification($0, 1, count, initialiser: .zeros) }, seed: 0)
        for (place, name) in names.enumerated() {
            try rows(try file.tensor("gradients"), place, of: count).withUnsafeBufferPointer { numbers in
                let pointer = try #require(numbers.baseAddress)
                try store.accumulateGradient(
                    of: name, MatrixView(pointer: pointer, rows: 1, columns: count, stride: count))
            }
        }
        let settings = OptimizerSettings(
            method: .sgd(momentum: 0, dampening: 0, nesterov: false), gradientNormLimit: cases.clip.limit)
        let norm = try Optimizer(store, settings: settings).step(learningRate: 1)
        #expect(abs(norm / cases.clip.normOfFirstThreeGradients - 1) <= 1e-6)
        let clipped = try file.tensor("clipped")
        for (place, name) in names.enumerated() {
            // From zero a step of rate 1 is the negative clipped gradient.
            let moved = try store.values(of: name).map { -$0 }
            #expect(largestDifference(moved, rows(clipped, place, of: count)) <= 2e-7)
        }
    }

    @Test func schedulesAreThoseOfTransformers() throws {
        let cases = try ReferenceFiles.json("optimizers/cases.json", as: Cases.self)
        for (name, rates) in cases.schedules {
            let parts = name.split(separator: "-")
            let shape = try #require(LearningRateSchedule.Shape(rawValue: String(parts[0])), "\(name)")
            let (warmup, total) = (try #require(Int(parts[1])), try #require(Int(parts[2])))
            let schedule = LearningRateSchedule(shape, peak: 1, warmupSteps: warmup, totalSteps: total)
            for (step, rate) in rates.enumerated() {
                #expect(abs(schedule.rate(atStep: step) - rate) <= 1e-12, "\(name), step \(step)")
            }
        }
    }

    struct MapCase: Decodable {
        var name: String
        var rows: Int
        var columns: Int
    }

    @Test func theHouseholderMapAndItsGradientAreTorchs() throws {
        let cases = try ReferenceFiles.json("orthogonal_map/cases.json", as: [MapCase].self)
        let file = try ReferenceFiles.tensors("orthogonal_map/tensors.safetensors")
        #expect(cases.count >= 8)
        for entry in cases {
            let specification = ParameterSpecification(
                "R", entry.rows, entry.columns, initialiser: .orthonormal, constraint: .orthonormalColumns)
            let store = try ParameterStore([specification], seed: 1)
            let settings = OptimizerSettings(
                method: .sgd(momentum: 0, dampening: 0, nesterov: false), orthonormalMap: .householder)
            let optimizer = try Optimizer(store, settings: settings)
            try optimizer.setHouseholderState(
                "R", original: file.tensor("\(entry.name).original").floats(),
                base: file.tensor("\(entry.name).base").floats())
            let expected = try file.tensor("\(entry.name).result").floats()
            #expect(largestDifference(try store.values(of: "R"), expected) <= 2e-6, "\(entry.name)")
            try file.tensor("\(entry.name).upstream").floats().withUnsafeBufferPointer { numbers in
                let pointer = try #require(numbers.baseAddress)
                try store.accumulateGradient(
                    of: "R",
                    MatrixView(pointer: pointer, rows: entry.rows, columns: entry.columns, stride: entry.columns))
            }
            try optimizer.step(learningRate: 0)
            let gradient = try file.tensor("\(entry.name).gradient").floats()
            let scale = max(1, gradient.map(abs).max() ?? 0)
            let difference = largestDifference(try optimizer.householderState("R").gradient, gradient)
            #expect(difference / scale <= 3e-6, "gradient of \(entry.name)")
        }
    }
}
