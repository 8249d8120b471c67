import Graph

extension Binder {
    /// What is wrong with a declaration's subspace at a site.
    func subspaceProblems(_ declaration: Declaration, _ shape: SiteShape) -> [String] {
        guard let subspace = declaration.subspace else { return [] }
        return subspace.problems(
            declaration.intervention.coordinates(at: shape), width: shape.width,
            kind: type(of: declaration.intervention).kind)
    }

    /// The subspace of a declaration at one site and part; a mask that others use already is used again.
    mutating func bindSubspace(
        _ declaration: Declaration, _ shape: SiteShape, _ selection: Selection?, rows: Dimension
    ) -> BoundSubspace? {
        guard let subspace = declaration.subspace else { return nil }
        let count: Int
        switch declaration.intervention.coordinates(at: shape) {
        case .none: return nil
        case .columns: count = shape.width
        case .own(let own): count = own
        }
        guard case .perExample(let parts) = subspace else {
            if case .fixed(let coordinates) = subspace { return .fixed(coordinates, of: count) }
            return nil
        }
        var mask = SubspaceMask(
            name: "subspace.\(masks.count)", declaration: declaration.name ?? "", run: shape.site.run,
            selection: selection, rowSpace: shape.rowSpace, rows: selection?.count ?? rows, coordinateCount: count,
            parts: parts)
        for known in masks {
            mask.name = known.name
            if mask == known { return .perExample(known) }
        }
        mask.name = "subspace.\(masks.count)"
        masks.append(mask)
        return .perExample(mask)
    }
}
