/// Places lives of different sizes in one stretch of memory so that those at the same time do not overlap.
///
/// The best packing is a hard problem; this one takes the better of two orders, the largest first and the longest lived
/// first, and lays each at the lowest place that is free during its whole life.
struct IntervalPacking {
    private(set) var offsets: [Int]
    /// How much memory there has to be.
    private(set) var total: Int

    init(_ lives: [(life: ClosedRange<Int>, size: Int)]) {
        let length = { (number: Int) in lives[number].life.upperBound - lives[number].life.lowerBound }
        let bySize = lives.indices.sorted {
            (lives[$0].size, length($0), $1) > (lives[$1].size, length($1), $0)
        }
        (offsets, total) = Self.placing(lives, in: bySize)
        if total == Self.mostAtOnce(lives) { return }
        let byLength = lives.indices.sorted {
            (length($0), lives[$0].size, $1) > (length($1), lives[$1].size, $0)
        }
        let other = Self.placing(lives, in: byLength)
        if other.total < total { (offsets, total) = other }
    }

    private static func placing(
        _ lives: [(life: ClosedRange<Int>, size: Int)], in order: [Int]
    ) -> (offsets: [Int], total: Int) {
        struct Placed {
            var offset: Int
            var end: Int
            var life: ClosedRange<Int>
        }
        var offsets = Array(repeating: 0, count: lives.count)
        var total = 0
        // By offset.
        var placed: [Placed] = []
        placed.reserveCapacity(lives.count)
        for number in order {
            let (life, size) = lives[number]
            var offset = 0
            for other in placed where other.life.overlaps(life) {
                if other.offset >= offset + size { break }
                offset = max(offset, other.end)
            }
            offsets[number] = offset
            total = max(total, offset + size)
            var (low, high) = (0, placed.count)
            while low < high {
                let middle = (low + high) / 2
                if placed[middle].offset < offset { low = middle + 1 } else { high = middle }
            }
            placed.insert(Placed(offset: offset, end: offset + size, life: life), at: low)
        }
        return (offsets, total)
    }

    /// What lives together at the fullest moment: no packing needs less.
    static func mostAtOnce(_ lives: [(life: ClosedRange<Int>, size: Int)]) -> Int {
        var changes: [(moment: Int, change: Int)] = []
        for (life, size) in lives {
            changes.append((life.lowerBound, size))
            if life.upperBound < Int.max { changes.append((life.upperBound + 1, -size)) }
        }
        // What ends makes room for what begins at the same moment.
        changes.sort { $0 < $1 }
        var (now, most) = (0, 0)
        for (_, change) in changes {
            now += change
            most = max(most, now)
        }
        return most
    }
}
