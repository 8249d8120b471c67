import Graph

extension ComputationGraph {
    /// A number of the nodes from `first` on that f32, in which everything is computed, can not hold.
    func numberBeyondFloats(from first: NodeID) -> Double? {
        for node in nodes[min(first, nodes.count)...] {
            switch node.operation {
            case .scalar(let number) where !Float(number).isFinite: return number
            case .affine(let factor, _) where !Float(factor).isFinite: return factor
            case .affine(_, let offset) where !Float(offset).isFinite: return offset
            case .constant(let index):
                guard constants.indices.contains(index) else { continue }
                if let number = constants[index].values.first(where: { !Float($0).isFinite }) { return number }
            default: break
            }
        }
        return nil
    }
}
