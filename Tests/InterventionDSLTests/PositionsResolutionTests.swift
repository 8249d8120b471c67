import InterventionDSL
import Testing

@Suite struct PositionsResolutionTests {
    static let ends = Positions.first(7) + .last(7)

    /// f7+l7: the first ⌊n/2⌋ and the rest where the prompt is too short for fourteen.
    @Test(
        arguments: [
            (0, [], []), (1, [], [0]), (2, [0], [1]), (5, [0, 1], [2, 3, 4]),
            (13, Array(0..<6), Array(6..<13)), (14, Array(0..<7), Array(7..<14)), (15, Array(0..<7), Array(8..<15)),
        ] as [(Int, [Int], [Int])])
    func anUnitedPairSharesShortPrompts(length: Int, first: [Int], last: [Int]) throws {
        // The answer after the prompt is never touched.
        let sequence = SequenceContext(promptLength: length, length: length + 3)
        let parts = Self.ends.parts
        try #require(parts.count == 2)
        #expect(try parts[0].rows(in: sequence) == first)
        #expect(try parts[1].rows(in: sequence) == last)
        #expect(try Self.ends.rows(in: sequence) == first + last)
        #expect(try Self.ends.whole.rows(in: sequence) == first + last)
    }

    /// Unequal ends: the shorter end is kept, the longer one takes what is left of at least a half.
    @Test(
        arguments: [
            (4, [0, 1], [2, 3]), (6, [0, 1, 2], [3, 4, 5]), (8, [0, 1, 2, 3, 4], [5, 6, 7]),
            (10, Array(0..<7), [7, 8, 9]), (12, Array(0..<7), [9, 10, 11]),
        ] as [(Int, [Int], [Int])])
    func unequalEnds(length: Int, first: [Int], last: [Int]) throws {
        let parts = (Positions.first(7) + .last(3)).parts
        #expect(try parts[0].rows(in: SequenceContext(length: length)) == first)
        #expect(try parts[1].rows(in: SequenceContext(length: length)) == last)
    }

    @Test func singleEndsShrinkToThePrompt() throws {
        let sequence = SequenceContext(promptLength: 3, length: 9)
        #expect(try Positions.first(7).rows(in: sequence) == [0, 1, 2])
        #expect(try Positions.last(7).rows(in: sequence) == [0, 1, 2])
        #expect(try Positions.last.rows(in: sequence) == [2])
        #expect(try Positions.last.rows(in: SequenceContext(promptLength: 0, length: 4)) == [])
    }

    @Test(
        arguments: [
            (.all, [0, 1, 2, 3, 4, 5]), (.prompt, [0, 1, 2, 3]), (.generated, [4, 5]), (.at(-1, 0, 0), [0, 3]),
            (.rows(from: 1, through: -1), [1, 2, 3]), (.rows(from: 3, through: -3), []),
            (.sequence.last, [5]), (.sequence.first(2), [0, 1]), (.sequence.at(-2), [4]),
            (.sequence.rows(from: 3, through: -1), [3, 4, 5]), (.field("subject"), [1, 3]),
            (.tokens(12), [1]), (.sequence.tokens(12, 15), [1, 4, 5]), (.tokens(matching: "odd"), [1, 3]),
            (.sequence.tokens(matching: "odd"), [1, 3, 5]), (.all - .at(0) - .generated, [1, 2, 3]),
            (.generated + .at(0) + .prompt - .first(2), [2, 3, 4, 5]), (.generated(every: 2), [4]),
            (.generated(1...), [5]), (.generated(1...7), [5]), (.generated(at: 0, 9), [4]),
            (.generated - .generated(at: 0), [5]), (.all - .generated(every: 1), [0, 1, 2, 3]),
        ] as [(Positions, [Int])])
    func expressions(positions: Positions, expected: [Int]) throws {
        let sequence = SequenceContext(
            promptLength: 4, length: 6, tokens: [11, 12, 13, 14, 15, 12], fields: ["subject": [1, -1]],
            matching: { _, tokens in tokens.indices.filter { $0 % 2 == 1 } })
        #expect(try positions.rows(in: sequence) == expected)
    }

