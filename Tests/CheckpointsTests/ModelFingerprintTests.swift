import Foundation
import Testing

@testable import Checkpoints

@Suite("Fingerprints")
struct ModelFingerprintTests {
    typealias Source = ModelFingerprint.Source

    /// 20 matrices and 20 vectors of seeded noise; `change` edits a value before it is sampled.
    func sources(
        seed: UInt64 = 1, storage: StorageType = .f32, width: Int = 64, change: @escaping (Float) -> Float = { $0 }
    ) -> [Source] {
        (0..<20).flatMap { layer in
            [
                noise("layers.\(layer).weight", [48, width], seed &+ UInt64(layer), storage, change),
                noise("layers.\(layer).norm", [width], seed &+ UInt64(1000 + layer), storage, change),
            ]
        }
    }

    func noise(
        _ name: String, _ shape: [Int], _ seed: UInt64, _ storage: StorageType, _ change: @escaping (Float) -> Float
    ) -> Source {
        Source(name: name, shape: shape, storage: storage) { indices in
            indices.map { index in
                var generator = SeededGenerator(state: seed &* 1_000_003 &+ UInt64(index))
                return change(Float.random(in: -1...1, using: &generator))
            }
        }
    }

    func fingerprint(_ sources: [Source], _ architecture: String = "llama") throws -> ModelFingerprint {
        try ModelFingerprint.compute(architecture: architecture, tensors: sources)
    }

    @Test("The same model gives the same fingerprint, whatever the order of its tensors")
    func same() throws {
        let first = try fingerprint(sources())
        let second = try fingerprint(sources().reversed())
        #expect(first == second)
        #expect(first.compare(with: second) == .same)
        #expect(first.samples.count == 16)
        #expect(first.samples.allSatisfy { $0.values.count == 16 && $0.name.hasSuffix("weight") })
        #expect(first.tensorCount == 40 && first.parameterCount == 20 * 49 * 64)
        #expect(first.compare(with: try fingerprint(sources(storage: .f16))) == .same)
    }

    @Test("Rounded weights are the same weights in another storage type")
    func otherStorage() throws {
        let exact = try fingerprint(sources())
        for (storage, step) in [(StorageType.q8_0, Float(1) / 127), (.q4_1, Float(2) / 15)] {
            let rounded = try fingerprint(sources(storage: storage) { ($0 / step).rounded() * step })
            guard case .otherStorage(let error) = exact.compare(with: rounded) else {
                Issue.record("\(storage): \(exact.compare(with: rounded))")
                continue
            }
            // Uniform rounding errors have an RMS of step/√12, the values one of 1/√3.
            #expect(abs(error - Double(step) / 2) < 0.1 * Double(step))
        }
    }

    @Test("Other weights are recognised in every pair of storage types")
    func otherWeights() throws {
        let exact = try fingerprint(sources())
        for storage in StorageType.allCases {
            guard
                case .otherWeights(let error) = exact.compare(
                    with: try fingerprint(sources(seed: 77, storage: storage)))
            else {
                Issue.record("\(storage)")
                continue
            }
            #expect(error > 1.2)
        }
        // Fine-tuned a little: the same storage type allows no difference, a coarse one explains it.
        let tuned = sources { $0 * 1.01 }
        guard case .otherWeights = exact.compare(with: try fingerprint(tuned)) else { throw Failed() }
        guard case .otherWeights = exact.compare(with: try fingerprint(sources(storage: .f16) { $0 * 1.01 })) else {
            throw Failed()
        }
        guard case .otherStorage = exact.compare(with: try fingerprint(sources(storage: .q4_0) { $0 * 1.01 })) else {
            throw Failed()
        }
        guard case .otherWeights = exact.compare(with: try fingerprint(sources(storage: .q4_0) { _ in .nan })) else {
            throw Failed()
        }
    }

    struct Failed: Error {}

    @Test("A tensor of the same storage type may not differ, even where others are quantised")
    func mixedStorage() throws {
        let exact = try fingerprint(sources())
        let step: Float = 2 / 15
        var quantised = sources(storage: .q4_1) { ($0 / step).rounded() * step }
        quantised[0] = sources()[0]
        guard case .otherStorage = exact.compare(with: try fingerprint(quantised)) else { throw Failed() }
        quantised[0] = sources { $0 * 1.0001 }[0]
        guard case .otherWeights = exact.compare(with: try fingerprint(quantised)) else { throw Failed() }
    }

