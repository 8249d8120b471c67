import Graph
import InterventionDSL
import Session
import Testing

/// What a message suggests can be put in the place of what was wrong.
@Suite struct SuggestionTests {
    private static let models = ["phi3", "gpt2", "olmoe"]

    /// The name without the third letter of one of its last words, for each of these.
    private func slips(_ name: String) -> [String] {
        let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        return words.indices.suffix(2).compactMap { place in
            let letters = words[place].prefix { $0.isLetter || $0 == "_" }
            guard letters.count >= 5 else { return nil }
            var changed = words
            changed[place].remove(at: words[place].index(words[place].startIndex, offsetBy: 2))
            return changed.joined(separator: ".")
        }
    }

    private func suggestion(in message: String) -> String? {
        message.firstMatch(of: /did you mean '([^']+)'\?/).map { String($0.output.1) }
    }

    @Test(arguments: models) func ofSelectors(name: String) throws {
        let graph = try PeerFixtures.model(name).graph().graph
        var count = 0
        for site in graph.sites + graph.moduleSites where (site.id.layer ?? 0) == 0 {
            for given in [site.modulePath, "\(site.id)"].flatMap(slips) {
                do {
                    _ = try graph.sites(matching: given)
                } catch {
                    guard let suggested = suggestion(in: "\(error)") else { continue }
                    count += 1
                    #expect(throws: Never.self, "\(given): \(suggested)") { try graph.sites(matching: suggested) }
                }
            }
        }
        #expect(count > 40)
    }

    @Test(arguments: models) func ofPlaces(name: String) throws {
        let graph = try PeerFixtures.model(name).graph().graph
        func message(_ place: String) throws -> String {
            let program = Program(declarations: [Declaration(Zero(), on: try Place(text: place), at: .all)])
            do {
                _ = try program.bound(to: graph)
                return ""
            } catch {
                return "\(error)"
            }
        }
        var count = 0
        for site in graph.sites + graph.moduleSites where (site.id.layer ?? 0) == 0 {
            for given in slips(site.modulePath) {
                guard let suggested = suggestion(in: try message(given)) else { continue }
                count += 1
                #expect(try message(suggested) == "", "\(given)")
            }
        }
        #expect(count > 20)
    }

    /// Where no name is near, a few are listed: never hundreds.
    @Test func ofNothingNear() throws {
        let graph = try PeerFixtures.model("llama").graph().graph
        let program = Program { Zero().on(.module("blck.mlpp")).at(.all) }
        let error = #expect(throws: ProgramErrors.self) { try program.bound(to: graph) }
        let listed = error?.problems.first.map { "\($0.error)" } ?? ""
        #expect(
            listed
                == "the model has no module input or output 'blck.mlpp'; the nearest of 32 are "
                + "model.layers[*].mlp.input, model.layers[*].self_attn.scores, model.layers[*].mlp.output, "
                + "model.norm.input, model.embed_tokens.output; reft inspect MODEL --modules lists them all")
        for pattern in ["model.layers[*].mlp.input", "model.norm.input"] {
            #expect(throws: Never.self) { try graph.sites(matching: pattern) }
        }
    }
}
