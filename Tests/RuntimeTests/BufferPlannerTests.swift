import Testing

@testable import Runtime

@Suite struct BufferPlannerTests {
    private func randomLives(_ seed: UInt64, _ count: Int) -> [(life: ClosedRange<Int>, size: Int)] {
        var random = Philox(seed: seed)
        return (0..<count).map { _ in
            let begin = Int(random.nextBits() % 100)
            let end = random.nextBits() % 10 == 0 ? Int.max : begin + Int(random.nextBits() % 20)
            return (begin...end, 16 * (1 + Int(random.nextBits() % 8)))
        }
    }

    @Test func livesAtTheSameTimeLieApart() {
        for seed in 0..<30 as Range<UInt64> {
            let lives = randomLives(seed, 60)
            let packing = IntervalPacking(lives)
            for (one, first) in lives.enumerated() {
                #expect(packing.offsets[one] >= 0 && packing.offsets[one] + first.size <= packing.total)
                for (other, second) in lives.enumerated() where one < other && first.life.overlaps(second.life) {
                    let (a, b) = (packing.offsets[one], packing.offsets[other])
                    #expect(a + first.size <= b || b + second.size <= a, "seed \(seed): \(one) and \(other)")
                }
            }
            #expect(packing.total >= IntervalPacking.mostAtOnce(lives))
            #expect(packing.total < lives.reduce(0) { $0 + $1.size })
        }
    }

    /// Long-lived narrow values between wide ones that die at once, as a forward pass leaves them for a backward pass.
    @Test func narrowValuesThatStayDoNotHoldWideMemory() {
        var lives: [(life: ClosedRange<Int>, size: Int)] = []
        for layer in 0..<30 {
            lives.append((2 * layer...2 * layer + 1, 1536))
            lives.append((2 * layer + 1...200 - layer, 576))
        }
        let packing = IntervalPacking(lives)
        #expect(packing.total == IntervalPacking.mostAtOnce(lives))
        #expect(packing.total == 30 * 576 + 1536)
    }

    @Test func offsetsFollowTheRowsOfTheBatch() {
        var planner = BufferPlanner(reusesSlots: true)
        let rows = PlannedDimension(symbol: 0, fixed: 0)
        let wide = planner.allocate(rows: rows, columns: .fixed(32), uses: 1)
        let narrow = planner.allocate(rows: rows, columns: .fixed(16), uses: 1)
        planner.nextStep()
        planner.consume(wide)
        let odd = planner.allocate(rows: rows, columns: .fixed(5), uses: 1)
        planner.nextStep()
        // In the memory of the first; the second is still read.
        let next = planner.allocate(rows: rows, columns: .fixed(32), uses: 1)
        planner.consume(narrow)
        planner.consume(odd)
        planner.consume(next)
        planner.finish()
        #expect(planner.places[next] == planner.places[wide])
        #expect(planner.places[narrow].slot == planner.places[wide].slot)
        // What is no whole number of cache lines lies apart, so that the others stay on cache lines.
        #expect(planner.places[odd].slot != planner.places[wide].slot)
        #expect(planner.slots.map { $0.count([10]) } == [480, 50])
    }
}
