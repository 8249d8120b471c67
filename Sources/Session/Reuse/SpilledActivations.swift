import Graph
import Runtime

/// What is stored of one sequence, in a file.
struct SpilledActivations {
    /// Where it lies: the values site after site, then keys and values.
    let range: Range<Int>
    private let firstRow: Int
    private let sites: [(site: SiteID, count: Int)]
    private let prefix: (slots: [KeyValueSlot], rows: Int)?

    /// Writes it; nil where the file has no stretch that is long enough.
    init?(_ stored: StoredActivations, in file: SpillFile) throws(OverflowError) {
        firstRow = stored.firstRow
        let values = stored.values.map { (site: $0.key, floats: $0.value) }
        sites = values.map { ($0.site, $0.floats.count) }
        prefix = stored.prefix.map { ($0.slots, $0.rows) }
        let floats = values.flatMap(\.floats)
        let kept = stored.prefix
        let written = floats.withUnsafeBufferPointer { values in
            Result { () throws(OverflowError) in
                try file.write(kept.map { [values, $0.floats] } ?? [values])
            }
        }
        guard let range = try written.get() else { return nil }
        self.range = range
    }

    /// The same numbers as were written.
    func activations(in file: SpillFile) -> StoredActivations {
        let floats = file.floats(in: range)
        var stored = StoredActivations(firstRow: firstRow)
        var place = 0
        for (site, count) in sites {
            stored.values[site] = Array(floats[place..<place + count])
            place += count
        }
        if let prefix {
            stored.prefix = KeyValuePrefix(
                UnsafeBufferPointer(rebasing: floats[place...]), rows: prefix.rows, slots: prefix.slots)
        }
        return stored
    }
}
