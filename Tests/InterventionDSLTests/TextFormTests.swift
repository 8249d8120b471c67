import Foundation
import Graph
import InterventionDSL
import Testing

@Suite struct TextFormTests {
    @Test(
        arguments: [
            ("all", .all), ("f7+l7", .first(7) + .last(7)), ("3,-1", .at(3, -1)), ("1-3", .rows(from: 1, through: 3)),
            ("prompt", .prompt), ("generated", .generated), ("sequence:l1", .sequence.last), ("-1", .at(-1)),
            ("3--1", .rows(from: 3, through: -1)), ("-3--1", .rows(from: -3, through: -1)), ("all-f1", .all - .first),
            ("all-(3)", .all - .at(3)), ("(f7+l7)-(0,2)", (.first(7) + .last(7)) - .at(0, 2)),
            ("f1-l1+2-3", .first - .last + .rows(from: 2, through: 3)), ("field:subject_2", .field("subject_2")),
            ("field:\"a b\\\"c\"", .field("a b\"c")), ("tokens:12,13", .tokens(12, 13)),
            ("sequence:tokens:\"a\\\\\"", .sequence.tokens(matching: "a\\")),
            ("tokens:/[0-9]+/", .tokens(expression: "[0-9]+")),
            ("sequence:tokens:/a\\/b\\.\\\\/", .sequence.tokens(expression: "a/b\\.\\\\")),
            ("generated/3", .generated(every: 3)), ("generated:2-5", .generated(2...5)),
            ("generated:2-4", .generated(2..<5)), ("generated:0,4", .generated(at: 0, 4)),
            ("generated:8-", .generated(8...)), ("generated:4", .generated(at: 4)),
            ("generated:4-f1", .generated(at: 4) - .first), ("generated:4--f1", .generated(4...) - .first),
            ("generated:4--(3)", .generated(4...) - .at(3)), ("generated:4-(-1)", .generated(at: 4) - .at(-1)),
            ("generated:4-+l1", .generated(4...) + .last), ("all-generated/2", .all - .generated(every: 2)),
            ("generated-generated:1-2", .generated - .generated(1...2)),
            ("generated:1--generated:3-", .generated(1...) - .generated(3...)),
            ("sequence:3,-2", .sequence.at(3, -2)), ("all-(prompt-f1)", .all - (.prompt - .first)),
        ] as [(String, Positions)])
    func positionsReadAndPrint(text: String, positions: Positions) throws {
        #expect(try Positions(text: text) == positions)
        #expect(positions.description == text)
    }

    @Test(arguments: [
        (" f7 + l7 ", "f7+l7"), ("all-3", "all-(3)"), ("all-1-3", "all-(1-3)"), ("last", "l1"),
        ("first - (0)", "f1-(0)"), ("((prompt))", "prompt"), ("generated: 8 -", "generated:8-"),
        ("generated:8 - f1", "generated:8-f1"),
        ("generated:8- - f1", "generated:8--f1"), ("tokens:/a\\/b/", "tokens:/a\\/b/"),
    ])
    func otherSpellings(text: String, canonical: String) throws {
        #expect(try Positions(text: text).description == canonical)
    }

    @Test(arguments: [
        "", "f", "f-1", "x7", "f7+", "f7 l7", "3,", "(f7", "f7)", "sequence:", "sequence:all", "field:",
        "tokens:", "tokens:\"a", "tokens:/a", "tokens:/[a/", "generated/", "generated/x", "generated:", "generated:a",
        "generated:1,", "generated:1-2-", "99999999999999999999", "-9223372036854775808", "1--", "+f7", "all all",
        String(repeating: "(", count: 100_000), "all" + String(repeating: "-all", count: 100_000),
    ])
    func unreadablePositions(text: String) {
        #expect(throws: InterventionError.self) { try Positions(text: text) }
    }

    @Test func thePartThatCanNotBeReadIsNamed() {
        let error = #expect(throws: InterventionError.self) { try Positions(text: "f7+x7") }
        #expect(
            error?.description
                == "positions 'f7+x7': 'x7' can not be read; allowed: all, prompt, f7 (first 7), l7 (last 7), 3,-1, 1-3, "
                + "field:NAME, tokens:12,13, tokens:\"text\", tokens:/expression/, sequence:l1, generated, "
                + "generated/3 (every 3rd), generated:2-5, generated:0,4, generated:8-, joined with + and -, "
                + "grouped with ( )")
    }

    /// Damaged texts give an error or positions that print as something that reads the same; none crashes.
    @Test(arguments: 0..<400) func damagedTextsAreRefusedOrRead(seed: UInt64) {
        var random = RandomProgramTests.Generator(state: seed &+ 77)
        var text = Array("\(RandomProgramTests.positions(&random, depth: 3))".unicodeScalars)
        let letters = Array("fl+-,:/()\"\\ 0193generated tokens sequence field".unicodeScalars)
        for _ in 0..<1 + random.below(4) {
            let place = random.below(text.count + 1)
            switch random.below(3) {
            case 0: text.insert(letters[random.below(letters.count)], at: place)
            case 1: if place < text.count { text.remove(at: place) }
            default: if place < text.count { text[place] = letters[random.below(letters.count)] }
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text)
        guard let read = try? Positions(text: String(view)) else { return }
        #expect((try? Positions(text: "\(read)")) == read, "\(String(view)) reads as \(read)")
    }

    @Test func anExpressionThatCanNotBeReadIsRefused() {
        let error = #expect(throws: InterventionError.self) { try Positions(text: "f1+tokens:/[a/") }
        #expect(error?.description == "the regular expression /[a/ can not be read: expected ']'")
    }

    @Test(
        arguments: [
            ("all", Layers.all), ("4-7", Layers(4...7)), ("0,4,8", [0, 4, 8]), ("4-", Layers(4...)),
            ("0-3,8", [0, 1, 2, 3, 8]), ("0,1", Layers(..<2)), ("5", [5]),
        ] as [(String, Layers)])
    func layersReadAndPrint(text: String, layers: Layers) throws {
        #expect(try Layers(text: text) == layers)
        #expect(layers.description == text)
    }

    @Test(arguments: ["", "a", "4-2", "1,,2", "-1", "4-,5", "1-2-3", "99999999999", "3;9", "0-60000,0-60000"])
    func unreadableLayers(text: String) {
        let error = #expect(throws: InterventionError.self) { try Layers(text: text) }
        #expect(error?.description.hasSuffix("can not be read; allowed: all, 4-7, 0,4,8 or 4- (from 4 on)") == true)
    }

    @Test(
        arguments: [
            ("block_output.3", .layers(.blockOutput, [3], heads: nil)),
            ("block_output.4-7", .layers(.blockOutput, Layers(4...7), heads: nil)),
            ("attention_value_output.5.h0,3", .layers(.attentionValueOutput, [5], heads: [0, 3])),
            ("embedding", .model(.embedding)), ("model.layers[3].mlp.output", .module("model.layers[3].mlp.output")),
            ("transformer.h.3", .module("transformer.h.3")),
        ] as [(String, Place)])
    func places(text: String, place: Place) throws {
        #expect(try Place(text: text) == place)
        #expect(place.description == text)
    }

    @Test func aPlaceWithoutAName() {
        let error = #expect(throws: InterventionError.self) { try Place(text: "block_output.") }
        #expect(
            error?.description == "site 'block_output.' can not be read; allowed: block_output.3, block_output.4-7, "
                + "attention_value_output.5.h3, embedding, a module path such as model.layers[3].mlp.output or a selector "
                + "such as layers[4-8].mlp_*")
    }
}
