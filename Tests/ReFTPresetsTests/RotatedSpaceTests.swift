import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Parameters, starting points, files and mistakes of the rotated spaces and autoencoders. Their numbers are compared with
/// pyvene's in CounterpartParityTests.
@Suite struct RotatedSpaceTests {
    static let shape = SiteShape(site: SiteID(.blockOutput, layer: 0), width: 6)
    static let row = ConstantRow.numbers([1, 2, 3, 4, 5, 6])
    static let weights = AutoencoderWeights(
        encoder: .numbers(Array(repeating: [1, 2, 3, 4, 5, 6], count: 3)), encoderBias: .numbers([1, 2, 3]),
        decoder: .numbers(Array(repeating: [1, 2, 3], count: 6)), decoderBias: row)
    static let jumpWeights = JumpReLUWeights(file: "sae.safetensors", width: 6, latents: 3)

    static let types: [any Intervention] = [
        RotatedSpace(from: "s"), LowRankRotatedSpace(rank: 2, from: "s"), BoundlessRotatedSpace(from: "s"),
        SigmoidMaskRotatedSpace(from: "s"), SigmoidMask(from: "s"),
        PCARotatedSpace(from: "s", components: .numbers([[1, 2, 3, 4, 5, 6]]), mean: row, deviation: row),
        Autoencoder(latents: 3, .swap(from: "s")), Autoencoder(weights, .set(2)),
        Autoencoder(weights, .scale(0), keepsError: false), JumpReLUAutoencoder(jumpWeights, .swap(from: "s")),
        JumpReLUAutoencoder(jumpWeights, .set(2)),
        BoundlessRotatedSpace(
            from: SourceReference(run: "s", positions: .last),
            temperature: .annealed(from: 9, to: 1, shape: .exponential)),
        SigmoidMask(from: "s", temperature: .trained(2)), SigmoidMaskRotatedSpace(from: "s", temperature: .fixed(3)),
    ]

    @Test func counts() {
        let counts = Self.types.prefix(11).map { $0.parameters(at: Self.shape).reduce(0) { $0 + $1.count } }
        #expect(counts == [36, 12, 36 + 2, 36 + 6 + 1, 6 + 1, 0, 2 * 18 + 3 + 6, 0, 0, 0, 0])
    }

