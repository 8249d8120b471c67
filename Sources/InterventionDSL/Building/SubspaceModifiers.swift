extension DeclarationStage {
    /// The same, acting in these coordinates only: those of the intervention's own space.
    ///
    /// ```swift
    /// Interchange(from: "clean").on(.blockOutput, layer: 5).at(3).subspace([0, 1])
    /// ```
    public func subspace(_ coordinates: [Int]) -> Self { changingSubspace(.fixed(coordinates)) }

    /// The same, acting in a range of coordinates only.
    public func subspace(_ coordinates: Range<Int>) -> Self { changingSubspace(.fixed(Array(coordinates))) }

    /// The same, acting in the coordinates that each example chooses, by the names of these parts or by themselves; in all
    /// of them where an example chooses nothing.
    ///
    /// ```swift
    /// LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last).subspaces(["style": [0, 1], "topic": [2, 3]])
    /// ```
    public func subspaces(_ parts: [String: [Int]] = [:]) -> Self { changingSubspace(.perExample(parts)) }

    private func changingSubspace(_ subspace: Subspace) -> Self {
        var copy = self
        copy.draft.subspace = subspace
        return copy
    }
}

extension Intervention {
    /// The intervention, acting in these coordinates only.
    public func subspace(_ coordinates: [Int]) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).subspace(coordinates)
    }

    /// The intervention, acting in a range of coordinates only.
    public func subspace(_ coordinates: Range<Int>) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).subspace(coordinates)
    }

    /// The intervention, acting in the coordinates that each example chooses.
    public func subspaces(_ parts: [String: [Int]] = [:]) -> DraftDeclaration {
        DraftDeclaration(draft: DeclarationDraft(self)).subspaces(parts)
    }
}
