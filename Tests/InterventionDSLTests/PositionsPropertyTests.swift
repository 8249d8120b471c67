import Testing

@testable import InterventionDSL

/// What holds for positions of any shape.
@Suite struct PositionsPropertyTests {
    /// Odd token ids match a text, and every third token with the one before it an expression of two tokens.
    private static let matching: @Sendable (TokenPattern, [Int]) -> [Int] = { pattern, tokens in
        switch pattern {
        case .text: tokens.indices.filter { tokens[$0] % 2 == 1 }
        case .expression:
            tokens.indices.filter { row in
                [row, row + 1].contains { $0 > 0 && $0 < tokens.count && tokens[$0] % 3 == 0 }
            }
        }
    }

    private static let fields = ["subject": [1, -1], "two words": [0, 2], "ünïcode": [5], "q\"uote\\": [-2]]

    private static func context(_ tokens: [Int], prompt: Int, live: Range<Int>, isGrowing: Bool) -> SequenceContext {
        SequenceContext(
            promptLength: prompt, length: tokens.count, live: live, tokens: tokens, fields: fields,
            isGrowing: isGrowing, matching: matching)
    }

    /// Whether an expression counts from the end of all there is, which is another row at each decode step.
    private static func countsFromTheEnd(_ positions: Positions) -> Bool {
        let text = "\(positions)"
        return ["sequence:l", "sequence:-", ",-", "--"].contains { text.contains($0) }
    }

    /// The rows of a whole sequence, as in training and evaluation, are those that the prompt and then each decode step
    /// on its one live row edit.
    @Test(arguments: 0..<600) func decodeStepsMeanTheRowsOfTheWholeSequence(seed: UInt64) throws {
        var random = RandomProgramTests.Generator(state: seed)
        let positions = RandomProgramTests.positions(&random, depth: 3)
        guard !Self.countsFromTheEnd(positions) else { return }
        let prompt = 6 + random.below(9)
        let tokens = (0..<prompt + random.below(9)).map { _ in random.below(40) }
        let whole: [Int]
        do throws(InterventionError) {
            whole = try positions.rows(
                in: Self.context(tokens, prompt: prompt, live: 0..<tokens.count, isGrowing: false))
        } catch .outsideSequence {
            return
        } catch {
            // Explicit positions outside the prompt are refused in each mode alike.
            #expect(throws: error) {
                try positions.rows(
                    in: Self.context(Array(tokens[..<prompt]), prompt: prompt, live: 0..<prompt, isGrowing: true))
            }
            return
        }
        var stepped = try positions.rows(
            in: Self.context(Array(tokens[..<prompt]), prompt: prompt, live: 0..<prompt, isGrowing: true))
        for row in prompt..<tokens.count {
            stepped += try positions.rows(
                in: Self.context(Array(tokens[...row]), prompt: prompt, live: row..<row + 1, isGrowing: true))
        }
        #expect(stepped == whole, "\(positions), prompt \(prompt) of \(tokens.count)")
        if !positions.reachesGeneratedRows { #expect(whole.allSatisfy { $0 < prompt }, "\(positions)") }
    }

    /// fN+lM on prompts of any length: the answer is never touched, the sides never meet, a short prompt is covered.
    @Test func endsShrinkWithinThePrompt() throws {
        for first in 0...8 {
            for last in 0...8 {
                for length in 0...18 {
                    let positions = Positions.first(first) + .last(last)
                    let sequence = SequenceContext(promptLength: length, length: length + 5)
                    let sides = try positions.parts.map { try $0.rows(in: sequence) }
                    let all = sides.flatMap { $0 }
                    #expect(all.allSatisfy { (0..<length).contains($0) })
                    #expect(Set(all).count == all.count)
                    #expect(all.count == min(length, first + last))
                    #expect(try positions.whole.rows(in: sequence) == all.sorted())
                    if last > 0, length > 0 { #expect(all.contains(length - 1)) }
                    if first > 0, length > 1 { #expect(all.contains(0)) }
                }
            }
        }
    }

    /// What is said about overlaps agrees with the rows of a long sequence.
    @Test(arguments: 0..<400) func overlapsAreThoseOfRows(seed: UInt64) throws {
        var random = RandomProgramTests.Generator(state: seed &+ 9_000)
        let (left, right) = (
            RandomProgramTests.positions(&random, depth: 1), RandomProgramTests.positions(&random, depth: 1)
        )
        // Whether a token, a text or a field is there depends on the batch.
        guard !"\(left) \(right)".contains("tokens"), !"\(left) \(right)".contains("field"),
            left.whole.emptiness == nil, right.whole.emptiness == nil,
            let said = left.expression.overlaps(right.expression)
        else { return }
        let tokens = Array(0..<120)
        let sequence = Self.context(tokens, prompt: 60, live: 0..<120, isGrowing: false)
        guard let one = try? left.rows(in: sequence), let other = try? right.rows(in: sequence) else { return }
        #expect(Set(one).isDisjoint(with: other) == !said, "\(left) and \(right)")
    }
}
