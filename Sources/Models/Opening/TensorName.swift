/// The name of a tensor as a graph spells it: the Hugging Face name, and perhaps the first row that is used.
///
/// `roberta.embeddings.position_embeddings.weight[2:]` is that tensor without its first two rows.
struct TensorName: Hashable {
    var base: String
    var firstRow: Int

    init(_ name: String) {
        base = name
        firstRow = 0
        guard name.hasSuffix(":]"), let bracket = name.lastIndex(of: "["),
            let row = Int(name[name.index(after: bracket)...].dropLast(2)), row >= 0
        else { return }
        base = String(name[..<bracket])
        firstRow = row
    }

    /// The names under which checkpoints hold the tensor: with and without the body's name, and with the names of
    /// norms that older checkpoints use.
    func spellings(body: String) -> [String] {
        var names = [base]
        if base.hasPrefix("\(body).") { names.append(String(base.dropFirst(body.count + 1))) }
        for (part, older) in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]
        where base.hasSuffix(part) {
            names += names.map { String($0.dropLast(part.count)) + older }
        }
        return names
    }
}
