import Checkpoints
import Foundation
import Graph
import Testing

@testable import Runtime

@Suite struct OrthonormalTrainingTests {
    private func specification(_ rows: Int, _ columns: Int) -> ParameterSpecification {
        ParameterSpecification(
            "R", rows, columns, initialiser: .orthonormal, constraint: .orthonormalColumns)
    }

    /// Adds 2·(R − target) to the gradient, the gradient of ‖R − target‖².
    private func addDistanceGradient(_ store: ParameterStore, _ target: [Float], noise: inout Philox) throws {
        let view = try store.view(of: "R")
        let jitter = noise.normals(view.count)
        let gradient = zip(zip(view.floats(), target), jitter).map { 2 * ($0.0 - $0.1) + 0.3 * $1 }
        try gradient.withUnsafeBufferPointer { numbers in
            let pointer = try #require(numbers.baseAddress)
            try store.accumulateGradient(
                of: "R", MatrixView(pointer: pointer, rows: view.rows, columns: view.columns, stride: view.columns))
        }
    }

    @Test(arguments: [OptimizerSettings.OrthonormalMap.retraction, .householder])
    func columnsStayOrthonormalOverAThousandStepsWithDecay(map: OptimizerSettings.OrthonormalMap) throws {
        let methods: [OptimizerSettings.Method] = [
            .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), .sgd(momentum: 0.9, dampening: 0, nesterov: false),
        ]
        for method in methods {
            let store = try ParameterStore([specification(24, 4)], seed: 11)
            let target = try ParameterStore([specification(24, 4)], seed: 12).values(of: "R")
            let settings = OptimizerSettings(method: method, weightDecay: 0.1, orthonormalMap: map)
            let optimizer = try Optimizer(store, settings: settings)
            var noise = Philox(seed: 13)
            let start = try store.values(of: "R")
            for _ in 0..<1000 {
                store.clearGradients()
                try addDistanceGradient(store, target, noise: &noise)
                try optimizer.step(learningRate: 1e-2)
            }
            #expect(orthonormalityError(try store.view(of: "R")) <= 1e-5)
            // It did go somewhere: decay alone would leave R where it is.
            #expect(largestDifference(start, try store.values(of: "R")) > 0.1)
        }
    }

    @Test(arguments: [OptimizerSettings.OrthonormalMap.retraction, .householder])
    func trainingFindsTheNearestMatrix(map: OptimizerSettings.OrthonormalMap) throws {
        let store = try ParameterStore([specification(9, 2)], seed: 21)
        let target = try ParameterStore([specification(9, 2)], seed: 22).values(of: "R")
        let optimizer = try Optimizer(store, settings: .adamW(orthonormalMap: map))
        let schedule = LearningRateSchedule(.linear, peak: 0.05, totalSteps: 400)
        for step in 0..<400 {
            store.clearGradients()
            let view = try store.view(of: "R")
            let gradient = zip(view.floats(), target).map { 2 * ($0 - $1) }
            try gradient.withUnsafeBufferPointer { numbers in
                let pointer = try #require(numbers.baseAddress)
                try store.accumulateGradient(of: "R", MatrixView(pointer: pointer, rows: 9, columns: 2, stride: 2))
            }
            try optimizer.step(learningRate: schedule.rate(atStep: step))
        }
        #expect(largestDifference(try store.values(of: "R"), target) <= 2e-3)
    }

    @Test func theReflectorBaseGivesTheSameGradientAsFiniteDifferences() throws {
        let (rows, columns) = (7, 3)
        let store = try ParameterStore([specification(rows, columns)], seed: 31)
        let start = try store.values(of: "R")
        let settings = OptimizerSettings(
            method: .sgd(momentum: 0, dampening: 0, nesterov: false), orthonormalMap: .householder)
        let optimizer = try Optimizer(store, settings: settings)
        var random = Philox(seed: 32)
        let upstream = random.normals(rows * columns)
        let add = {
            try upstream.withUnsafeBufferPointer { numbers in
                let pointer = try #require(numbers.baseAddress)
                try store.accumulateGradient(
                    of: "R", MatrixView(pointer: pointer, rows: rows, columns: columns, stride: columns))
            }
        }
        // Two steps away from −I, where reflectors are no longer unit vectors.
        try add()
        for _ in 0..<2 { try optimizer.step(learningRate: 0.2) }
        try optimizer.step(learningRate: 0)
        #expect(orthonormalityError(try store.view(of: "R")) <= 1e-6)
        #expect(largestDifference(start, try store.values(of: "R")) > 0.05)
        let gradient = try optimizer.householderState("R").gradient
        let variable = try #require(optimizer.states[0].variable as? HouseholderColumns)
        func loss() throws -> Double {
            variable.beforeMove()
            variable.afterMove()
            return zip(try store.values(of: "R"), upstream).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        for place in 0..<rows * columns {
            let value = variable.raw[place]
            let step: Float = 1e-2
            guard place / columns > place % columns else {
                #expect(gradient[place] == 0)
                continue
            }
            variable.raw[place] = value + step
            let above = try loss()
            variable.raw[place] = value - step
            let below = try loss()
            variable.raw[place] = value
            #expect(abs((above - below) / Double(2 * step) - Double(gradient[place])) <= 2e-3, "place \(place)")
        }
    }

    @Test(arguments: [OptimizerSettings.OrthonormalMap.retraction, .householder])
    func savedStateGoesOnWithTheSameBits(map: OptimizerSettings.OrthonormalMap) throws {
        let folder = try TemporaryFolder()
        let specifications = [
            specification(10, 3), ParameterSpecification("b", 1, 5, initialiser: .linear(inputs: 5)),
        ]
        let target = try ParameterStore([specification(10, 3)], seed: 41).values(of: "R")
        let settings = OptimizerSettings.adamW(weightDecay: 0.01, orthonormalMap: map, gradientNormLimit: 1)
        func steps(_ store: ParameterStore, _ optimizer: Optimizer, _ range: Range<Int>) throws {
            for step in range {
                store.clearGradients()
                var noise = Philox(seed: 42, stream: UInt64(step))
                try addDistanceGradient(store, target, noise: &noise)
                try noise.normals(5).withUnsafeBufferPointer { numbers in
                    let pointer = try #require(numbers.baseAddress)
                    try store.accumulateGradient(
                        of: "b", MatrixView(pointer: pointer, rows: 1, columns: 5, stride: 5))
                }
                try optimizer.step(learningRate: 0.03)
            }
        }
        let store = try ParameterStore(specifications, seed: 43)
        let optimizer = try Optimizer(store, settings: settings)
        try steps(store, optimizer, 0..<5)
        let (values, state) = (
            folder.url.appendingPathComponent("parameters.safetensors"),
            folder.url.appendingPathComponent("optimizer.safetensors")
        )
        try store.save(to: values)
        try optimizer.saveState(to: state)
        try steps(store, optimizer, 5..<9)

        let resumed = try ParameterStore(specifications, seed: 99)
        let other = try Optimizer(resumed, settings: settings)
        try resumed.load(from: values)
        try other.loadState(from: state)
        #expect(other.stepCount == 5)
        try steps(resumed, other, 5..<9)
        #expect(try resumed.values(of: "R") == store.values(of: "R"))
        #expect(try resumed.values(of: "b") == store.values(of: "b"))
    }

    /// A file whose shapes or step count lie is refused; taking it would read past the end of what it holds.
    @Test func savedStateThatDoesNotFitIsRefused() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("optimizer.safetensors")
        let optimizer = try Optimizer(
            ParameterStore([specification(4, 2)], seed: 1), settings: .adamW(orthonormalMap: .householder))
        let identity = (0..<16).map { Float($0 % 5 == 0 ? 1 : 0) }
        func message(step: String, _ bases: [(name: String, shape: [Int])]) throws -> String? {
            let shapes = [("first_moments.R", [4, 2]), ("second_moments.R", [4, 2]), ("raw.R", [4, 2])] + bases
            let tensors = try shapes.map { name, shape in
                try NamedTensor(name, shape: shape, floats: [Float](repeating: 0, count: shape.reduce(1, *)))
            }
            let metadata = ["format": "swift-reft/optimizer", "version": "1", "step": step]
            try SafetensorsWriter.write(tensors, metadata: metadata, to: file)
            do { try optimizer.loadState(from: file) } catch { return "\(error)" }
            return nil
        }
        let start = "'optimizer.safetensors' does not hold these parameters:\n  "
        // Held as its first columns.
        #expect(try message(step: "3", [("base.R", [4, 3])]) == start + "'base_columns.R' [4, 2] is missing")
        #expect(
            try message(step: "3", [("base_columns.R", [4, 1])]) == start + "'base_columns.R' is [4, 1], not [4, 2]")
        #expect(
            try message(step: "9223372036854775807", [("base_columns.R", [4, 2])])
                == start + "it has no step count of an optimizer")
        #expect(try message(step: "3", [("base_columns.R", [4, 2]), ("base.R", [2, 2])]) == nil)
        // Held dense.
        try optimizer.setHouseholderState("R", original: [Float](repeating: 0, count: 8), base: identity)
        #expect(try message(step: "3", [("base_columns.R", [4, 1])]) == start + "'base.R' [4, 4] is missing")
        #expect(try message(step: "3", [("base_columns.R", [4, 2])]) == nil)
        #expect(optimizer.stepCount == 3)
    }
}