    @Test func startingPoints() {
        func text(_ intervention: any Intervention) -> [String] {
            intervention.parameters(at: Self.shape).map {
                "\($0.name) \($0.initialiser)" + ($0.constraint == .none ? "" : " \($0.constraint)")
                    + ($0.schedule.map { " \($0.start) to \($0.end)" } ?? "")
            }
        }
        #expect(text(Self.types[0]) == ["rotation orthonormal orthonormalColumns"])
        #expect(
            text(Self.types[2]) == [
                "rotation orthonormal orthonormalColumns", "boundary constant(0.5)",
                "temperature constant(50.0) 50.0 to 0.1",
            ])
        #expect(
            text(Self.types[3]) == [
                "rotation orthonormal orthonormalColumns", "mask constant(100.0)",
                "temperature constant(50.0) 50.0 to 0.1",
            ])
        #expect(text(Self.types[4]) == ["mask zeros", "temperature constant(0.01) 0.01 to 0.01"])
        #expect(text(Self.types[12]) == ["mask zeros", "temperature constant(2.0)"])
    }

    @Test func courses() {
        let line = ScalarSchedule(from: 50, to: 0.1)
        let values = (0..<5).map { (line.value(step: $0, of: 5) * 1e9).rounded() / 1e9 }
        #expect(values == [50, 37.525, 25.05, 12.575, 0.1])
        let curve = ScalarSchedule(from: 16, to: 1, .exponential)
        #expect((0..<5).map { (curve.value(step: $0, of: 5) * 1e9).rounded() / 1e9 } == [16, 8, 4, 2, 1])
        #expect(line.value(step: 0, of: 1) == 50 && line.value(step: 9, of: 5) == 0.1)
        #expect(ScalarSchedule.constant(3).value(step: 4, of: 9) == 3)
    }

    @Test func filesReadBack() throws {
        let program = Program(runs: [
            ProgramRun(name: "s"),
            ProgramRun(
                name: "base",
                declarations: Self.types.map { Declaration($0, on: .layers(.blockOutput, [0], heads: nil), at: .all) }),
        ])
        let text = try program.json()
        #expect(try Program(json: Data(text.utf8), registry: .general + .reft) == program)
        #expect(text.contains(#""temperature": { "from": 9, "shape": "exponential", "to": 1 }"#))
        #expect(text.contains(#""temperature": { "trained": 2 }"#) && text.contains(#""temperature": 3"#))
        #expect(text.contains(#"{ "file": "sae.safetensors", "name": "W_enc", "shape": [6, 3] }"#))
        for (given, message) in [
            (
                #"{"type": "Autoencoder", "latents": 3}"#,
                ".intervention: exactly one of 'source', 'set' and 'scale' says what happens to the latents"
            ),
            (#"{"type": "Autoencoder", "set": 3}"#, ".intervention: the key 'latents' is missing"),
            (
                #"{"type": "RotatedSpace"}"#,
                #": the key 'source' is missing: RotatedSpace reads one, {"run": NAME}"#
            ),
        ] {
            let file = #"""
                {"format": "swift-reft/program", "version": 1, "declarations": [{"intervention": \#(given),
                 "site": "block_output.0", "positions": "all"}]}
                """#
            let error = #expect(throws: InterventionError.self) { try Program(json: Data(file.utf8), registry: .reft) }
            #expect(error?.description == "declarations[0]\(message)")
        }
    }

    @Test func whatIsWrong() throws {
        func problems(_ intervention: any Intervention) -> [String] { intervention.problems(at: Self.shape) }
        #expect(Self.types.allSatisfy { problems($0).isEmpty })
        #expect(
            problems(BoundlessRotatedSpace(from: "s", temperature: .annealed(from: 50, to: 0)))
                == ["temperature 0.0 is given; a temperature is above 0"])
        #expect(
            problems(LowRankRotatedSpace(rank: 7, from: "s"))
                == ["rank 7 is larger than the width 6; allowed: 1 to 6"])
        #expect(
            problems(
                PCARotatedSpace(
                    from: "s", components: .numbers([[1, 2], [3, 4]]), mean: Self.row, deviation: .numbers([1])))
                == [
                    "its matrix of components is [2, 2]; [2, 6] is needed",
                    "its deviation has 1 numbers, the site is 6 wide",
                ])
        #expect(
            problems(JumpReLUAutoencoder(JumpReLUWeights(file: "f", width: 5, latents: 3), .set(.infinity)))
                == [
                    "its encoder is [5, 3]; [6, 3] is needed", "its decoder is [3, 5]; [3, 6] is needed",
                    "its decoder's bias has 5 numbers; 6 are needed", "inf is given for latents; it must be finite",
                ])
        #expect(
            problems(Autoencoder(latents: 0, .swap(from: "s"))) == ["0 latents are given; at least 1 is needed"])
        let ragged = ConstantMatrix.numbers([[1, 2], [3]])
        #expect(ragged.problem("its matrix", rows: 2, columns: 2) == "its matrix has rows of different lengths")
        let cube = ConstantMatrix.reference(TensorReference(file: "f", name: "n", shape: [1, 2, 3]))
        #expect(
            cube.problem("its matrix", rows: 2, columns: 3) == "its matrix has the shape [1, 2, 3]; a matrix is needed")
    }

    @Test func tensorsThatCanNotBeHad() throws {
        let graph = try EditFormulaTests.graph()
        let weights = JumpReLUWeights(file: "sae.safetensors", width: 5, latents: 3)
        let program = Program { JumpReLUAutoencoder(weights, .set(1)).on(.blockOutput, layer: 0).at(.all) }
        let error = #expect(throws: ProgramErrors.self) {
            try program.bound(to: graph, tensors: { [Float](repeating: 0, count: $0.shape[0]) })
        }
        let messages = Set(error?.problems.map { "\($0.error)" } ?? [])
        #expect(
            messages == [
                "the tensor 'W_enc' of sae.safetensors can not be had: nothing was given to read it with",
                "the tensor 'W_dec' of sae.safetensors can not be had: nothing was given to read it with",
            ])
        let bound = try program.bound(
            to: graph, tensors: { [Float](repeating: 0, count: $0.shape[0]) }, frozen: { _ in })
        #expect(bound.frozenTensors.map(\.name) == ["W_enc", "W_dec"])
        let spliced = try bound.splice(into: graph, mode: .evaluate)
        let names = spliced.graph.nodes.compactMap { node -> String? in
            if case .weight(let name) = node.operation { name } else { nil }
        }
        #expect(names == ["sae.safetensors#W_enc", "sae.safetensors#W_dec"])
    }
}
