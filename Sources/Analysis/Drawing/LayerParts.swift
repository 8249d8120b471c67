import Graph

/// The two branches of a block beside its residual stream.
enum LayerBranch: String, CaseIterable {
    case mlp, attention

    /// The sites inside in the order in which they are computed, with the short names that fit into the picture.
    var sites: [(component: Component, label: String, width: Int)] {
        switch self {
        case .attention:
            [
                (.attentionInput, "in", 20), (.queryOutput, "q", 17), (.keyOutput, "k", 17), (.valueOutput, "v", 17),
                (.attentionValueOutput, "heads", 40), (.attentionOutput, "out", 27),
            ]
        case .mlp: [(.mlpInput, "in", 20), (.mlpActivation, "act", 27), (.mlpOutput, "out", 27)]
        }
    }
}

/// The heights of the parts of a drawn layer, from top to bottom.
struct LayerParts {
    struct Branch {
        let branch: LayerBranch
        /// The touched components inside; without any, the branch is a plain box.
        let touched: [Component]

        /// Above the box, for the lines to its sites.
        var gap: Int { touched.isEmpty ? 2 : 5 + 4 * touched.count }
        var height: Int { touched.isEmpty ? 12 : 24 }
    }

    static let stripHeight = 16
    /// Touched sites of the residual stream above the branches, and those of no known place.
    let above: [Component]
    let branches: [Branch]
    /// Touched sites of the residual stream below the branches.
    let below: [Component]

    init(components: [Component], touched: Set<Component>) {
        branches = LayerBranch.allCases.map { branch in
            Branch(branch: branch, touched: branch.sites.map(\.component).filter(touched.contains))
        }
        let inside = Set(LayerBranch.allCases.flatMap { $0.sites.map(\.component) })
        let outside = components.filter { touched.contains($0) && !inside.contains($0) }
        above = outside.filter { $0 != .blockInput }.reversed()
        below = outside.filter { $0 == .blockInput }
    }

    var height: Int {
        (above.count + below.count) * Self.stripHeight + branches.reduce(4) { $0 + $1.gap + $1.height }
    }
}
