import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// What memory has no room for lies in a temporary file: the same bits from there.
@Suite struct OverflowTests {
    private static let program = Program { LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last(1)) }

    private static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func outcome(
        _ store: ActivationStore, rounds: Int = 3
    ) throws -> [ReuseTests.Outcome] {
        let session = try Session(PeerFixtures.model("llama"), program: program, seed: 7)
        session.activations = store
        return try (0..<rounds).map { _ in try ReuseTests.gradients(session, ReuseTests.examples) }
    }

    @Test func coldWarmEvictedAndSpilledGiveTheSameBits() throws {
        let memory = ActivationStore()
        let wanted = try Self.outcome(memory)
        #expect(wanted[1] == wanted[0] && memory.counts.served == 6 && memory.counts.computed == 3)
        let whole = memory.bytes
        let none = ActivationStore(budget: 0)
        #expect(try Self.outcome(none) == wanted)
        #expect(none.counts.computed == 9 && none.counts.dropped == 9)

        let file = ActivationStore(budget: 0, overflow: .temporary(budget: 1 << 20))
        #expect(try Self.outcome(file) == wanted)
        #expect(file.bytes == 0 && file.fileBytes == whole && file.overflowError == nil)
        #expect(file.counts == ActivationStore.Counts(served: 6, computed: 3, servedFromFile: 6, spilled: 3))

        let both = ActivationStore(budget: whole - 1, overflow: .temporary(budget: 1 << 20))
        #expect(try Self.outcome(both) == wanted)
        #expect(both.bytes > 0 && both.fileBytes > 0 && both.bytes + both.fileBytes == whole)
        #expect(both.counts.computed == 3 && both.counts.dropped == 0 && both.counts.servedFromFile > 0)

        // Room for some of it only: entries of the file are dropped for others.
        let small = ActivationStore(budget: 0, overflow: .temporary(budget: whole - 1))
        #expect(try Self.outcome(small, rounds: 6).allSatisfy { $0 == wanted[0] })
        #expect(small.fileBytes > 0 && small.fileBytes < whole && small.counts.dropped > 0)
        small.removeAll()
        #expect(small.fileBytes == 0)
        #expect(try Self.outcome(small, rounds: 1)[0] == wanted[0])
    }

    @Test func theFileLeavesNothingBehind() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let place = folder.appendingPathComponent("activations")
        let store = ActivationStore(budget: 0, overflow: .file(place, budget: 1 << 20))
        _ = try Self.outcome(store)
        #expect(store.fileBytes > 0)
        // Open and in use, but without a name: whatever ends the process frees it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func aPlaceThatCanNotBeWrittenIsToldOnceAndDoneWithout() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let wanted = try Self.outcome(ActivationStore())
        let taken = folder.appendingPathComponent("taken")
        try Data("mine".utf8).write(to: taken)
        for place in [taken, folder.appendingPathComponent("missing/activations")] {
            let store = ActivationStore(budget: 0, overflow: .file(place, budget: 1 << 20))
            var told: [String] = []
            store.onOverflowError = { told.append("\($0)") }
            #expect(try Self.outcome(store) == wanted)
            #expect(store.fileBytes == 0 && store.counts.computed == 9 && store.counts.dropped == 9)
            #expect(told.count == 1)
            let reason = place == taken ? "File exists" : "No such file or directory"
            #expect(
                told.first == "\(place.path) can not be made: \(reason); what memory has no room for is computed again "
                    + "instead of being stored")
        }
        #expect(try Data(contentsOf: taken) == Data("mine".utf8))
    }

    @Test func rangesOfTheFileAreUsedAgain() throws {
        let file = try SpillFile(at: nil, budget: 64)
        func write(_ numbers: [Float]) throws -> Range<Int>? {
            try numbers.withUnsafeBufferPointer { floats in try file.write([floats]) }
        }
        let first = try #require(try write([1, 2, 3, 4]))
        let second = try #require(try write([5, 6, 7, 8, 9, 10]))
        let third = try #require(try write([11, 12, 13, 14, 15, 16]))
        #expect([first, second, third] == [0..<16, 16..<40, 40..<64])
        #expect(try write([0]) == nil)
        file.release(first)
        file.release(third)
        #expect(try write([0, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(Array(file.floats(in: second)) == [5, 6, 7, 8, 9, 10])
        // All neighbours free again are one stretch.
        file.release(second)
        #expect(file.bytes == 0)
        let long = try #require(try write((0..<16).map { Float($0) }))
        #expect(long == 0..<64 && Array(file.floats(in: long)) == (0..<16).map { Float($0) })
    }

    @Test func theReportSaysWhereBytesLie() throws {
        let session = try Session(PeerFixtures.model("llama"), program: Self.program, seed: 7)
        let report = try session.reuseReport(for: ReuseTests.examples)
        let store = ActivationStore(budget: report.bytes - 200, overflow: .temporary(budget: 150))
        let split = report.stored(in: store)
        #expect(split.memoryBytes == report.bytes - 200 && split.fileBytes == 150)
        #expect("\(split)".hasSuffix(" in memory, 0.0 MB in the file, 0.0 MB has no room and is computed again)"))
        #expect("\(report.stored(in: ActivationStore()))" == "\(report)")
    }
}
