import Graph

/// How much one hook changes the rows that it edits, as values of the spliced graph.
public struct MeasuredEdit: Hashable, Sendable {
    /// The place in ``HookGraph/hooks``.
    public var hook: Int
    /// ‖edit(h) − h‖ of each row, [n, 1], the scale of the declaration and its weights within averages included; nil where rows are only read.
    public var change: ValueID?
    /// ‖h‖ of each row, [n, 1].
    public var size: ValueID?

    public init(hook: Int, change: ValueID? = nil, size: ValueID? = nil) {
        self.hook = hook
        self.change = change
        self.size = size
    }

    func moved(by rewired: RewiredGraph) -> MeasuredEdit {
        MeasuredEdit(hook: hook, change: change.map { rewired.value($0) }, size: size.map { rewired.value($0) })
    }
}

extension MeasuredEdit {
    /// Appends the norms of an edit; of heads, those of the head's columns.
    /// - Parameter weight: What an average around it multiplies its change by.
    init(hook: Int, before rows: Value, after edited: Value, weight: Double = 1) {
        func norm(_ value: Value) -> Value { value.applying(.square).sum(.columns).applying(.squareRoot) }
        let change = norm(edited - rows)
        self.init(hook: hook, change: (weight == 1 ? change : change * weight.magnitude).id, size: norm(rows).id)
    }
}
