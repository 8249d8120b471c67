import Graph

/// Where an adapter lies in a bank: adapters of one structure share a shelf, each in a slot of its own.
public struct BankPlace: Hashable, Sendable {
    public var shelf: Int
    public var slot: Int

    public init(shelf: Int, slot: Int) {
        self.shelf = shelf
        self.slot = slot
    }
}

/// A shelf that a declaration's parameters lie on: so many adapters of one structure.
public struct BankShelf: Hashable, Sendable {
    public var number: Int
    /// How many adapters have a slot.
    public var capacity: Int

    public init(number: Int, capacity: Int) {
        self.number = number
        self.capacity = capacity
    }
}

extension BoundParameter {
    /// The name of a bank's tensor in the store.
    static func bankName(of name: String) -> String { name + ".bank" }

    /// What the parameter store holds: of a bank's parameter all adapters' values, one below the other.
    public var stored: ParameterSpecification {
        var stored = specification
        stored.name = name
        guard let capacity else { return stored }
        stored.name = Self.bankName(of: name)
        stored.rows *= capacity
        stored.initialiser = .zeros
        stored.constraint = .none
        return stored
    }
}

extension Selection {
    /// The index input that holds the slot of each row's adapter; nil without a bank.
    public var adaptersName: String? { positions.shelf == nil ? nil : Self.adaptersName(name) }

    static func adaptersName(_ selection: String) -> String { "\(selection).adapters" }

    /// The slot of the adapter of each row, in the order of ``indices(in:demanded:)``.
    public func adapters(
        in sequences: [SequenceContext], demanded: [Int32]? = nil
    ) throws(InterventionError) -> [Int32] {
        let isDemanded = rowSpace == .demanded ? demanded.map(Set.init) : nil
        var slots: [Int32] = []
        var offset = 0
        for (sequence, width) in zip(sequences, rowsPerPosition(in: sequences)) {
            let slot = Int32(clamping: sequence.place?.slot ?? 0)
            let rows = try positions.rows(in: sequence)
            if rowSpace == .sequences {
                if positions.holds(sequence) { slots.append(slot) }
            } else {
                for row in rows
                where isDemanded?.contains(Int32(clamping: offset + row - sequence.live.lowerBound)) ?? true {
                    slots += repeatElement(slot, count: width)
                }
            }
            offset += sequence.live.count
        }
        return slots
    }
}

extension PositionsPart {
    /// Whether the sequence's adapter lies on the shelf, where there is one.
    func holds(_ sequence: SequenceContext) -> Bool { shelf == nil || sequence.place?.shelf == shelf }
}
