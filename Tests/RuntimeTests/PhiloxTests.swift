import Testing

@testable import Runtime

@Suite struct PhiloxTests {
    /// The known answers of the Random123 library for a zero counter and key.
    @Test func firstBlockIsThePublishedOne() {
        var random = Philox(seed: 0)
        let block = (0..<4).map { _ in random.nextBits() }
        #expect(block == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    }

    @Test func theStateIsSeedStreamAndCounter() {
        var random = Philox(seed: 5, stream: Philox.stream(named: "shuffle"))
        _ = random.uniforms(7)
        var resumed = Philox(seed: 5, stream: random.stream, counter: random.counter)
        #expect(random.counter == 7)
        #expect((0..<9).map { _ in random.next() } == (0..<9).map { _ in resumed.next() })
        #expect(Philox.stream(named: "a") != Philox.stream(named: "b"))
    }

    @Test func drawingInPiecesGivesTheSameNumbers() {
        var whole = Philox(seed: 9)
        var pieces = whole
        #expect(whole.uniforms(10) == pieces.uniforms(3) + (0..<7).map { _ in pieces.nextUniform() })
        // Normals come in pairs: an odd counter skips one number.
        _ = whole.nextBits()
        #expect(whole.normals(2).count == 2)
        #expect(whole.counter == 14)
    }
}
