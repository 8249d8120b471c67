import Graph
import Testing

@testable import InterventionDSL

/// Which rows resample ablation draws.
@Suite struct RowShuffleTests {
    /// Number i of the stream chooses among the rows of the other sequences, in order, for row i.
    @Test(arguments: [[3, 1, 4], [1, 1], [2, 0, 5, 0, 1], [0, 1, 6], [40, 30, 20]])
    func aDrawChoosesAmongTheRowsOfTheOthers(counts: [Int]) throws {
        let shuffle = RowShuffle(name: "shuffle.x", declaration: "x", run: "base", selection: nil, rowSpace: .tokens)
        let sequences = counts.enumerated().map { SequenceContext(index: $0.offset, length: $0.element) }
        let owners = counts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
        for seed: UInt32 in 0..<8 {
            let random = PhiloxStream(seed: UInt64(seed), stream: UInt64(Splicer.stream(named: "shuffle.x")))
            let expected = owners.indices.map { row in
                let others = owners.indices.filter { owners[$0] != owners[row] }
                return Int32(others[Int(random.uniform(UInt64(row)) * Double(others.count))])
            }
            #expect(try shuffle.indices(in: sequences, demanded: [], seed: seed) == expected)
        }
    }

    @Test(arguments: [[4], [0, 3], [2, 0, 0]]) func oneSequenceHasNoOthers(counts: [Int]) {
        let shuffle = RowShuffle(name: "shuffle.x", declaration: "x", run: "base", selection: nil, rowSpace: .tokens)
        let sequences = counts.enumerated().map { SequenceContext(index: $0.offset, length: $0.element) }
        #expect(throws: InterventionError.tooFewSequences(declaration: "x")) {
            try shuffle.indices(in: sequences, demanded: [], seed: 0)
        }
    }
}
