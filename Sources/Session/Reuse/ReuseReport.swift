import InterventionDSL

/// How much of a training's forward pass is computed in each epoch, and how much is read from an activation store.
///
/// Counted in rows × layers, where a layer of which a part is computed counts by the part of its matrices.
public struct ReuseReport: Hashable, Sendable, Codable {
    /// Rows × layers that are computed in each epoch.
    public var computed: Double
    /// Rows × layers that would be computed without the store, source runs included.
    public var whole: Double
    /// The bytes that the store takes if it keeps everything.
    public var bytes: Int
    /// Those of them that fit into memory.
    public var memoryBytes = 0
    /// Those that fit into the store's file besides.
    public var fileBytes = 0

    /// The same with what a store has room for.
    public func stored(in store: ActivationStore) -> ReuseReport {
        var report = self
        report.memoryBytes = min(bytes, store.budget)
        report.fileBytes = min(bytes - report.memoryBytes, store.overflow.budget)
        return report
    }

    enum CodingKeys: String, CodingKey {
        case computed, whole, bytes
        case memoryBytes = "memory_bytes"
        case fileBytes = "file_bytes"
    }

    /// The computed part, between 0 and 1.
    public var computedShare: Double { whole > 0 ? computed / whole : 1 }
}

extension ReuseReport: CustomStringConvertible {
    /// `computes 1128 of 11250 rows × layers in each epoch (10.0 %); the rest is stored, 7.3 MB`
    public var description: String {
        func text(_ number: Double, _ digits: Int) -> String {
            let scale = digits == 0 ? 1.0 : 10.0
            let rounded = (number * scale).rounded() / scale
            return digits == 0 ? "\(Int(rounded))" : "\(rounded)"
        }
        func megabytes(_ bytes: Int) -> String { "\(text(Double(bytes) / 1e6, 1)) MB" }
        let rest = bytes - memoryBytes - fileBytes
        let places =
            [(memoryBytes, "in memory"), (fileBytes, "in the file"), (rest, "has no room and is computed again")]
            .filter { $0.0 > 0 }.map { "\(megabytes($0.0)) \($0.1)" }
        // Where all of it lies in memory, as it mostly does, nothing needs to be said.
        let split =
            memoryBytes == 0 && fileBytes == 0 || memoryBytes == bytes ? "" : " (\(places.joined(separator: ", ")))"
        return "computes \(text(computed, 0)) of \(text(whole, 0)) rows × layers in each epoch "
            + "(\(text(100 * computedShare, 1)) %); the rest is stored, \(megabytes(bytes))\(split)"
    }
}

extension Session {
    /// What training on examples computes in each epoch with an activation store.
    public func reuseReport(for examples: [Example]) throws -> ReuseReport {
        let compiled = try compiledGraph(.training(measures: false, reuses: canReuseActivations))
        let work = try work(of: compiled, on: examples)
        var report = ReuseReport(computed: work.computed, whole: work.computed + work.reused, bytes: 0)
        for (name, run) in runBatches(RaggedBatch(examples, demand: .labelledRows)) {
            let isBase = name == Program.baseName
            let width = compiled.reused?.values.filter { $0.run == name }.reduce(0) { $0 + $1.width } ?? 0
            let prefixWidth =
                isBase ? compiled.reused?.prefixSlots?.reduce(0) { $0 + $1.keyWidth + $1.valueWidth } ?? 0 : 0
            for (place, sequence) in run.batch.examples.enumerated() {
                var first = 0
                if isBase, compiled.reused?.prefixSlots != nil {
                    first = try firstLiveRow(of: sequence, place, .labelledRows, compiled.selections)
                }
                report.bytes += 4 * ((sequence.tokens.count - first) * width + first * prefixWidth)
            }
        }
        return report
    }
}
