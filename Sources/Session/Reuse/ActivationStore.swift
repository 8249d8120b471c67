import Graph
import InterventionDSL
import Models
import Runtime

/// What frozen models compute on sequences whatever the program, kept for later batches, epochs and programs.
///
/// A program changes only some rows of some layers. Values below the lowest edit, and keys and values of rows before the
/// first edited one, are those of the model alone: they are computed once for each sequence, by a pass of their own, and
/// read from here. Results do not depend on what happens to be stored: cold, warm and dropped entries give the same bits.
///
/// ```swift
/// let session = try Session(model, program: program)
/// session.activations = ActivationStore(budget: 2 << 30)
/// ```
/// One store can serve several sessions, one after another; it is used by one thread at a time.
public final class ActivationStore {
    /// The most bytes that are kept.
    public let budget: Int
    /// Sites that are kept of every sequence, all rows, with the keys and values of all layers: sessions of different
    /// programs on the same sequences then share one pass. Empty where each program keeps just what it needs.
    public let shared: [SiteID]
    /// The bytes that are kept.
    public private(set) var bytes = 0
    /// What has happened so far.
    public private(set) var counts = Counts()

    /// How often a sequence was looked up.
    public struct Counts: Hashable, Sendable {
        /// Found.
        public var served: Int
        /// Not found, and computed.
        public var computed: Int
        /// Dropped to make room, or never kept for want of it.
        public var dropped: Int

        public init(served: Int = 0, computed: Int = 0, dropped: Int = 0) {
            (self.served, self.computed, self.dropped) = (served, computed, dropped)
        }
    }

    private var passes: [PassKey: CanonicalPass] = [:]
    private var entries: [Key: StoredActivations] = [:]
    /// The keys of the entries; one of them is chosen to be dropped.
    private var order: [Key] = []
    private var draws = Philox(seed: 1, stream: 0)

    private struct PassKey: Hashable {
        var model: ObjectIdentifier
        var sites: [SiteID]
        var slots: Set<Int>
        var precision: ProductPrecision
    }

    private struct Key: Hashable {
        var pass: PassKey
        var tokens: [Int32]
        var tokenTypes: [Int32]?
        var features: [[Float]]?
        var firstRow: Int
    }

    /// An empty store.
    /// - Parameters:
    ///   - budget: The most bytes that are kept. With 0 everything is computed each time.
    ///   - shared: See ``shared``.
    public init(budget: Int = 1 << 30, shared: [SiteID] = []) {
        self.budget = max(0, budget)
        self.shared = shared
    }

    /// What is stored of a sequence, computed where it is not.
    /// - Parameters:
    ///   - sites: The sites of the base run whose values are wanted.
    ///   - slots: The slots whose keys and values are wanted of the rows before `firstRow`.
    ///   - firstRow: The first row whose values are wanted.
    func activations(
        of example: Example, _ model: Model, sites: [SiteID], slots: Set<Int>, firstRow: Int,
        precision: ProductPrecision
    ) throws -> StoredActivations {
        let isShared = !shared.isEmpty && sites.allSatisfy(shared.contains)
        let allSlots = isShared ? Set(0..<model.sizes.layers) : slots
        let pass = PassKey(
            model: ObjectIdentifier(model), sites: isShared ? shared : sites, slots: allSlots,
            precision: precision)
        let key = Key(
            pass: pass, tokens: example.tokens, tokenTypes: example.tokenTypes, features: example.features,
            firstRow: isShared ? 0 : firstRow)
        if let known = entries[key] {
            counts.served += 1
            return known
        }
        counts.computed += 1
        let canonical = try canonicalPass(pass, model)
        let stored = try canonical.run(
            example, keepingRowsFrom: key.firstRow, prefix: isShared ? example.tokens.count : firstRow)
        keep(stored, key)
        return stored
    }

    /// Forgets everything.
    public func removeAll() {
        entries = [:]
        order = []
        passes = [:]
        bytes = 0
    }

    private func canonicalPass(_ key: PassKey, _ model: Model) throws -> CanonicalPass {
        if let known = passes[key] { return known }
        let new = try CanonicalPass(model, sites: key.sites, slots: key.slots, precision: key.precision)
        passes[key] = new
        return new
    }

    /// Drops entries at random until there is room: where epochs go round and round, the oldest entry is the one that is
    /// needed next.
    private func keep(_ stored: StoredActivations, _ key: Key) {
        guard stored.bytes <= budget else {
            counts.dropped += 1
            return
        }
        while bytes + stored.bytes > budget, !order.isEmpty {
            let place = Int(draws.nextBits()) % order.count
            let victim = order[place]
            order[place] = order[order.count - 1]
            order.removeLast()
            bytes -= entries.removeValue(forKey: victim)?.bytes ?? 0
            counts.dropped += 1
        }
        entries[key] = stored
        order.append(key)
        bytes += stored.bytes
    }
}
