/// The identity of a model's weights, small enough to be kept with an adapter, and made without reading them all.
///
/// Three parts answer three questions:
/// - `architectureDigest`: SHA-256 over the architecture's name and the sorted (name, shape) of all tensors. Is it the
///   same architecture?
/// - `valuesDigest`: SHA-256 over 64 elements of each tensor, as f32, at fixed places. Are they the same numbers?
/// - `samples`: 16 of those elements for up to 16 weight matrices. If the numbers differ, are they the same weights in
///   another storage type?
///
/// Elements are taken in four runs of 16, so that a tensor costs at most a handful of pages. Names and element order
/// are canonical, not those of a file: the caller translates GGUF names and permuted rows.
///
/// ```swift
/// let fingerprint = try ModelFingerprint.compute(architecture: "llama", tensors: tensors.map { tensor in
///     .init(name: tensor.name, shape: tensor.shape, storage: tensor.type) { try tensor.elements(at: $0) }
/// })
/// switch adapterFingerprint.compare(with: fingerprint) { … }
/// ```
public struct ModelFingerprint: Sendable, Equatable, Codable {
    /// A tensor to be sampled, under its canonical name and in canonical element order.
    public struct Source {
        var name: String
        var shape: [Int]
        var storage: StorageType
        var sample: (_ indices: [Int]) throws -> [Float]

        /// - Parameters:
        ///   - name: the canonical name.
        ///   - shape: the canonical shape, row-major.
        ///   - storage: how the elements are stored, which decides how far they may be off.
        ///   - sample: returns the elements with the given row-major numbers, expanded to f32.
        public init(
            name: String, shape: [Int], storage: StorageType, sample: @escaping (_ indices: [Int]) throws -> [Float]
        ) {
            self.name = name
            self.shape = shape
            self.storage = storage
            self.sample = sample
        }

        /// A tensor whose stored name and order are canonical.
        public init(_ tensor: StoredTensor) {
            self.init(name: tensor.name, shape: tensor.shape, storage: tensor.type) { try tensor.elements(at: $0) }
        }
    }

    /// A few elements of one tensor.
    public struct Sample: Sendable, Equatable {
        /// The canonical name.
        public var name: String
        /// How the tensor was stored.
        public var storage: StorageType
        /// Elements at the first four places of each of the four runs.
        public var values: [Float]
    }

    /// The version of this scheme. Fingerprints of different versions can not be compared.
    public let version: Int
    /// The architecture's name.
    public let architecture: String
    /// The number of tensors.
    public let tensorCount: Int
    /// The number of elements in all tensors.
    public let parameterCount: Int
    /// SHA-256 (hexadecimal) of the architecture's name and the sorted names and shapes.
    public let architectureDigest: String
    /// SHA-256 (hexadecimal) of the sampled elements of all tensors.
    public let valuesDigest: String
    /// Elements of up to 16 tensors, in the order of their names.
    public let samples: [Sample]

    static let currentVersion = 1
    private static let runs = 4
    private static let runLength = 16
    private static let keptPerRun = 4
    private static let keptTensors = 16

    /// Samples the tensors.
    /// - Throws: what a source's `sample` throws; `CheckpointError.invalidTensor` for two sources of one name, or a
    ///   sample of another length than was asked for.
    public static func compute(architecture: String, tensors: [Source]) throws -> ModelFingerprint {
        let sorted = tensors.sorted { $0.name < $1.name }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.name == second.name {
            throw CheckpointError.invalidTensor(name: first.name, problem: "another tensor has the same name")
        }
        var architectureHash = SHA256Hash()
        architectureHash.append(Array("\(architecture)\n".utf8))
        var valuesHash = SHA256Hash()
        var parameterCount = 0
        var samples: [Sample] = []
        let kept = keptPlaces(sorted)
        for (place, tensor) in sorted.enumerated() {
            guard let count = elementCount(of: tensor.shape) else {
                throw CheckpointError.invalidTensor(
                    name: tensor.name, problem: "the size of shape \(tensor.shape) does not fit 64 bits")
            }
            parameterCount += count
            architectureHash.append(Array("\(tensor.name) \(tensor.shape)\n".utf8))
            let indices = sampleIndices(elementCount: count)
            let values = try tensor.sample(indices)
            guard values.count == indices.count else {
                throw CheckpointError.invalidTensor(
                    name: tensor.name, problem: "\(indices.count) elements were asked for, \(values.count) came")
            }
            values.withUnsafeBytes { valuesHash.append($0) }
            if kept.contains(place) {
                samples.append(Sample(name: tensor.name, storage: tensor.storage, values: keptValues(values)))
            }
        }
        return ModelFingerprint(
            version: currentVersion, architecture: architecture, tensorCount: sorted.count,
            parameterCount: parameterCount, architectureDigest: architectureHash.hexadecimal,
            valuesDigest: valuesHash.hexadecimal, samples: samples)
    }

    /// The elements that are sampled of a tensor of that size: all of a small one, else four evenly spaced runs of 16.
    public static func sampleIndices(elementCount count: Int) -> [Int] {
        guard count > runs * runLength else { return Array(0..<count) }
        return (0..<runs).flatMap { run in
            // The middle of each quarter; the remainder is apart so that nothing overflows.
            let span = count - runLength
            let start = span / (2 * runs) * (2 * run + 1) + span % (2 * runs) * (2 * run + 1) / (2 * runs)
            return start..<start + runLength
        }
    }

    private static func keptValues(_ values: [Float]) -> [Float] {
        values.enumerated().filter { $0.offset % runLength < keptPerRun }.map(\.element)
    }

    /// Evenly spaced places among the matrices: vectors (norms, biases) are rarely quantised and often all ones.
    private static func keptPlaces(_ tensors: [Source]) -> Set<Int> {
        let matrices = tensors.indices.filter { tensors[$0].shape.count >= 2 }
        let candidates = matrices.isEmpty ? Array(tensors.indices) : matrices
        let count = min(keptTensors, candidates.count)
        return Set((0..<count).map { candidates[$0 * candidates.count / count] })
    }
}
