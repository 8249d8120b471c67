import Foundation
import Session
import Testing

@testable import Training

/// Input with random damage is read or refused with a message, and never anything else.
@Suite struct RandomInputTests {
    private static let input = """
        {"sequences": [[1, 5, 9], [2]], "labels": [[-100, 5, 9], [2]], "prompt_lengths": [1, 1],
         "token_types": [[0, 0, 0], [0]], "positions": {"subject": [[1, -1], [0]]}, "adapter_index": [null, 3],
         "sources": {"clean": {"sequences": [[1, 5, 8]], "example_map": [0, 0]}},
         "subspaces": {"loreft": [["style"], [0, 1]]}}
        """
    private static let rows = """
        {"prompt": "a", "completion": "b", "positions": {"x": [1]}, "sources": {"clean": "c", "other": [1, 2]}}
        {"instruction": "a", "input": "b", "output": "c", "subspaces": {"loreft": ["style"]}}
        {"tokens": [1, 2], "labels": [-100, 2], "prompt_length": 1}
        {"sentence": "größer \\u00e9 \\ud83d\\ude00", "sentence2": "b", "label": 0.5}
        """

    /// Bytes that mean something to a reader of JSON, and some that do not.
    private static let bytes = Array("{}[]\",:-+.0123456789eEtfnu\\ \n\u{0}\u{7f}é".utf8) + [0xC0, 0xFF, 0xED]

    private func damaged(_ text: String, seed: UInt64) -> Data {
        var state = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        func below(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % limit
        }
        var data = Data(text.utf8)
        for _ in 0...below(4) where !data.isEmpty {
            let place = below(data.count)
            switch below(4) {
            case 0: data[place] = Self.bytes[below(Self.bytes.count)]
            case 1: data.insert(Self.bytes[below(Self.bytes.count)], at: place)
            case 2: data.remove(at: place)
            default: data.removeSubrange(place..<min(data.count, place + below(30)))
            }
        }
        return data
    }

    @Test func runInputs() {
        var refused = 0
        for seed in 0..<UInt64(2000) {
            do throws(InputError) {
                _ = try RunInput(json: damaged(Self.input, seed: seed), file: "in")
            } catch {
                refused += 1
                #expect(!error.problems.isEmpty && "\(error)".hasPrefix("in: "), "seed \(seed)")
            }
        }
        #expect(refused > 500 && refused < 2000)
    }

    @Test(arguments: [false, true]) func rowsOfData(prompts: Bool) {
        var refused = 0
        for seed in 0..<UInt64(1000) {
            for text in [Self.rows, "[" + Self.rows.replacing("\n", with: ",") + "]"] {
                do throws(InputError) {
                    _ = try DataRow.rows(of: damaged(text, seed: seed), file: "d", prompts: prompts)
                } catch {
                    refused += 1
                    #expect(!error.problems.isEmpty && "\(error)".hasPrefix("d: "), "seed \(seed)")
                }
            }
        }
        #expect(refused > 500 && refused < 2000)
    }
}
