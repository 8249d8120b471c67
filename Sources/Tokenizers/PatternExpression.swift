/// A compiled pattern, matched by backtracking over UTF-8: leftmost match, alternatives in order, greedy repetition.
///
/// The slow but general way for patterns without a scanner of their own (`WordPattern`).
struct PatternExpression: Sendable {
    private enum Instruction: Sendable {
        case set(PatternCharacterSet)
        /// Try the first target, on failure the second.
        case split(Int, Int)
        case jump(Int)
        /// The body follows and ends with `accept`; matching goes on at `after`.
        case look(after: Int, negative: Bool)
        case atomic(after: Int)
        case textStart, textEnd, lineStart, lineEnd
        case wordBoundary(negative: Bool)
        case accept
    }

    private var program: [Instruction] = []
    private static let maximumSize = 20_000

    /// Compiles a pattern; what is outside the subset is an error.
    init(_ pattern: String) throws(TokenizerError) {
        let node = try PatternParser.parse(pattern)
        emit(node)
        program.append(.accept)
        if program.count > Self.maximumSize {
            throw .unsupportedPattern(
                pattern: pattern, position: 0, reason: "the pattern is too large when its counts are written out")
        }
    }

    private mutating func emit(_ node: PatternNode) {
        // Nested counts multiply; stop early, the size is checked by the caller.
        if program.count > Self.maximumSize { return }
        switch node {
        case .set(let set): program.append(.set(set))
        case .sequence(let nodes): for node in nodes { emit(node) }
        case .alternatives(let nodes): emitAlternatives(nodes)
        case .repeated(let node, let minimum, let maximum, .possessive):
            emit(.atomic(.repeated(node, minimum: minimum, maximum: maximum, mode: .greedy)))
        case .repeated(let node, let minimum, let maximum, let mode):
            emitRepeated(node, minimum, maximum, isLazy: mode == .lazy)
        case .look(let node, _, let negative): emitBody(node) { .look(after: $0, negative: negative) }
        case .atomic(let node): emitBody(node) { .atomic(after: $0) }
        case .textStart: program.append(.textStart)
        case .textEnd: program.append(.textEnd)
        case .lineStart: program.append(.lineStart)
        case .lineEnd: program.append(.lineEnd)
        case .wordBoundary(let negative): program.append(.wordBoundary(negative: negative))
        }
    }

    private mutating func emitBody(_ node: PatternNode, _ opening: (Int) -> Instruction) {
        let start = program.count
        program.append(.accept)
        emit(node)
        program.append(.accept)
        program[start] = opening(program.count)
    }

    private mutating func emitAlternatives(_ nodes: [PatternNode]) {
        var exits: [Int] = []
        for (index, node) in nodes.enumerated() {
            let fork = program.count
            if index < nodes.count - 1 { program.append(.accept) }
            emit(node)
            if index < nodes.count - 1 {
                exits.append(program.count)
                program.append(.accept)
                program[fork] = .split(fork + 1, program.count)
            }
        }
        for exit in exits { program[exit] = .jump(program.count) }
    }

    private mutating func emitRepeated(_ node: PatternNode, _ minimum: Int, _ maximum: Int?, isLazy: Bool) {
        func fork(_ inside: Int, _ outside: Int) -> Instruction {
            isLazy ? .split(outside, inside) : .split(inside, outside)
        }
        for _ in 0..<minimum { emit(node) }
        guard let maximum else {
            let start = program.count
            program.append(.accept)
            emit(node)
            program.append(.jump(start))
            program[start] = fork(start + 1, program.count)
            return
        }
        var forks: [Int] = []
        for _ in minimum..<max(minimum, maximum) {
            forks.append(program.count)
            program.append(.accept)
            emit(node)
        }
        for start in forks { program[start] = fork(start + 1, program.count) }
    }

    /// All matches in a text, from the left, without overlap; empty matches are left out.
    func matches(in text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var stack: [(instruction: Int, position: Int)] = []
        let table = UnicodeClass.table
        var i = start
        while i < end {
            if let last = run(0, i, text, start, end, table, &stack), last > i {
                found.append(i..<last)
                i = last
            } else {
                i += scalar(text, at: i, end: end).length
            }
        }
        return found
    }

    /// Where a match from `origin` on ends. `stack` is used above its present height only.
    private func run(
        _ first: Int, _ origin: Int, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int,
        _ table: UnsafePointer<UInt8>, _ stack: inout [(instruction: Int, position: Int)]
    ) -> Int? {
        let floor = stack.count
        defer { stack.removeLast(stack.count - floor) }
        var at = first
        var position = origin
        while true {
            var succeeded = true
            switch program[at] {
            case .accept: return position
            case .jump(let target): at = target
            case .split(let one, let other):
                stack.append((other, position))
                at = one
            case .set(let set):
                succeeded = position < end
                if succeeded {
                    let (value, length) = scalar(text, at: position, end: end)
                    succeeded = set.contains(value, UnicodeClass(value, table))
                    position += length
                    at += 1
                }
            case .look(let after, let negative):
                succeeded = (run(at + 1, position, text, start, end, table, &stack) == nil) == negative
                at = after
            case .atomic(let after):
                if let last = run(at + 1, position, text, start, end, table, &stack) {
                    position = last
                    at = after
                } else {
                    succeeded = false
                }
            default:
                succeeded = holds(program[at], position, text, start, end, table)
                at += 1
            }
            if !succeeded {
                guard stack.count > floor, let state = stack.popLast() else { return nil }
                (at, position) = state
            }
        }
    }

    private func holds(
        _ condition: Instruction, _ i: Int, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int,
        _ table: UnsafePointer<UInt8>
    ) -> Bool {
        func isWord(_ i: Int) -> Bool {
            let value = scalar(text, at: i, end: end).value
            return PatternCharacterSet.isWord(UnicodeClass(value, table), value)
        }
        switch condition {
        case .textStart: return i == start
        case .textEnd: return i == end
        case .lineStart: return i == start || text[i - 1] == 0x0A
        case .lineEnd: return i == end || text[i] == 0x0A
        case .wordBoundary(let negative):
            let before = i > start && isWord(scalarStart(text, before: i))
            let after = i < end && isWord(i)
            return (before != after) != negative
        default: return false
        }
    }
}
