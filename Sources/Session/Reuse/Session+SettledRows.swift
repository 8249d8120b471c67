import InterventionDSL
import Models

extension Session {
    /// The rows of a sequence of the base run where each edit at a selection puts back what is there, as long as no other
    /// edit changes an earlier row: what it reads is the same row of the same site in a run that nothing edits, on a sequence
    /// that is the same up to there.
    ///
    /// Only where rows do not depend on later ones, and for edits of which that is known
    /// (``InterventionDSL/Intervention/keepsRowsEqualToSource``).
    func settledRows(
        of example: Example, _ selection: Selection, _ context: SequenceContext
    ) throws(InterventionError) -> Set<Int> {
        let hooks = hookGraph.hooks.filter { $0.selection?.name == selection.name }
        guard !hooks.isEmpty,
            hooks.allSatisfy({
                $0.intervention.keepsRowsEqualToSource && !$0.sources.isEmpty
                    && $0.sources.count == $0.intervention.sources.count
            })
        else { return [] }
        let listed = try selection.positions.listedRows(in: context)
        var settled = Set(listed)
        for hook in hooks {
            for source in hook.sources where !settled.isEmpty {
                guard source.site.run != hook.site.run, source.columns == hook.columns,
                    (source.site.component, source.site.layer) == (hook.site.component, hook.site.layer),
                    let read = source.selection,
                    let sequence = example.sources[source.site.run],
                    hookGraph.hooks.allSatisfy({ $0.site.run != source.site.run || $0.intervention.onlyReads })
                else { return [] }
                let context = self.context(of: sequence, index: context.index, run: source.site.run)
                let rows = try read.positions.listedRows(in: context)
                guard rows.count == listed.count else { return [] }
                let common = example.commonRows(with: sequence)
                settled.formIntersection(zip(listed, rows).filter { $0 == $1 && $0 < common }.map(\.0))
            }
        }
        return settled
    }
}

extension Example {
    /// How many of the first rows are the same in another sequence.
    fileprivate func commonRows(with other: Example) -> Int {
        func first<Element: Equatable>(_ own: [Element]?, _ others: [Element]?, missing: Element) -> Int {
            guard own != nil || others != nil else { return .max }
            for row in 0..<min(tokens.count, other.tokens.count)
            where (own?[row] ?? missing) != (others?[row] ?? missing) { return row }
            return .max
        }
        return min(
            tokens.count, other.tokens.count, first(tokens, other.tokens, missing: 0),
            first(tokenTypes, other.tokenTypes, missing: 0), first(features, other.features, missing: []))
    }
}
