extension ModelFingerprint {
    /// What two fingerprints say about two models.
    public enum Match: Sendable, Equatable {
        /// The same architecture and the same numbers, also when a conversion lost nothing (f16 stored as f32).
        case same
        /// The same weights in another storage type; `error` is the relative RMS difference of the samples.
        case otherStorage(error: Double)
        /// The same architecture with other weights; `error` as above.
        case otherWeights(error: Double)
        /// Another architecture; the text says what differs.
        case otherArchitecture(details: String)
    }

    /// Compares the fingerprint that was kept (self) with that of the model at hand.
    ///
    /// Numbers may differ only as far as rounding to the two storage types explains: e² ≤ mean(t₁² + t₂²), where
    /// e² = mean over the samples of (a − b)² / max(mean a², mean b²) of their tensor, and t are the types' tolerances.
    /// A tensor stored in the same type in both may not differ at all, however close the numbers are.
    public func compare(with other: ModelFingerprint) -> Match {
        if version != other.version {
            return .otherArchitecture(
                details: "the fingerprints have versions \(version) and \(other.version) and can not be compared")
        }
        if architectureDigest != other.architectureDigest { return .otherArchitecture(details: difference(other)) }
        if valuesDigest == other.valuesDigest { return .same }
        var squares = 0.0
        var allowed = 0.0
        var count = 0
        var storageDiffers = false
        var unexplained = false
        for (mine, theirs) in zip(samples, other.samples) {
            guard mine.name == theirs.name, mine.values.count == theirs.values.count else {
                return .otherArchitecture(details: "tensor '\(mine.name)' was sampled in one and not in the other")
            }
            let difference = Self.relativeSquares(mine.values, theirs.values)
            if mine.storage != theirs.storage {
                storageDiffers = true
                allowed += Double(mine.values.count) * (mine.storage.tolerance + theirs.storage.tolerance)
            } else if difference != 0 {
                unexplained = true
            }
            squares += difference
            count += mine.values.count
        }
        let error = count == 0 ? 0 : (squares / Double(count)).squareRoot()
        // A NaN compares false and so means other weights.
        return storageDiffers && !unexplained && squares <= allowed
            ? .otherStorage(error: error) : .otherWeights(error: error)
    }

    private func difference(_ other: ModelFingerprint) -> String {
        if architecture != other.architecture {
            return "the architecture is '\(architecture)' in one and '\(other.architecture)' in the other"
        }
        if tensorCount != other.tensorCount {
            return "one has \(tensorCount) tensors, the other \(other.tensorCount)"
        }
        if parameterCount != other.parameterCount {
            return "one has \(parameterCount) parameters, the other \(other.parameterCount)"
        }
        return "names or shapes of tensors differ"
    }

    /// Σ (a − b)² / max(mean a², mean b²); identical bits, NaN included, add nothing.
    private static func relativeSquares(_ a: [Float], _ b: [Float]) -> Double {
        if zip(a, b).allSatisfy({ $0.bitPattern == $1.bitPattern }) { return 0 }
        func power(_ values: [Float]) -> Double {
            values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
        }
        let difference = zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
        let scale = max(power(a), power(b))
        return scale == 0 ? 0 : difference / scale
    }
}

extension StorageType {
    /// The square of the relative RMS error that storing weights in this type may cause: about twice what rounding
    /// normally distributed weights costs, so that a sample stays below it and other weights (error ≈ 1.4) far above.
    fileprivate var tolerance: Double {
        let error: Double =
            switch self {
            case .f32, .f64, .i64, .i32, .i16, .i8, .u8, .bool: 1e-6
            case .f16: 1e-3
            case .bf16: 5e-3
            case .q8_0: 0.02
            case .q6_K: 0.05
            case .q5_0, .q5_1, .q5_K: 0.1
            case .q4_0, .q4_1, .q4_K: 0.2
            case .q3_K: 0.35
            case .q2_K: 0.6
            }
        return error * error
    }
}
