import Testing

@testable import JSON

@Suite struct JSONScannerTests {
    static func read(_ text: String, _ rules: JSONScanner.Rules = .strict) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), rules: rules)
    }

    static func failure(_ bytes: [UInt8], _ rules: JSONScanner.Rules = .strict) -> String? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: bytes, rules: rules)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func orderAndKindsAreKept() throws {
        let value = try Self.read(#" {"b": [1, -2.5e1, true, false, null], "a": {"é": "x"}, "c": [], "d": {}} "#)
        #expect(
            value
                == .object([
                    .init("b", .array([.integer(1), .number(-25), .bool(true), .bool(false), .null])),
                    .init("a", .object([.init("é", .string("x"))])), .init("c", .array([])), .init("d", .object([])),
                ]))
        #expect(value["a"]?["é"]?.string == "x" && value["b"]?.array?.count == 5 && value["z"] == nil)
    }

    @Test(arguments: [
        ("0", JSONValue.integer(0)), ("-0", .integer(0)), ("123456789", .integer(123_456_789)),
        ("1234567890", .integer(1_234_567_890)), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
        ("1.0", .number(1)), ("1E+2", .number(100)), ("0.5e-1", .number(0.05)),
        ("5e-324", .number(.leastNonzeroMagnitude)),
    ])
    func numbers(text: String, value: JSONValue) throws {
        #expect(try Self.read(text) == value)
        #expect(try Self.read("[\(text)]") == .array([value]))
    }

    /// What the grammar of RFC 8259 has no rule for.
    @Test(arguments: [
        "01", "-01", "00", "+1", ".5", "1.", "1.e2", "1e", "1e+", "-", "--1", "0x1", "inf", "nan", "NaN", "Infinity",
        "1e999", "1_000", "truex", "TRUE", "nul", "1 2", "'a'", "[1,]", "[,1]", "[1 2]", "[1", "{\"a\":1,}", "{\"a\"}",
        "{a:1}", "{\"a\":}", "{,}", "\"\\q\"", "\"\\u12\"", "\"\t\"", "\"a", "", " ", "]", "}", "\u{0}", "[1]]",
    ])
    func refused(text: String) {
        #expect(Self.failure(Array(text.utf8)) != nil)
        #expect(Self.failure(Array(text.utf8), .lenient) != nil)
        text.withContiguousUTF8 { bytes in
            var scanner = JSONScanner(bytes)
            #expect(throws: JSONError.self) {
                try scanner.skipValue()
                try scanner.end()
            }
        }
    }

    @Test(arguments: [
        ("", "line 1, column 1: the document ends too early"),
        ("{\"a\":\n 1 \"b\"}", "line 2, column 4: expected , but found \""),
        ("{\"a\" 1}", "line 1, column 6: expected : but found 1"),
        ("{\"a\":1,}", "line 1, column 8: expected \" but found }"),
        ("[1,]", "line 1, column 4: expected a value but found ]"),
        ("[nope]", "line 1, column 2: expected a value but found nope"),
        ("[1] x", "line 1, column 5: text after the end of the document"),
        ("[\"a", "line 1, column 2: the string is not closed"),
        ("[\"a\\", "line 1, column 4: the string is not closed"),
        ("\"a\nb\"", "line 1, column 3: a control character inside a string"),
        ("\"\\q\"", "line 1, column 2: unknown escape \\q"),
        ("\"\\u12g4\"", "line 1, column 2: \\u needs four hexadecimal digits"),
        ("\"\\ud83d\"", "line 1, column 2: half a surrogate pair"),
        ("\"\\ude00\"", "line 1, column 2: half a surrogate pair"),
        ("\"\\ud83d\\u0041\"", "line 1, column 2: half a surrogate pair"),
        ("{\"a\": 1, \"a\": 2}", "line 1, column 10: the key \"a\" is given twice, first in column 2"),
        ("[[{\"a\": 1, \"b\": 2, \"a\": 2}]]", "line 1, column 20: the key \"a\" is given twice, first in column 4"),
        ("{\n \"a\": 1,\n \"a\": 2}", "line 3, column 2: the key \"a\" is given twice, first in line 2, column 2"),
        (String(repeating: "[", count: 100_000), "line 1, column 202: more than 200 levels of nesting"),
    ])
    func messages(text: String, message: String) {
        #expect(Self.failure(Array(text.utf8)) == message)
        text.withContiguousUTF8 { bytes in
            var scanner = JSONScanner(bytes)
            let error = #expect(throws: JSONError.self) {
                try scanner.skipValue()
                try scanner.end()
            }
            #expect(error?.description == message)
        }
    }

    @Test func stringsAreUnescaped() throws {
        let text = #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀""#
        #expect(try Self.read(text) == .string("\"\\/\u{8}\u{C}\n\r\té😀é😀"))
    }

    @Test func damagedTextIsRepairedOnRequest() throws {
        #expect(
            try Self.read(#""\ud83dx\u0041\ude00\ud83d\u0041""#, .lenient) == .string("\u{FFFD}xA\u{FFFD}\u{FFFD}A"))
        let bytes: [UInt8] = [0x22, 0x61, 0xFF, 0x22]
        #expect(try JSONValue(parsing: bytes, rules: .lenient) == .string("a\u{FFFD}"))
        #expect(Self.failure(bytes) == "line 1, column 1: the string is not valid UTF-8")
        #expect(
            Self.failure(Array("{".utf8) + bytes + Array(":1}".utf8))
                == "line 1, column 2: the string is not valid UTF-8")
    }

    @Test func repeatedKeysAreKeptOnRequest() throws {
        let value = try Self.read(#"{"a": 1, "a": 2}"#, .lenient)
        #expect(value == .object([.init("a", .integer(1)), .init("a", .integer(2))]))
        #expect(value["a"] == .integer(2))
    }

    @Test func byteOrderMarkIsPassedOver() throws {
        #expect(try Self.read("\u{FEFF}[1]") == .array([.integer(1)]))
    }

    static let counts: [(text: String, count: Int?, reason: String?)] = [
        ("7", 7, nil), (" 9223372036854775807 ", Int.max, nil), ("0", 0, nil),
        ("9223372036854775808", nil, "a number that does not fit 64 bits"),
        ("01", nil, "a number that starts with a zero"),
        ("00", nil, "a number that starts with a zero"), ("1.0", nil, "a fraction where a whole number is needed"),
        ("1e2", nil, "a fraction where a whole number is needed"),
        ("-1", nil, "a negative number where a count is needed"), ("x", nil, "expected a value but found x"),
    ]

    @Test(arguments: counts)
    func countsAreExact(text: String, count: Int?, reason: String?) {
        text.withContiguousUTF8 { bytes in
            var scanner = JSONScanner(bytes)
            do throws(JSONError) {
                #expect(try scanner.count() == count)
            } catch {
                #expect(error.reason == reason)
            }
        }
    }

    @Test func membersCanBeReadOneByOne() throws {
        try #"{"big": [1, [2]], "name": "x"}"#.withContiguousUTF8 { bytes in
            var scanner = JSONScanner(bytes)
            var first = true
            #expect(try scanner.nextKey(first: &first) == "big" && scanner.keyOffset == 1)
            #expect(scanner.peek() == UInt8(ascii: "["))
            try scanner.skipValue()
            #expect(try scanner.nextKey(first: &first) == "name" && scanner.keyOffset == 18)
            #expect(try scanner.string() == "x")
            #expect(try scanner.nextKey(first: &first) == nil)
            try scanner.end()
        }
    }

    @Test func everyPrefixIsRefused() {
        let whole = Array(#"{"a": [1, -2.5e1, true, null, "x\u00e9\ud83d\ude00"], "b": {"c": false}}"#.utf8)
        #expect(Self.failure(whole) == nil)
        for length in whole.indices { #expect(Self.failure(Array(whole[..<length])) != nil) }
    }
}

extension String {
    fileprivate func withContiguousUTF8<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result { try Array(utf8).withUnsafeBytes(body) }
}
