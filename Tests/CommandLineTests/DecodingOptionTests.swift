import Foundation
import Testing

@Suite struct DecodingOptionTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
    }

    private func answers(_ arguments: [String]) throws -> [[String: Any]] {
        let outcome = try place.reft(["generate", "llama", "--json"] + arguments)
        #expect(outcome.code == 0 && outcome.errors == "")
        return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
    }

    /// The cases of transformers whose settings every option says something of.
    @Test func optionsGiveTheAnswersOfTransformers() throws {
        let fixture = Workplace.models.deletingLastPathComponent().appendingPathComponent("generation/cases.json")
        let cases = try JSONSerialization.jsonObject(with: Data(contentsOf: fixture)) as? [[String: Any]] ?? []
        let names = ["llama beams long 0", "llama beams all 0", "llama beams biased 0", "llama greedy all 0"]
        let chosen = cases.filter { names.contains($0["name"] as? String ?? "") }
        #expect(chosen.count == names.count)
        let options = [
            "num_beams": "--beams", "length_penalty": "--length-penalty", "num_return_sequences": "--return",
            "repetition_penalty": "--repetition-penalty", "no_repeat_ngram_size": "--no-repeat-ngram",
            "min_new_tokens": "--min-tokens", "presence": "--presence-penalty", "frequency": "--frequency-penalty",
        ]
        for one in chosen {
            let given = one["arguments"] as? [String: Any] ?? [:]
            var arguments = [
                (one["prompt"] as? [Int] ?? []).map { "w\($0)" }.joined(separator: " "), "--max-tokens", "12",
            ]
            for (key, option) in options { if let value = given[key] { arguments += [option, "\(value)"] } }
            if let early = given["early_stopping"] {
                arguments += ["--early-stopping", early is String ? "never" : "immediately"]
            }
            func list(_ key: String) -> String {
                (given[key] as? [Int] ?? []).map(String.init).joined(separator: ",")
            }
            arguments += ["--end-token", list("eos_token_id")]
            if given["bad_words_ids"] != nil { arguments += ["--ban", list("bad_words_ids")] }
            if let bias = given["sequence_bias"] as? [String: Double] {
                arguments += ["--logit-bias", bias.map { "\($0.key)=\($0.value)" }.joined(separator: ",")]
            }
            let found = try answers(arguments)
            #expect(found.map { $0["tokens"] as? [Int] ?? [] } == one["answers"] as? [[Int]], "\(arguments)")
            #expect(found.map { $0["answer"] as? Int } == Array(0..<found.count))
            if let scores = one["scores"] as? [Double] {
                for (answer, score) in zip(found, scores) {
                    #expect(abs((answer["score"] as? Double ?? .nan) - score) <= 1e-4 * max(1, abs(score)))
                }
            }
        }
    }

    @Test func severalAnswersAreNumbered() throws {
        let outcome = try place.reft("generate", "llama", "w5 w6", "--beams", "2", "--return", "2", "--max-tokens", "3")
        let lines = outcome.output.split(separator: "\n")
        #expect(outcome.code == 0 && lines.count == 4)
        #expect(lines[0].hasPrefix("[0] -") && lines[2].hasPrefix("[1] -"))
        let drawn = try answers([
            "w5 w6", "--temperature", "1.5", "--min-p", "0.01", "--samples", "3", "--seed", "2", "--max-tokens", "8",
        ])
        #expect(drawn.count == 3 && drawn.allSatisfy { ($0["score"] as? Double ?? 1) < 0 })
        #expect(Set(drawn.map { "\($0["tokens"] ?? "")" }).count == 3)
    }

    @Test func theWaysOfThePaperAreThere() throws {
        // The model's context is 64, less than the paper's 2048.
        let outcome = try place.reft("generate", "llama", "w5 w6", "--decoding", "instruction", "--ignore-end")
        #expect(outcome.code == 0)
        #expect(
            outcome.errors
                == "warning: prompt 0: the answer ends at the end of the model's context; "
                + "--beyond-context lets rotary models go on\n")
        let words = outcome.output.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(words.count == 62)
        let whole = ["w5", "w6"] + words
        let ngrams = (0...whole.count - 5).map { whole[$0..<$0 + 5].joined(separator: " ") }
        #expect(Set(ngrams).count == ngrams.count)
        #expect(try answers(["w5 w6", "--decoding", "arithmetic", "--max-tokens", "4", "--seed", "1"]).count == 1)
    }

    @Test func damagedOptionsAreRefused() throws {
        let long = [String](repeating: "w5", count: 64).joined(separator: " ")
        let cases: [([String], String)] = [
            (["w1", "--return", "2", "--length-penalty", "1"], "--length-penalty, --return go with --beams"),
            (["w1", "--early-stopping", "never"], "--early-stopping goes with --beams"),
            (["w1", "--ban", "3,x"], "--ban '3,x': 'x' is no token id; give ids with commas between, as 40,17"),
            (["w1", "--logit-bias", "3:1"], "--logit-bias '3:1': '3:1' is no id=value pair, as 40=-2.5"),
            (["w1", "--logit-bias", "3=1,3=2"], "--logit-bias '3=1,3=2': token 3 is there twice"),
            (
                ["w1", "--beams", "0", "--samples", "0"],
                "--samples must be at least 1 and at most 65536, not 0\n--beams must be within 1 and 1024, not 0"
            ),
            (
                ["w1", "--samples", "2"],
                "--samples 2 needs a --temperature above 0: without one all answers are the same"
            ),
            (["w1", "--beams", "2", "--return", "2", "--stream"], "--stream shows one answer, not 2"),
            (["w1", "--receipt", "-", "--json"], "--receipt - prints a table; with --json name a file"),
            (["w1", "--receipt", "none/r.json"], "'none/r.json' can not be written: No such file or directory."),
            (
                [long],
                "input: sequence 0 has 64 tokens; the model's context of 64 leaves no room for an answer; --beyond-context goes on all the same"
            ),
        ]
        for (arguments, message) in cases {
            let outcome = try place.reft(["generate", "llama"] + arguments)
            #expect(outcome.code == 2 && outcome.output == "")
            #expect(outcome.errors.replacing(place.folder.path + "/", with: "") == "Error: \(message)\n")
        }
    }
}
