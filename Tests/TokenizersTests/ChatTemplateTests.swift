import Foundation
import Testing

@testable import Tokenizers

/// Chat templates against what `transformers` renders.
struct ChatTemplateTests {
    struct Message: Decodable {
        var role: String
        var content: String
    }

    struct Case: Decodable {
        var name: String
        var template: String
        var messages: [Message]
        var add: Bool
        var bos: String
        var eos: String
        var expected: String
    }

    private func rendered(_ template: ChatTemplate, _ example: Case) throws -> String {
        let messages = example.messages.map { ChatMessage(role: $0.role, content: $0.content) }
        do {
            return try template.render(messages, addGenerationPrompt: example.add)
        } catch {
            if case .templateRefused = error { return "REFUSED" }
            throw error
        }
    }

    @Test func rendersLikeReference() throws {
        for example in try Fixture.decode([Case].self, "chat_templates.json") {
            let template = try ChatTemplate(example.template, bosToken: example.bos, eosToken: example.eos)
            #expect(try rendered(template, example) == example.expected, "\(example.name)")
        }
    }

    /// The built-in templates write what the models' own do, where those allow the messages.
    @Test(arguments: ["chatml", "smollm2", "llama2", "mistral", "gemma", "phi3"])
    func namedTemplatesAgree(name: String) throws {
        let template = try ChatTemplate.named(name)
        let own = try Fixture.decode([Case].self, "chat_templates.json").filter { $0.name.hasPrefix("\(name), ") }
        #expect(own.count == 10)
        for example in own where example.expected != "REFUSED" {
            let expected = example.expected.replacing("<s>", with: name == "gemma" ? "<bos>" : "<s>")
                .replacing("</s>", with: name == "phi3" ? "<|endoftext|>" : "</s>")
            #expect(try rendered(template, example) == expected, "\(example.name)")
        }
    }

    @Test func namedLlama3AndZephyr() throws {
        let messages = [ChatMessage(role: "user", content: " Hi ")]
        #expect(
            try ChatTemplate.named("llama3").render(messages)
                == "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        )
        #expect(try ChatTemplate.named("zephyr").render(messages) == "<|user|>\n Hi </s>\n<|assistant|>\n")
        #expect(
            try ChatTemplate.named("qwen2.5").render(messages, addGenerationPrompt: false)
                == "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n"
        )
        for name in ChatTemplate.names { _ = try ChatTemplate.named(name).render([], addGenerationPrompt: true) }
    }

    @Test func unknownNameSuggests() {
        let error = #expect(throws: TokenizerError.self) { try ChatTemplate.named("lama3") }
        #expect(
            error?.description
                == "no chat template named \"lama3\"; did you mean \"llama3\"?; known: chatml, smollm2, qwen2, qwen2.5, llama2, llama3, mistral, gemma, phi3, zephyr"
        )
    }

    @Test(arguments: [
        ("a\n{% for x in y %}\n", "chat template, line 2, in for: it is not closed with {% endfor %}"),
        (
            "{% include 'x' %}",
            "chat template, line 1, in {% include %}: this tag is not supported here; known: if, for, set, macro, generation, break, continue, raw"
        ),
        ("\n\n{{ a + }}", "chat template, line 3, in {{ }}: expected a value, found the end of the tag"),
        ("{{ 'a }}", "chat template, line 1, in a string: it is not closed"),
        ("{{ a", "chat template, line 1, in a tag: it is not closed with }}"),
        ("{# a", "chat template, line 1, in a comment: it is not closed with #}"),
    ]) func refusesBrokenTemplates(source: String, message: String) {
        let error = #expect(throws: TokenizerError.self) { try ChatTemplate(source) }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        ("{{ a.b.c }}", "chat template, line 1, in .c: b is undefined"),
        ("{{ a.b }}", "chat template, line 1, in .b: a is undefined"),
        ("\n{{ 'a' + 1 }}", "chat template, line 2, in +: it is not defined for a string and a number"),
        ("{{ 1 // 0 }}", "chat template, line 1, in //: division by zero"),
        (
            "{% set x.y = 1 %}",
            "chat template, line 1, in set x.y: x is undefined (x); only a namespace's attributes can be set"
        ),
        ("{{ raise_exception('no') }}", "chat template, line 1, refused these messages: no"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "chat template, line 1, in f: more than 100 nested calls"),
        ("{{ range(10000000) }}", "chat template, line 1, in range: it is longer than 100000"),
        ("{% for a, b in [1] %}{% endfor %}", "chat template, line 1, in for: a number cannot be unpacked into a, b"),
    ]) func reportsFailures(source: String, message: String) throws {
        let template = try ChatTemplate(source.replacing("a.b.c", with: "x.b.c"))
        let error = #expect(throws: TokenizerError.self) {
            try template.render(messages: .array([]), variables: source.contains("c }}") ? ["x": .object([])] : [:])
        }
        #expect(error?.description == message)
    }

    @Test func tellsTheDate() throws {
        let date = Date(timeIntervalSince1970: 1_721_044_800)
        #expect(try ChatTemplate("{{ strftime_now('%d %b %Y') }}").render([], date: date) == "15 Jul 2024")
    }
}
