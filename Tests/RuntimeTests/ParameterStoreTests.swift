import Checkpoints
import Foundation
import Graph
import Testing

@testable import Runtime

@Suite struct ParameterStoreTests {
    @Test func firstValuesDependOnSeedAndNameOnly() throws {
        let a = ParameterSpecification("a", 20, 30, initialiser: .normal(0.5))
        let b = ParameterSpecification("b", 1, 4, initialiser: .uniform(-1, 1))
        let alone = try ParameterStore([a], seed: 7)
        let both = try ParameterStore([b, a], seed: 7)
        #expect(try alone.values(of: "a") == both.values(of: "a"))
        #expect(try alone.values(of: "a") != ParameterStore([a], seed: 8).values(of: "a"))
        let values = try alone.values(of: "a")
        let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
        #expect(abs(deviation - 0.5) < 0.05)
        #expect(try both.values(of: "b").allSatisfy { -1 <= $0 && $0 < 1 })
    }

    @Test func initialisersAndSharing() throws {
        let specifications = [
            ParameterSpecification("zeros", 2, 2, initialiser: .zeros),
            ParameterSpecification("constant", 1, 2, initialiser: .constant(1.5)),
            ParameterSpecification("values", 2, 1, initialiser: .values([3, 4])),
            ParameterSpecification(
                "rotation", 50, 8, initialiser: .orthonormal, constraint: .orthonormalColumns),
            ParameterSpecification("zeros", 2, 2, initialiser: .zeros),
        ]
        let store = try ParameterStore(specifications, seed: 1)
        #expect(store.names == ["zeros", "constant", "values", "rotation"])
        #expect(store.count == 4 + 2 + 2 + 400)
        #expect(try store.values(of: "zeros") == [0, 0, 0, 0])
        #expect(try store.values(of: "constant") == [1.5, 1.5])
        #expect(try store.values(of: "values") == [3, 4])
        #expect(orthonormalityError(try store.view(of: "rotation")) <= 1e-6)
    }

    @Test func specificationsThatCanNotBeMet() throws {
        func text(_ specifications: ParameterSpecification...) -> String? {
            message { _ = try ParameterStore(specifications, seed: 0) }
        }
        #expect(
            text(ParameterSpecification("r", 3, 4, initialiser: .zeros, constraint: .orthonormalColumns))
                == "Parameter 'r' can not be made: 4 columns of 3 numbers can not be orthonormal; allowed: at most 3.")
        #expect(
            text(ParameterSpecification("r", 3, 0, initialiser: .zeros))
                == "Parameter 'r' can not be made: its shape is [3, 0]; both must be positive.")
        #expect(
            text(ParameterSpecification("r", 2, 2, initialiser: .values([1])))
                == "Parameter 'r' can not be made: 1 first values do not make 2 rows of 2.")
        #expect(
            text(
                ParameterSpecification("r", 2, 2, initialiser: .zeros),
                ParameterSpecification("r", 2, 3, initialiser: .zeros))
                == "Parameter 'r' can not be made: it is declared twice, and the declarations differ.")
    }

    @Test func savedValuesComeBackAndEveryDifferenceIsSaid() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("parameters.safetensors")
        let store = try ParameterStore(
            [
                ParameterSpecification("weight", 2, 3, initialiser: .normal(1)),
                ParameterSpecification("bias", 1, 3, initialiser: .normal(1)),
            ], seed: 5)
        try store.save(to: url)
        let again = try ParameterStore(store.specifications, seed: 6)
        try again.load(from: url)
        #expect(try again.values(of: "weight") == store.values(of: "weight"))
        #expect(try again.values(of: "bias") == store.values(of: "bias"))

        let other = try ParameterStore(
            [
                ParameterSpecification("weight", 3, 2, initialiser: .constant(9)),
                ParameterSpecification("bia", 1, 3, initialiser: .zeros),
            ], seed: 6)
        #expect(
            message { try other.load(from: url) } == """
                'parameters.safetensors' does not hold these parameters:
                  'weight' is [2, 3], not [3, 2]
                  'bia' [1, 3] is missing
                  'bias' [1, 3] is no parameter; did you mean 'bia'?
                """)
        #expect(try other.values(of: "weight") == [9, 9, 9, 9, 9, 9])
    }

    @Test func gradientsAddUpAndAreChecked() throws {
        let store = try ParameterStore([ParameterSpecification("p", 2, 2, initialiser: .zeros)], seed: 0)
        let numbers: [Float] = [1, 2, 9, 3, 4, 9]
        try numbers.withUnsafeBufferPointer { buffer in
            let pointer = try #require(buffer.baseAddress)
            let strided = MatrixView(pointer: pointer, rows: 2, columns: 2, stride: 3)
            try store.accumulateGradient(of: "p", strided)
            try store.accumulateGradient(of: "p", strided)
            let wide = MatrixView(pointer: pointer, rows: 2, columns: 3, stride: 3)
            #expect(
                message { try store.accumulateGradient(of: "p", wide) }
                    == "Parameter 'p' is a gradient of [2, 3]; the graph wants [2, 2].")
        }
        #expect(try store.gradient(of: "p").floats() == [2, 4, 6, 8])
        store.clearGradients()
        #expect(try store.gradient(of: "p").floats() == [0, 0, 0, 0])
    }

    @Test func gradientsThatAreNoNumbersMoveNothing() throws {
        let store = try ParameterStore([ParameterSpecification("p", 1, 1, initialiser: .constant(1))], seed: 0)
        let optimizer = try Optimizer(store, settings: .adamW())
        try withUnsafePointer(to: Float.nan) {
            try store.accumulateGradient(of: "p", MatrixView(pointer: $0, rows: 1, columns: 1, stride: 1))
        }
        #expect(
            message { try optimizer.step(learningRate: 1) } == "The gradient of parameter 'p' is not a finite number.")
        #expect(try store.values(of: "p") == [1])
        #expect(optimizer.stepCount == 0)
        #expect(
            message { _ = try Optimizer(store, settings: .adamW(weightDecay: -1)) }
                == "weight decay is -1.0; allowed: 0 and up.")
    }

    /// torch's optimisers pass over a parameter whose grad is None: neither decay nor a moment moves it.
    @Test(arguments: [
        OptimizerSettings.adamW(weightDecay: 0.5),
        OptimizerSettings(method: .sgd(momentum: 0.9, dampening: 0, nesterov: false), weightDecay: 0.5),
    ])
    func whatHasNoGradientStays(settings: OptimizerSettings) throws {
        let store = try ParameterStore(
            ["pulled", "untouched"].map { ParameterSpecification($0, 1, 2, initialiser: .constant(3)) }, seed: 1)
        let optimizer = try Optimizer(store, settings: settings)
        for _ in 0..<3 {
            try [Float](repeating: 0, count: 2).withUnsafeBufferPointer { numbers in
                let pointer = try #require(numbers.baseAddress)
                try store.accumulateGradient(
                    of: "pulled", MatrixView(pointer: pointer, rows: 1, columns: 2, stride: 2))
            }
            _ = try optimizer.step(learningRate: 0.1)
            store.clearGradients()
        }
        #expect(try store.values(of: "untouched") == [3, 3])
        #expect(try store.values(of: "pulled").allSatisfy { $0 < 2.7 })
        // Without any gradient nothing moves, also what moved before.
        let pulled = try store.values(of: "pulled")
        _ = try optimizer.step(learningRate: 0.1)
        #expect(try store.values(of: "pulled") == pulled)
    }
}
