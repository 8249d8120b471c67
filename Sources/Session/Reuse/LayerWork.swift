import Graph

/// What a row of a run meets in a layer of the model, in numbers of frozen matrices.
struct LayerWork: Equatable {
    /// Of the whole layer.
    var whole = 0
    /// Of what is needed for what is read, if nothing is stored.
    var needed = 0
    /// Of what is computed on all live rows.
    var onLiveRows = 0
    /// Of what is computed on the rows only whose logits are read.
    var onReadRows = 0
}

/// A layer of one run.
struct LayerAddress: Hashable {
    var run: String
    var layer: Int
}

extension Dictionary where Key == LayerAddress, Value == LayerWork {
    /// Counts the work of each layer.
    /// - Parameters:
    ///   - original: The model's graph.
    ///   - complete: The graph with the program and what is read of it, before anything is stored.
    ///   - final: The graph as it is computed.
    init(
        of original: ComputationGraph, _ complete: (graph: ComputationGraph, values: [ValueID]),
        _ final: (graph: ComputationGraph, values: [ValueID])
    ) {
        self = [:]
        original.addWork { address, _, numbers in self[address, default: LayerWork()].whole += numbers }
        complete.graph.addWork(of: complete.graph.ancestors(of: complete.values)) { address, _, numbers in
            self[address, default: LayerWork()].needed += numbers
        }
        final.graph.addWork(of: final.graph.ancestors(of: final.values)) { address, isOfReadRows, numbers in
            if isOfReadRows {
                self[address, default: LayerWork()].onReadRows += numbers
            } else {
                self[address, default: LayerWork()].onLiveRows += numbers
            }
        }
    }
}

extension ComputationGraph {
    /// Visits products of rows with the model's matrices, with the layer, whether only rows have them whose logits are
    /// read, and how many numbers of matrices a row meets.
    fileprivate func addWork(of needed: [Bool]? = nil, _ visit: (LayerAddress, Bool, Int) -> Void) {
        for (id, node) in nodes.enumerated() where needed?[id] ?? true {
            let numbers: Int
            switch node.operation {
            case .matmul(transposeLeft: false, _): numbers = matrixNumbers(node.inputs[1])
            case .expertProduct(let product):
                numbers = node.inputs.dropFirst(2).map(matrixNumbers).reduce(0, +) * product.slots / product.experts
            default: continue
            }
            guard case .model(let path) = node.provenance, let layer = path.layerNumber,
                let symbol = type(of: node.inputs[0]).shape.rows.symbolName
            else { continue }
            for (suffix, isOfReadRows) in [(".demanded.rows", true), (".rows", false), (".sequences", true)]
            where symbol.hasSuffix(suffix) {
                visit(LayerAddress(run: String(symbol.dropLast(suffix.count)), layer: layer), isOfReadRows, numbers)
                break
            }
        }
    }

    /// The numbers of a matrix of the model; 0 for other values.
    private func matrixNumbers(_ value: ValueID) -> Int {
        switch nodes[value.node].operation {
        case .weight, .parameter: type(of: value).shape.fixedCount ?? 0
        default: 0
        }
    }
}

extension Dimension {
    fileprivate var symbolName: String? {
        if case .symbol(let symbol) = self { symbol.name } else { nil }
    }
}

extension String {
    /// The first number of a module path: 3 in `model.layers.3.mlp`.
    fileprivate var layerNumber: Int? { split(separator: ".").lazy.compactMap { Int($0) }.first }
}
