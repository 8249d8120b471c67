import Foundation
import JSON
import Testing

@Suite struct JSONTextTests {
    /// As `json.dumps(…, ensure_ascii=False)` of Python 3.11 escapes.
    @Test func escapes() {
        #expect(
            JSONValue.quoted("a\"\\/\n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}é😀")
                == "\"a\\\"\\\\/\\n\\r\\t\\b\\f\\u0001\\u001f\u{7F}é😀\"")
    }

    @Test func oneLine() {
        let value = JSONValue.object([
            .init("a", .array([.number(1), .number(0.1), .number(-.infinity), .number(1e300)])),
            .init("b", .object([])), .init("c", .object([.init("d", .bool(true)), .init("e", .null)])),
            .init("f", .integer(-4)),
        ])
        #expect(
            value.line == #"{"a": [1, 0.1, "-inf", 1e+300], "b": {}, "c": {"d": true, "e": null}, "f": -4}"#)
    }

    @Test func longValuesAreBroken() {
        let list = JSONValue.array((1...40).map(JSONValue.integer))
        let value = JSONValue.object([.init("a", .array([.integer(1)])), .init("b", list)])
        let lines = (1...40).map { "    \($0)" }.joined(separator: ",\n")
        #expect(value.text == "{\n  \"a\": [1],\n  \"b\": [\n\(lines)\n  ]\n}\n")
        #expect(JSONValue.object([.init("a", .integer(1))]).text == "{ \"a\": 1 }\n")
    }

    @Test func textIsReadBack() throws {
        let value = JSONValue.object([
            .init("z", .string("\u{0}\"\\\u{1F}é😀\u{FFFF}")),
            .init("a", .array([.null, .integer(.min), .number(0.1)])),
        ])
        #expect(try JSONValue(parsing: Array(value.text.utf8)) == value)
        #expect(try JSONValue(parsing: Array(value.line.utf8)) == value)
    }

    @Test func codersReadAndWrite() throws {
        let value = JSONValue.object([
            .init("a", .array([.null, .bool(true), .integer(4), .number(0.5), .string("x")])), .init("b", .object([])),
        ])
        let data = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: data) == value)
        #expect(try JSONValue(parsing: Array(data))["a"] == value["a"])
    }
}