    @Test("A change in a tensor whose values are not kept is still seen")
    func unkeptTensor() throws {
        var changed = sources()
        changed[1] = noise("layers.0.norm", [64], 5, .f32) { $0 }
        #expect(try fingerprint(sources()).compare(with: fingerprint(changed)) == .otherWeights(error: 0))
    }

    @Test("Another architecture says what differs")
    func otherArchitecture() throws {
        let base = try fingerprint(sources())
        #expect(
            base.compare(with: try fingerprint(sources(), "gpt2"))
                == .otherArchitecture(details: "the architecture is 'llama' in one and 'gpt2' in the other"))
        #expect(
            base.compare(with: try fingerprint(Array(sources().dropLast())))
                == .otherArchitecture(details: "one has 40 tensors, the other 39"))
        #expect(
            base.compare(with: try fingerprint(sources(width: 65)))
                == .otherArchitecture(details: "one has 62720 parameters, the other 63700"))
        var renamed = sources()
        renamed[0] = noise("layers.x.weight", [48, 64], 1, .f32) { $0 }
        #expect(
            base.compare(with: try fingerprint(renamed))
                == .otherArchitecture(details: "names or shapes of tensors differ"))
    }

    @Test("A fingerprint survives JSON, NaN included, and stays small")
    func coding() throws {
        let original = try fingerprint(sources { $0 > 0.9 ? .nan : $0 })
        let data = try JSONEncoder().encode(original)
        #expect(data.count < 4000)
        let decoded = try JSONDecoder().decode(ModelFingerprint.self, from: data)
        #expect(decoded.compare(with: original) == .same)
        #expect(zip(decoded.samples, original.samples).allSatisfy { bits($0.values) == bits($1.values) })
        let broken = String(decoding: data, as: UTF8.self).replacingOccurrences(of: "==\"", with: "=\"")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ModelFingerprint.self, from: Data(broken.utf8))
        }
    }

    @Test("The digests are SHA-256 of the documented text and values")
    func digests() throws {
        let source = try Source(StoredTensor("w", shape: [2], floats: [1, -2]))
        let result = try fingerprint([source])
        var text = SHA256Hash()
        text.append(Array("llama\nw [2]\n".utf8))
        var values = SHA256Hash()
        values.append([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])
        #expect(result.architectureDigest == text.hexadecimal)
        #expect(result.valuesDigest == values.hexadecimal)
    }

    @Test("Samples are four runs of 16, all of a small tensor, and stay inside a huge one")
    func indices() {
        #expect(ModelFingerprint.sampleIndices(elementCount: 0) == [])
        #expect(ModelFingerprint.sampleIndices(elementCount: 64) == Array(0..<64))
        let indices = ModelFingerprint.sampleIndices(elementCount: 1016)
        #expect(indices == [125, 375, 625, 875].flatMap { Array($0..<$0 + 16) })
        let huge = ModelFingerprint.sampleIndices(elementCount: .max)
        #expect(huge.count == 64 && huge.allSatisfy { $0 >= 0 } && huge == huge.sorted())
        #expect(
            (65..<200).allSatisfy { count in
                let indices = ModelFingerprint.sampleIndices(elementCount: count)
                return indices.count == 64 && indices.allSatisfy { (0..<count).contains($0) }
            })
    }

    @Test("Sources that contradict themselves are refused")
    func errors() throws {
        let folder = try TemporaryFolder()
        let twice = [noise("a", [2], 1, .f32) { $0 }, noise("a", [2], 2, .f32) { $0 }]
        #expect(
            folder.error { _ = try fingerprint(twice) }
                == "Tensor 'a' is not possible: another tensor has the same name.")
        let short = Source(name: "a", shape: [3], storage: .f32) { _ in [1] }
        #expect(
            folder.error { _ = try fingerprint([short]) }
                == "Tensor 'a' is not possible: 3 elements were asked for, 1 came.")
        let negative = Source(name: "a", shape: [-3], storage: .f32) { _ in [1] }
        #expect(
            folder.error { _ = try fingerprint([negative]) }
                == "Tensor 'a' is not possible: the size of shape [-3] does not fit 64 bits.")
    }
}
