import CKernels
import Foundation
import Synchronization
import Testing

/// What the pool's callbacks write to: one counter per index.
private final class Counters: Sendable {
    let counts: [Atomic64]
    init(_ n: Int) { counts = (0..<n).map { _ in Atomic64() } }

    final class Atomic64: Sendable {
        let value = Atomic<Int>(0)
    }
}

private func count(_ n: Int64, into counters: Counters) {
    ck_parallel(
        n,
        { index, context in
            guard let context else { return }
            let counters = Unmanaged<Counters>.fromOpaque(context).takeUnretainedValue()
            counters.counts[Int(index)].value.add(1, ordering: .relaxed)
        }, Unmanaged.passUnretained(counters).toOpaque())
}

extension KernelTests {
    /// The number of threads belongs to the process, and decides how sums are cut: what changes it runs in a process of its
    /// own, so that tests beside it, which compare bits, are not disturbed.
    @Suite struct PoolTests {
        @Test func everyIndexRunsOnce() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) { KernelTests.PoolTests.everyIndexRunsOnceBody() }
            #else
                KernelTests.PoolTests.everyIndexRunsOnceBody()
            #endif
        }

        fileprivate static func everyIndexRunsOnceBody() {
            for threads in [Int32(1), 2, 3, 8] {
                ck_set_threads(threads)
                #expect(ck_threads() == threads)
                for n in [0, 1, 2, 7, 1000] {
                    let counters = Counters(n)
                    for _ in 0..<20 { count(Int64(n), into: counters) }
                    let allRan = counters.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 20 }
                    #expect(allRan, "\(n)")
                }
            }
            ck_set_threads(0)
        }

        @Test func sleepingWorkersWakeUp() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) { KernelTests.PoolTests.sleepingWorkersWakeUpBody() }
            #else
                KernelTests.PoolTests.sleepingWorkersWakeUpBody()
            #endif
        }

        fileprivate static func sleepingWorkersWakeUpBody() {
            ck_set_threads(4)
            ck_set_spin(0)
            defer {
                ck_set_threads(0)
                ck_set_spin(2000)
            }
            let counters = Counters(16)
            for _ in 0..<300 { count(16, into: counters) }
            let allRan = counters.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 300 }
            #expect(allRan)
        }

        @Test func rangesCoverWithoutOverlapAndNestedRegionsRunInline() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) {
                    KernelTests.PoolTests.rangesCoverWithoutOverlapAndNestedRegionsRunInlineBody()
                }
            #else
                KernelTests.PoolTests.rangesCoverWithoutOverlapAndNestedRegionsRunInlineBody()
            #endif
        }

        fileprivate static func rangesCoverWithoutOverlapAndNestedRegionsRunInlineBody() {
            ck_set_threads(4)
            defer { ck_set_threads(0) }
            for (n, grain) in [(1, 1), (10, 3), (1000, 1), (1000, 400), (5, 100)] {
                let counters = Counters(n)
                ck_parallel_ranges(
                    Int64(n), Int64(grain),
                    { begin, end, context in
                        guard let context else { return }
                        let counters = Unmanaged<Counters>.fromOpaque(context).takeUnretainedValue()
                        for i in begin..<end { counters.counts[Int(i)].value.add(1, ordering: .relaxed) }
                        // A region inside a region must neither deadlock nor lose indices.
                        ck_parallel(
                            3,
                            { _, context in
                                guard let context else { return }
                                let counters = Unmanaged<Counters>.fromOpaque(context).takeUnretainedValue()
                                counters.counts[0].value.add(1_000_000, ordering: .relaxed)
                            }, context)
                    }, Unmanaged.passUnretained(counters).toOpaque())
                let counted = counters.counts.map { $0.value.load(ordering: .relaxed) }
                #expect(counted.allSatisfy { $0 % 1_000_000 == 1 })
                #expect(counted[0] / 1_000_000 % 3 == 0 && counted[0] / 1_000_000 >= 3)
            }
        }

        @Test func manyThreadsCallAtOnce() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) { await KernelTests.PoolTests.manyThreadsCallAtOnceBody() }
            #else
                await KernelTests.PoolTests.manyThreadsCallAtOnceBody()
            #endif
        }

        fileprivate static func manyThreadsCallAtOnceBody() async {
            ck_set_threads(3)
            defer { ck_set_threads(0) }
            let counters = Counters(50)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask { for _ in 0..<100 { count(50, into: counters) } }
                }
            }
            let allRan = counters.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 600 }
            #expect(allRan)
        }
    }
}
