import Diagnostics
import Graph

/// Finds the extents of symbols, and who says so.
struct ExtentBinding {
    let symbols: [Symbol]
    private(set) var extents: [Int]
    private var sources: [String?]
    private let numbers: [Symbol: Int]

    init(_ symbols: [Symbol]) {
        self.symbols = symbols
        extents = Array(repeating: -1, count: symbols.count)
        sources = Array(repeating: nil, count: symbols.count)
        numbers = Dictionary(uniqueKeysWithValues: symbols.enumerated().map { ($1, $0) })
    }

    mutating func reset() {
        for index in extents.indices {
            extents[index] = -1
            sources[index] = nil
        }
    }

    mutating func bind(_ dimension: Dimension, _ axis: String, _ extent: Int, _ name: String) throws(RuntimeError) {
        switch dimension {
        case .fixed(let wanted):
            if extent != wanted { throw .inputExtent(name: name, axis: axis, given: extent, wanted: wanted) }
        case .symbol(let symbol):
            guard let number = numbers[symbol] else { return }
            if let source = sources[number], extents[number] != extent {
                throw .contradiction(
                    symbol: symbol.name, first: source, firstExtent: extents[number], second: name,
                    secondExtent: extent)
            }
            extents[number] = extent
            sources[number] = name
        }
    }
}

extension Executor {
    /// Copies the inputs and learns the extents from them, and from how many rows of each sequence are stored.
    func bind(_ batch: InputBatch, stored lengths: [Int]) throws(RuntimeError) {
        batchCount += 1
        var binding = ExtentBinding(plan.symbols)
        for input in inputTypes {
            guard let entry = batch.entries[input.name] else {
                if input.leaf == nil { continue }
                // A name that nobody reads is the likeliest misspelling of one that is missing.
                let unread = batch.names.filter { name in !inputTypes.contains { $0.name == name } }
                throw .noInput(
                    name: input.name, type: input.type.description, nearest: nearestName(to: input.name, among: unread))
            }
            try checkKind(input.name, entry, input.type.element)
            try binding.bind(input.type.shape.rows, "rows", entry.rows, input.name)
            try binding.bind(input.type.shape.columns, "columns", entry.columns, input.name)
            guard let leaf = input.leaf, let memory = inputs[leaf] else { continue }
            switch entry {
            case .indices(let indices): memory.copy(indices)
            case .numbers(let numbers, _, _): memory.copy(numbers)
            }
            if leafAddresses[leaf] != memory.address {
                leafAddresses[leaf] = memory.address
                isResolved = false
            }
        }
        for count in plan.pairCounts {
            let symbol = plan.symbols[count.symbol]
            guard let pairs = pairs(count, stored: lengths), pairs <= Int32.max else {
                throw .setting(name: "number of \(symbol)", given: "larger than any index", allowed: "0...\(Int32.max)")
            }
            try binding.bind(.symbol(symbol), "rows", pairs, "the offsets of \(symbol)")
        }
        for (symbol, extent) in batch.sizes.sorted(by: { $0.key < $1.key }) {
            // Extents that an input shows are bounded by memory; these are checked here.
            guard 0...Int(Int32.max) ~= extent else {
                throw .setting(name: "size of \(symbol)", given: "\(extent)", allowed: "0...\(Int32.max)")
            }
            try binding.bind(.named(symbol), "rows", extent, "size of \(symbol)")
        }
        for (number, extent) in binding.extents.enumerated() where extent < 0 { throw unknownExtent(number) }
        if binding.extents != sizes {
            sizes = binding.extents
            isResolved = false
        }
    }

    /// Σ queries · keys of the sequences; nil if that is no number. The offsets are not checked yet.
    private func pairs(_ count: PairCount, stored lengths: [Int]) -> Int? {
        guard let queries = inputs[leafNumbers[count.offsets]]?.indices,
            let keys = inputs[leafNumbers[count.keyOffsets]]?.indices
        else { return 0 }
        var sum = 0
        for place in queries.indices.dropLast() where place + 1 < keys.count {
            let stored = count.isStored && lengths.indices.contains(place) ? lengths[place] : 0
            let (product, overflow) = max(0, Int(queries[place + 1]) - Int(queries[place]))
                .multipliedReportingOverflow(by: stored + max(0, Int(keys[place + 1]) - Int(keys[place])))
            if overflow || product > Int(Int32.max) { return nil }
            sum += product
        }
        return sum
    }

    private func checkKind(_ name: String, _ entry: InputBatch.Entry, _ element: ElementType) throws(RuntimeError) {
        switch (entry, element) {
        case (.indices, .real): throw .inputKind(name: name, given: "indices", wanted: "numbers")
        case (.numbers, .index): throw .inputKind(name: name, given: "numbers", wanted: "indices")
        case (.numbers(let numbers, let rows, let columns), .real):
            let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
            guard rows >= 0, columns >= 0, !overflow, numbers.count == count else {
                throw .inputCount(name: name, given: numbers.count, rows: rows, columns: columns)
            }
        case (.indices, .index): break
        }
    }

    private func unknownExtent(_ number: Int) -> RuntimeError {
        let symbol = plan.symbols[number]
        for (id, node) in plan.graph.nodes.enumerated() {
            for (result, type) in node.results.enumerated()
            where type.shape.rows == .symbol(symbol) || type.shape.columns == .symbol(symbol) {
                return .unknownExtent(
                    symbol: symbol.name, value: ValueID(id, result).description,
                    provenance: node.provenance.description)
            }
        }
        return .unknownExtent(symbol: symbol.name, value: "nothing", provenance: "")
    }

    /// Points the plan's parameters at a store's values.
    func bind(_ store: ParameterStore?) throws(RuntimeError) {
        guard !plan.parameterNames.isEmpty else { return }
        guard let store else { throw .noParameters(names: plan.parameterNames) }
        if store === parameters { return }
        for (number, leaf) in plan.leaves.enumerated() {
            guard case .parameter(let name) = plan.graph.nodes[leaf].operation else { continue }
            let values = try store.view(of: name)
            let wanted = plan.graph.nodes[leaf].results[0].shape
            guard wanted.rows == .fixed(values.rows), wanted.columns == .fixed(values.columns) else {
                throw .parameterShape(
                    name: name, given: "[\(values.rows), \(values.columns)]", wanted: wanted.description)
            }
            leafAddresses[number] = UnsafeMutableRawPointer(mutating: values.pointer)
        }
        parameters = store
        isResolved = false
    }

    func checkIndices() throws(RuntimeError) {
        for index in 0..<plan.indexRules.count {
            let rule = plan.indexRules[index]
            guard case .input(let name) = plan.graph.nodes[rule.input].operation,
                let memory = inputs[leafNumbers[rule.input]]
            else { continue }
            try rule.check(name, memory.indices, extent: rule.dimension.extent(sizes))
        }
    }
}
