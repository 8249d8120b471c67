import Foundation
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
    /// The most bytes that are kept in memory.
    public let budget: Int
    /// Where entries go that memory has no room for.
    public let overflow: Overflow
    /// Sites that are kept of every sequence, all rows, with the keys and values of all layers: sessions of different
    /// programs on the same sequences then share one pass. Empty where each program keeps just what it needs.
    public let shared: [SiteID]
    /// The bytes that are kept in memory.
    public private(set) var bytes = 0
    /// The bytes that are kept in the file.
    public var fileBytes: Int { file?.bytes ?? 0 }
    /// Why there is no file although one was asked for; once there is a reason, nothing more is written.
    public private(set) var overflowError: OverflowError?
    /// Told when that happens, at most once.
    public var onOverflowError: ((OverflowError) -> Void)?
    /// What has happened so far.
    public private(set) var counts = Counts()

    /// How often a sequence was looked up.
    public struct Counts: Hashable, Sendable {
        /// Found, in memory or in the file.
        public var served: Int
        /// Those of them that were found in the file.
        public var servedFromFile: Int
        /// Moved from memory to the file, or written there at once.
        public var spilled: Int
        /// Not found, and computed.
        public var computed: Int
        /// Dropped to make room, or never kept for want of it.
        public var dropped: Int

        public init(
            served: Int = 0, computed: Int = 0, dropped: Int = 0, servedFromFile: Int = 0, spilled: Int = 0
        ) {
            (self.served, self.computed, self.dropped) = (served, computed, dropped)
            (self.servedFromFile, self.spilled) = (servedFromFile, spilled)
        }
    }

    private var passes: [PassKey: CanonicalPass] = [:]
    private var entries: [Key: StoredActivations] = [:]
    /// The keys of the entries; one of them is chosen to be dropped.
    private var order: [Key] = []
    private var draws = Philox(seed: 1, stream: 0)
    private var file: SpillFile?
    private var spilled: [Key: SpilledActivations] = [:]
    private var spilledOrder: [Key] = []

    /// A temporary file for what memory has no room for, mapped and read where it lies. Its name is removed as soon as it
    /// is open: nothing remains of it, however the process ends.
    public enum Overflow: Hashable, Sendable {
        /// What memory has no room for is computed again.
        case none
        /// In the system's folder of temporary files, at most so many bytes.
        case temporary(budget: Int)
        /// At a path where nothing is yet, at most so many bytes.
        case file(URL, budget: Int)

        /// The most bytes that are kept there.
        public var budget: Int {
            switch self {
            case .none: 0
            case .temporary(let budget), .file(_, let budget): max(0, budget)
            }
        }
    }

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
    ///   - overflow: Where entries go that memory has no room for.
    public init(budget: Int = 1 << 30, shared: [SiteID] = [], overflow: Overflow = .none) {
        self.budget = max(0, budget)
        self.shared = shared
        self.overflow = overflow
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
        if let known = spilled[key], let file {
            counts.served += 1
            counts.servedFromFile += 1
            return known.activations(in: file)
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
        spilled = [:]
        spilledOrder = []
        file = nil
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
        guard stored.bytes <= budget else { return spill(stored, key) }
        while bytes + stored.bytes > budget, !order.isEmpty {
            let place = Int(draws.nextBits()) % order.count
            let victim = order[place]
            order[place] = order[order.count - 1]
            order.removeLast()
            guard let dropped = entries.removeValue(forKey: victim) else { continue }
            bytes -= dropped.bytes
            spill(dropped, victim)
        }
        entries[key] = stored
        order.append(key)
        bytes += stored.bytes
    }

    /// Writes an entry that leaves memory to the file, where entries are dropped at random too; without a file it is gone.
    private func spill(_ stored: StoredActivations, _ key: Key) {
        do throws(OverflowError) {
            if let file = try openedFile(), stored.bytes <= file.budget {
                while true {
                    if let written = try SpilledActivations(stored, in: file) {
                        spilled[key] = written
                        spilledOrder.append(key)
                        counts.spilled += 1
                        return
                    }
                    guard !spilledOrder.isEmpty else { break }
                    let place = Int(draws.nextBits()) % spilledOrder.count
                    let victim = spilledOrder[place]
                    spilledOrder[place] = spilledOrder[spilledOrder.count - 1]
                    spilledOrder.removeLast()
                    if let range = spilled.removeValue(forKey: victim)?.range { file.release(range) }
                    counts.dropped += 1
                }
            }
        } catch {
            // What was written before is still good; nothing more is.
            overflowError = error
            onOverflowError?(error)
        }
        counts.dropped += 1
    }

    private func openedFile() throws(OverflowError) -> SpillFile? {
        guard overflowError == nil else { return nil }
        if let file { return file }
        switch overflow {
        case .none: return nil
        case .temporary(let budget): file = try SpillFile(at: nil, budget: budget)
        case .file(let url, let budget): file = try SpillFile(at: url, budget: budget)
        }
        return file
    }
}
