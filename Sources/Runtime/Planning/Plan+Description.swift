import Graph

extension Plan {
    /// The number of kernel calls of a run.
    public var stepCount: Int { steps.count }
    /// The number of buffers that all values share.
    public var bufferCount: Int { slots.count }

    /// The bytes of all buffers for the given extents; a symbol that is not named counts as 1.
    public func bufferBytes(_ sizes: [Symbol: Int]) -> Int {
        bytes(of: symbols.map { sizes[$0] ?? 1 })
    }

    func bytes(of extents: [Int]) -> Int {
        slots.reduce(0) { $0 + BufferArena.roundedCount($1.count(extents)) } * MemoryLayout<Float>.size
    }
}

extension Plan: CustomStringConvertible {
    /// `plan of 212 steps, 9 buffers of base.rows · 4032 + 96 numbers`
    public var description: String {
        var terms: [(symbols: String, coefficient: Int)] = []
        for slot in slots {
            let factors = [slot.rowSymbol, slot.columnSymbol].filter { $0 >= 0 }.map { symbols[$0].name }
            let key = factors.joined(separator: " · ")
            if let known = terms.firstIndex(where: { $0.symbols == key }) {
                terms[known].coefficient += slot.coefficient
            } else {
                terms.append((key, slot.coefficient))
            }
        }
        let sizes = terms.map { $0.symbols.isEmpty ? "\($0.coefficient)" : "\($0.symbols) · \($0.coefficient)" }
        return "plan of \(steps.count) steps, \(slots.count) buffers of "
            + (sizes.isEmpty ? "0" : sizes.joined(separator: " + ")) + " numbers"
    }
}
