import Graph

extension EditContext {
    /// The mask of the declaration's subspace over the intervention's coordinates: [1, c], or [rows, c] where each example
    /// chooses; nil where the edit acts in all of them.
    ///
    /// A type with coordinates of its own (``SubspaceCoordinates/own(_:)``) multiplies them by it.
    public mutating func subspaceMask() -> Value? {
        usesSubspace = true
        return splicer.mask(of: hook)
    }

    /// A value of the intervention's coordinates, zero outside the declaration's subspace; the value itself where the edit
    /// acts in all of them.
    public mutating func inSubspace(_ value: Value) -> Value {
        subspaceMask().map { value * $0 } ?? value
    }

    /// The coordinates of the declaration's subspace, where they are the same for all examples.
    public var fixedSubspace: [Int]? {
        if case .fixed(let coordinates, _) = hook.subspace { coordinates } else { nil }
    }
}

extension Splicer {
    /// The mask of a hook's subspace, if it has one.
    func mask(of hook: Hook) -> Value? {
        switch hook.subspace {
        case nil:
            return nil
        case .fixed(let coordinates, let count):
            let chosen = Set(coordinates)
            let values = (0..<count).map { chosen.contains($0) ? 1.0 : 0 }
            return builder.constant(
                ConstantTensor(name: "\(hook.name) subspace", rows: 1, columns: count, values: values))
        case .perExample(let mask):
            return builder.input(mask.name, .real(mask.rows, .fixed(mask.coordinateCount)))
        }
    }

    /// What the edit adds to the rows, within the hook's subspace: (edit(h) − h) ⊙ m.
    func restricted(
        _ change: Value, _ hook: Hook, usesSubspace: Bool
    ) throws(InterventionError) -> Value {
        guard hook.subspace != nil else { return change }
        switch hook.intervention.coordinates(at: hook.shape) {
        case .columns:
            return mask(of: hook).map { change * $0 } ?? change
        case .own, .none:
            guard usesSubspace else {
                throw .edit(
                    site: "\(hook.shape)",
                    message: "it has coordinates of its own and does not multiply them by context.subspaceMask()")
            }
            return change
        }
    }
}
