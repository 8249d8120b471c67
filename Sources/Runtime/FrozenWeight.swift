import CKernels
import Checkpoints
import Diagnostics
import Foundation

/// A frozen matrix of the model, kept as it is stored: f32, f16, bf16 and quantised blocks are used in place by products
/// and gathers, which widen what they read as they go. For other uses, and for other types, it is expanded to f32 once,
/// when first needed. Immutable, and shared by all executors.
///
/// ```swift
/// let weight = FrozenWeight(try checkpoint.tensor("model.layers.0.mlp.up_proj.weight"))   // 1536 × 576, BF16
/// let identity = try FrozenWeight("identity", rows: 2, columns: 2, values: [1, 0, 0, 1])
/// ```
public final class FrozenWeight: @unchecked Sendable {
    /// The name in the model's checkpoint.
    public let name: String
    /// How the elements are stored.
    public let storage: StorageType
    /// A vector has one row.
    public let rows: Int
    public let columns: Int

    /// Numbers in memory, row after row without gaps.
    struct Elements {
        var address: UnsafeRawPointer
        var storage: ck_storage
    }

    private let source: Source
    private let lock = NSLock()
    // Guarded by `lock`; written once.
    private var expansion: UnsafeMutablePointer<Float>?

    private enum Source {
        case tensor(StoredTensor)
        case producer(@Sendable (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void)
    }

    /// A tensor as it lies in its file, `[n, k]`; a vector `[k]` has one row, leading dimensions are rows.
    /// The weight keeps the file mapped.
    public init(_ tensor: StoredTensor) {
        name = tensor.name
        storage = tensor.type
        rows = tensor.rowCount
        columns = tensor.rowLength
        source = .tensor(tensor)
    }

    /// A matrix of given numbers, row after row.
    /// - Throws: `CheckpointError.invalidTensor` when their number is not `rows` × `columns`.
    public convenience init(_ name: String, rows: Int, columns: Int, values: [Float]) throws(CheckpointError) {
        self.init(try StoredTensor(name, shape: [rows, columns], floats: values))
    }

    /// A matrix whose rows are computed at the first use, such as one whose rows are stored in another order.
    ///
    /// `expand` writes the rows of a range to the address, row after row. It is called from several threads at once
    /// with ranges that do not overlap.
    public init(
        _ name: String, storage: StorageType, rows: Int, columns: Int,
        expand: @escaping @Sendable (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void
    ) {
        self.name = name
        self.storage = storage
        self.rows = max(0, rows)
        self.columns = max(0, columns)
        source = .producer(expand)
    }

    deinit { expansion?.deallocate() }

    /// The number of elements.
    public var count: Int { rows * columns }

    /// The numbers as f32, row after row: in place where they are stored so, else expanded at the first call, in parallel.
    ///
    /// The address lives as long as the weight.
    /// - Throws: whatever the expansion throws.
    public func floats() throws -> UnsafePointer<Float> {
        if let inPlace = elementsInPlace, inPlace.storage == CK_STORAGE_F32 {
            return inPlace.address.assumingMemoryBound(to: Float.self)
        }
        lock.lock()
        defer { lock.unlock() }
        if let expansion { return UnsafePointer(expansion) }
        let expanded = UnsafeMutablePointer<Float>.allocate(capacity: max(1, count))
        do { try expand(into: expanded) } catch {
            expanded.deallocate()
            throw error
        }
        expansion = expanded
        return UnsafePointer(expanded)
    }

    /// Whether its numbers have been expanded to f32.
    var isExpanded: Bool { lock.withLock { expansion != nil } }

    /// The numbers as products and gathers read them: in place in a type that they know, else expanded to f32.
    func elements() throws -> Elements {
        if let inPlace = elementsInPlace { return inPlace }
        return Elements(address: UnsafeRawPointer(try floats()), storage: CK_STORAGE_F32)
    }

    private var elementsInPlace: Elements? {
        guard case .tensor(let tensor) = source else { return nil }
        guard let kernelStorage = tensor.type.kernelStorage else { return nil }
        // Blocks are read byte by byte.
        let alignment = tensor.type.isQuantised ? 1 : tensor.type.blockByteCount
        // The address outlives the call: the tensor, which this weight holds, keeps its bytes where they are.
        guard let address = tensor.withUnsafeBytes({ $0.baseAddress }), Int(bitPattern: address) % alignment == 0 else {
            return nil
        }
        return Elements(address: address, storage: kernelStorage)
    }

    private func expand(into destination: UnsafeMutablePointer<Float>) throws {
        guard count > 0 else { return }
        let target = UncheckedPointer(destination)
        let failure = FirstFailure()
        // About 64k elements a piece: some tens of microseconds of work.
        Threads.forEachRange(of: rows, grain: max(1, 65_536 / columns)) { [self] range in
            let start = target.pointer + range.lowerBound * columns
            do {
                switch source {
                case .tensor(let tensor): try tensor.expand(rows: range, into: start)
                case .producer(let produce): try produce(range, start)
                }
            } catch {
                failure.record(error)
            }
        }
        if let error = failure.error { throw error }
    }
}

extension StorageType {
    /// How kernels call the type, nil where none reads it.
    fileprivate var kernelStorage: ck_storage? {
        switch self {
        case .f32: CK_STORAGE_F32
        case .f16: CK_STORAGE_F16
        case .bf16: CK_STORAGE_BF16
        case .q4_0: CK_STORAGE_Q4_0
        case .q4_1: CK_STORAGE_Q4_1
        case .q5_0: CK_STORAGE_Q5_0
        case .q5_1: CK_STORAGE_Q5_1
        case .q8_0: CK_STORAGE_Q8_0
        case .q2_K: CK_STORAGE_Q2_K
        case .q3_K: CK_STORAGE_Q3_K
        case .q4_K: CK_STORAGE_Q4_K
        case .q5_K: CK_STORAGE_Q5_K
        case .q6_K: CK_STORAGE_Q6_K
        case .f64, .i64, .i32, .i16, .i8, .u8, .bool: nil
        }
    }
}

extension FrozenWeight: CustomStringConvertible {
    /// `model.norm.weight BF16 [1, 576]`
    public var description: String { "\(name) \(storage) [\(rows), \(columns)]" }
}

/// Where an executor finds the frozen weights of its graph.
public protocol WeightSource: Sendable {
    /// The weight of this name, as the graph's ``Graph/Operation/weight(_:)`` spells it.
    /// - Throws: an error that names the weight where there is none.
    func weight(named name: String) throws -> FrozenWeight
}

/// Weights by name.
public struct WeightDictionary: WeightSource {
    private let weights: [String: FrozenWeight]

    /// Of two weights with the same name the later one stays.
    public init(_ weights: [FrozenWeight]) {
        self.weights = Dictionary(weights.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    public func weight(named name: String) throws -> FrozenWeight {
        guard let weight = weights[name] else {
            throw RuntimeError.noWeight(name: name, nearest: nearestName(to: name, among: weights.keys))
        }
        return weight
    }
}

/// A pointer that may cross to the pool's threads, which write disjoint parts.
struct UncheckedPointer<Pointee>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Pointee>
    init(_ pointer: UnsafeMutablePointer<Pointee>) { self.pointer = pointer }
}

/// The first error met by any of several threads.
private final class FirstFailure: @unchecked Sendable {
    private let lock = NSLock()
    private var first: (any Error)?

    func record(_ error: any Error) {
        lock.withLock { if first == nil { first = error } }
    }

    var error: (any Error)? { lock.withLock { first } }
}
