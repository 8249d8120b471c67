extension Interpreter {
    /// The numbers that a graph is run on.
    ///
    /// ```swift
    /// var bindings = Interpreter.Bindings()
    /// bindings.inputs["base.tokens"] = .indices([5, 2, 9])
    /// bindings.parameters["rotation"] = Matrix64(rows: 2, columns: 1, values: [1, 0])
    /// ```
    public struct Bindings: Sendable {
        /// The inputs of the batch by name.
        public var inputs: [String: BoundInput] = [:]
        /// The frozen tensors by name.
        public var weights: [String: Matrix64] = [:]
        /// The trained tensors by name.
        public var parameters: [String: Matrix64] = [:]
        /// For each slot of the key/value store, what is stored for each sequence; a slot not named is empty.
        public var stored: [Int: [StoredKeysAndValues]] = [:]
        /// Row counts that no input shows; they must agree with those that the inputs show.
        public var symbols: [Symbol: Int] = [:]

        /// Nothing bound.
        public init() {}
    }

    /// One input of the batch.
    public enum BoundInput: Hashable, Sendable {
        case real(Matrix64)
        /// A list of indices, `[n, 1]`.
        case indices([Int32])
    }

    /// The keys and values of the first rows of one sequence, at positions 0, 1, ….
    public struct StoredKeysAndValues: Hashable, Sendable {
        /// [length, keyHeads · headSize].
        public var keys: Matrix64
        /// [length, keyHeads · valueSize].
        public var values: Matrix64

        /// Stored keys with their values.
        public init(keys: Matrix64, values: Matrix64) {
            self.keys = keys
            self.values = values
        }
    }
}

/// What a value holds while a graph is interpreted: a matrix, or a list of indices.
struct Operand64 {
    /// The numbers; the indices as numbers where the value is a list of indices.
    let matrix: Matrix64
    /// The indices; none where the value is a matrix of real numbers.
    let indices: [Int32]

    init(_ matrix: Matrix64) {
        self.matrix = matrix
        indices = []
    }

    init(_ indices: [Int32]) {
        self.indices = indices
        matrix = Matrix64(rows: indices.count, columns: 1, values: indices.map(Double.init))
    }
}
