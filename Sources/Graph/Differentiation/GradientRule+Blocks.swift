extension GradientRule {
    /// The rules of operations on blocks of columns, each of which sends back by another of them.
    func blocks(_ operation: ColumnBlockOperation, _ dy: Value) -> [Value?] {
        func node(_ operation: ColumnBlockOperation, _ inputs: Value...) -> Value {
            builder.results(.blocks(operation), inputs)[0]
        }
        switch operation {
        case .slice(let blocks):
            return [node(.pad(blocks, total: x(0).width), dy)]
        case .pad(let blocks, _):
            return [node(.slice(blocks), dy)]
        case .place(let count):
            return [want(0) { node(.take(count: count), dy, x(1)) }, nil]
        case .take(let count):
            return [want(0) { node(.place(count: count), dy, x(1)) }, nil]
        case .mix:
            // y = Σ wⱼ pⱼ → dpⱼ = wⱼ dy, dwⱼ = pⱼ · dy
            return [want(0) { node(.spread, dy, x(1)) }, want(1) { node(.dot, x(0), dy) }]
        case .spread:
            // yⱼ = wⱼ x → dx = Σ wⱼ dyⱼ, dwⱼ = dyⱼ · x
            return [want(0) { node(.mix, dy, x(1)) }, want(1) { node(.dot, dy, x(0)) }]
        case .dot:
            // yⱼ = pⱼ · x → dpⱼ = dyⱼ x, dx = Σ dyⱼ pⱼ
            return [want(0) { node(.spread, x(1), dy) }, want(1) { node(.mix, x(0), dy) }]
        }
    }

    /// The chosen numbers get their adjoints, the others zero.
    func topK(_ dy: Value) -> [Value?] {
        let columns = builder.value(ValueID(id, 1))
        return [builder.results(.blocks(.place(count: x(0).width)), [dy, columns])[0]]
    }

    /// y of a slot = x of the slot · op(matrix of its expert). The choice has no gradient.
    func expertProduct(_ product: ExpertProduct, _ dy: Value) -> [Value?] {
        let matrices = node.inputs.dropFirst(2).map(builder.value)
        let rows = want(0) { builder.results(.expertProduct(product.backwards), [dy, x(1)] + matrices)[0] }
        return [rows, nil]
            + matrices.enumerated().map { expert, matrix in
                want(2 + expert) {
                    builder.results(.expertWeightGradient(product, expert: expert), [x(0), x(1), dy, matrix])[0]
                }
            }
    }
}
