import InterventionDSL

/// The adapters of a session of which each example names one.
///
/// Adapters of one structure lie on one shelf: their parameters are one tensor with all of them below each other, and
/// the graph has one edit for all of them. Adapters of different ranks or programs lie on different shelves.
final class AdapterBank {
    /// Declarations without their names, which is what adapters of one structure have in common.
    struct Structure: Hashable {
        let program: Program

        init(_ adapter: Adapter) {
            var count = 0
            program = adapter.program.mapDeclarations { declaration in
                count += 1
                return declaration.named("\(count)")
            }
        }
    }

    struct Shelf {
        let structure: Structure
        /// The adapter whose declarations stand in the session's program, under its names there.
        let template: Adapter
        var slots: [Bool]
    }

    let capacity: Int
    private(set) var shelves: [Shelf] = []
    /// Where each adapter lies; nil where a place is free.
    private(set) var places: [BankPlace?]
    private(set) var names: [String?]

    init(capacity: Int, templates: [(Structure, Adapter)]) {
        self.capacity = capacity
        shelves = templates.map {
            Shelf(structure: $0.0, template: $0.1, slots: Array(repeating: false, count: capacity))
        }
        places = Array(repeating: nil, count: capacity)
        names = Array(repeating: nil, count: capacity)
    }

    /// The shelf of each declaration of the session's program.
    var declarations: [String: BankShelf] {
        var declarations: [String: BankShelf] = [:]
        for (number, shelf) in shelves.enumerated() {
            for name in shelf.template.program.declarationNames {
                declarations[name] = BankShelf(number: number, capacity: capacity)
            }
        }
        return declarations
    }

    /// Finds a slot for an adapter at an index.
    /// - Throws: ``SessionError/bank(problem:)``.
    func slot(for adapter: Adapter, at index: Int) throws(SessionError) -> BankPlace {
        guard places.indices.contains(index) else {
            throw .bank(problem: "place \(index) does not exist; the bank has the places 0-\(capacity - 1)")
        }
        let structure = Structure(adapter)
        guard let shelf = shelves.firstIndex(where: { $0.structure == structure }) else {
            let known = shelves.map { "'\($0.template.name)'" }.joined(separator: ", ")
            throw .bank(
                problem:
                    "'\(adapter.name)' is built differently from every adapter that the bank was made for: \(known); "
                    + "sites, positions, ranks and scales must be those of one of them")
        }
        if let own = places[index], own.shelf == shelf { return own }
        // There are as many slots as places, and this place holds none of the shelf's.
        guard let slot = shelves[shelf].slots.firstIndex(of: false) else {
            throw .bank(problem: "no place is free for '\(adapter.name)'")
        }
        return BankPlace(shelf: shelf, slot: slot)
    }

    /// Takes a slot for an index.
    func put(_ name: String, _ place: BankPlace, at index: Int) {
        remove(at: index)
        shelves[place.shelf].slots[place.slot] = true
        places[index] = place
        names[index] = name
    }

    func remove(at index: Int) {
        guard places.indices.contains(index), let place = places[index] else { return }
        shelves[place.shelf].slots[place.slot] = false
        places[index] = nil
        names[index] = nil
    }

    /// Where the adapter at an index lies.
    func place(of index: Int?) -> BankPlace? { index.flatMap { places.indices.contains($0) ? places[$0] : nil } }

    /// What is wrong with an example's choice.
    func problem(of index: Int?) -> String? {
        guard let index else { return nil }
        guard places.indices.contains(index), places[index] != nil else {
            let known = places.indices.filter { places[$0] != nil }
            let list = known.isEmpty ? "is empty" : "holds \(known.map(String.init).joined(separator: ", "))"
            return "names adapter \(index); the bank \(list)"
        }
        return nil
    }
}
