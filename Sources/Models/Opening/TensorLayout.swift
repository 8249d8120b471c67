/// How a checkpoint's tensors correspond to those of a Hugging Face checkpoint: names, and the order of elements.
enum TensorLayout: Sendable {
    /// Names with or without the body's.
    case huggingFace(body: String)
    case gguf(GGUFLayout)

    /// The names under which the checkpoint may hold a tensor, likeliest first.
    func spellings(of name: TensorName) -> [String] {
        switch self {
        case .huggingFace(let body): name.spellings(body: body)
        case .gguf(let layout): layout.name(of: name.base).map { [$0] } ?? []
        }
    }

    /// For a tensor that lies in a stack of equal ones, which of them it is.
    func placeInStack(of name: TensorName) -> Int? {
        switch self {
        case .huggingFace: nil
        case .gguf(let layout): layout.expert(of: name.base)?.index
        }
    }

    /// How the checkpoint's elements become those of the tensor.
    func arrangement(of name: TensorName) -> TensorArrangement {
        switch self {
        case .huggingFace: .same
        case .gguf(let layout): layout.arrangement(of: name.base)
        }
    }
}

/// How the elements of a stored tensor are arranged, compared to a Hugging Face checkpoint.
enum TensorArrangement: Hashable, Sendable {
    case same
    /// Rows and columns are exchanged.
    case transposed
    /// The rows of each head are interleaved: (0, s/2, 1, s/2 + 1, …) for a head of size s.
    case interleavedHeads(count: Int)
    /// The rows of each head are in parts (query, key, value), of which the file holds the first of all heads first.
    case partsOfHeads(Int, heads: Int)
    /// The file holds each number with 1 added.
    case plusOne

    /// The stored row of each of `rows` rows.
    func storedRows(_ rows: Int) -> [Int] {
        if case .partsOfHeads(let parts, let heads) = self {
            guard parts > 0, heads > 0, rows % (parts * heads) == 0 else { return Array(0..<rows) }
            let size = rows / (parts * heads)
            return (0..<rows).map { row in
                let (head, place) = row.quotientAndRemainder(dividingBy: parts * size)
                return ((place / size) * heads + head) * size + place % size
            }
        }
        guard case .interleavedHeads(let count) = self, count > 0, rows % (2 * count) == 0 else {
            return Array(0..<rows)
        }
        let size = rows / count
        return (0..<rows).map { row in
            let (head, place) = row.quotientAndRemainder(dividingBy: size)
            let (part, pair) = place.quotientAndRemainder(dividingBy: size / 2)
            return head * size + 2 * pair + part
        }
    }
}