    @Test func aDecodeStepSeesOnlyItsLiveRow() throws {
        let step = SequenceContext(
            promptLength: 4, length: 7, live: 6..<7, tokens: [1, 2, 3, 4, 5, 6, 12], isGrowing: true)
        let firing: [Positions] = [
            .all, .generated, .sequence.last, .sequence.at(6), .sequence.tokens(12), .all - .prompt,
            .generated + .at(0), .generated(every: 2), .generated(2...), .generated(at: 2),
            .generated - .generated(0...1),
        ]
        for positions in firing {
            #expect(try positions.rows(in: step) == [6], "\(positions)")
            #expect(positions.reachesGeneratedRows, "\(positions)")
        }
        let silent: [Positions] = [.prompt, .first(7) + .last(7), .at(3, -1), .last, .tokens(12), .prompt - .at(0)]
        for positions in silent {
            #expect(try positions.rows(in: step) == [], "\(positions)")
            #expect(!positions.reachesGeneratedRows, "\(positions)")
        }
        // A row that does not exist yet is no mistake while the sequence grows.
        #expect(try Positions.sequence.at(20).rows(in: step) == [])
        #expect(try Positions.sequence.rows(from: 5, through: 20).rows(in: step) == [6])
    }

    @Test(
        arguments: [
            (
                .at(4),
                "sequence 3: position 4 is outside its prompt of 4 tokens; .sequence positions count beyond the prompt"
            ),
            (.at(-5), "sequence 3: position -5 is outside its prompt of 4 tokens"),
            (
                .rows(from: 0, through: 9),
                "sequence 3: position 9 is outside its prompt of 4 tokens; .sequence positions count beyond the prompt"
            ),
            (.sequence.at(6), "sequence 3: position 6 is outside its 6 tokens"),
            (.field("long"), "sequence 3: position 9 is outside its 6 tokens"),
            (
                .field("subjct"),
                "sequence 3 has no positions named 'subjct'; it has: long, subject; did you mean 'subject'?"
            ),
            (.tokens(5), "sequence 3: positions 'tokens:5' need token ids"),
        ] as [(Positions, String)])
    func mistakes(positions: Positions, message: String) throws {
        let sequence = SequenceContext(
            index: 3, promptLength: 4, length: 6, fields: ["subject": [1], "long": [9]])
        let error = #expect(throws: InterventionError.self) { try positions.rows(in: sequence) }
        #expect(error?.description == message)
    }

    @Test func patternsNeedATokenizer() {
        let error = #expect(throws: InterventionError.self) {
            try Positions.tokens(matching: "a").rows(in: SequenceContext(length: 1, tokens: [1]))
        }
        #expect(error?.description == "sequence 0: positions 'tokens:\"a\"' need a tokenizer")
    }

    @Test func partsDistributeExclusion() {
        let positions = (.first(7) + .last(7)) - .at(0)
        #expect(positions.parts.map(\.description) == ["f7-(0)", "l7-(0)"])
        #expect(Positions.at(3, -1).parts.map(\.description) == ["3,-1"])
    }

    /// An end that counts back to before the first row is not there yet; one that counts forward is still to come.
    @Test func rangesOfGrowingSequences() throws {
        func rows(_ text: String, _ length: Int) throws -> [Int] {
            try Positions(text: text).rows(in: SequenceContext(promptLength: 2, length: length, isGrowing: true))
        }
        #expect(try rows("sequence:0--9", 3) == [])
        #expect(try rows("sequence:0--2", 3) == [0, 1])
        #expect(try rows("sequence:1--3", 2) == [])
        #expect(try rows("sequence:1-9", 3) == [1, 2])
        #expect(try rows("sequence:5-9", 3) == [])
    }
}
