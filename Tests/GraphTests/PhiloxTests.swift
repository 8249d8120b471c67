import Testing

@testable import Graph

@Suite struct PhiloxTests {
    /// The known-answer vectors that Random123 publishes for philox4x32 with ten rounds.
    @Test(
        arguments: [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ] as [([UInt32], [UInt32], [UInt32])])
    func publishedVectors(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
        #expect(philox4x32(counter: counter, key: key) == expected)
    }

    /// Low words first: the number's block, then the stream, under the seed.
    @Test func counterAndKey() {
        let stream = PhiloxStream(seed: 0x299f_31d0_a409_3822, stream: 0x0370_7344_1319_8a2e)
        let block = philox4x32(
            counter: [0x243f_6a88, 0x05a3_08d3, 0x1319_8a2e, 0x0370_7344], key: [0xa409_3822, 0x299f_31d0])
        #expect((0..<4).map { stream.bits(4 * 0x05a3_08d3_243f_6a88 + $0) } == block)
    }
}
