import AllocationCounter
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Testing

@testable import Session

/// Once a generation is under way, a greedy step asks for no memory.
@Suite struct DecodingAllocationTests {
    private static let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57], [7]]

    /// How often memory was asked for between each step and the one after it, one prompt's tokens being a step.
    private static func allocations(_ session: Session, _ prompts: [[Int32]], steps: Int) throws -> [UInt64] {
        var counts: [UInt64] = []
        counts.reserveCapacity(steps)
        var settings = GenerationSettings(maximumTokens: steps)
        settings.ignoresEnd = true
        _ = try session.generate(
            prompts.map { Example(tokens: $0) }, settings: settings,
            onStep: {
                if $0.prompt == 0 { counts.append(allocation_count()) }
                return true
            })
        return zip(counts, counts.dropFirst()).map { $1 - $0 }
    }

    @Test(.enabled(if: allocation_counter_works()))
    func theCounterCounts() {
        let before = allocation_count()
        let numbers = [Int](repeating: 7, count: 1000)
        #expect(allocation_count() > before && numbers.count == 1000)
    }

    @Test(.enabled(if: allocation_counter_works()), arguments: ["llama", "gpt2"], GenerationTests.programs.indices)
    func greedyStepsAllocateNothing(_ family: String, _ index: Int) throws {
        let session = try Session(PeerFixtures.model(family), program: GenerationTests.programs[index].1, seed: 3)
        for prompts in [Self.prompts, [Self.prompts[0]]] {
            let counts = try Self.allocations(session, prompts, steps: 28)
            // The first decode steps bind the batch; the store has room for 32 rows more than the prompts.
            let name = GenerationTests.programs[index].0
            #expect(counts.dropFirst(2).allSatisfy { $0 == 0 }, "\(family) \(name) \(counts)")
        }
    }
}
