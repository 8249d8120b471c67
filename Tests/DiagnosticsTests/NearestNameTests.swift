import Diagnostics
import Testing

@Suite struct NearestNameTests {
    @Test func findsASlipOfThePen() {
        #expect(nearestName(to: "block_ouput", among: ["block_input", "block_output"]) == "block_output")
        #expect(nearestName(to: "LOREFT", among: ["LoReFT", "NoReFT"]) == "LoReFT")
    }

    @Test func isSilentWhereNothingIsNear() {
        #expect(nearestName(to: "logits", among: ["block_input", "mlp_output"]) == nil)
        #expect(nearestName(to: "anything", among: [String]()) == nil)
    }

    @Test func prefersTheFirstOfEquallyNearNames() {
        #expect(nearestName(to: "bat", among: ["cat", "bar"]) == "bar")
    }

    @Test func twoLettersMayDifferInAShortName() {
        #expect(nearestName(to: "abc", among: ["axy"]) == "axy")
        #expect(nearestName(to: "abc", among: ["xyz"]) == nil)
    }

    @Test func saysWhatWasMeant() {
        #expect(suggestion(for: "rnak", among: ["rank"]) == "; did you mean 'rank'?")
        #expect(suggestion(for: "rnak", among: ["learning_rate"]).isEmpty)
    }
}
