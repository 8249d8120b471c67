import JSON

/// A tokenizer.json as read: small parts as values, vocabulary and merges in flat form.
struct TokenizerDocument {
    /// Everything but `model.vocab` and `model.merges`.
    var parts: [JSONValue.Member] = []
    var model: [JSONValue.Member] = []
    var vocabulary = TokenVocabulary()
    /// Whether the model had a `vocab` that is a list (Unigram) instead of an object.
    var hasListVocabulary = false
    var merges = MergeList()

    subscript(key: String) -> JSONValue { parts.last { $0.key == key }?.value ?? .null }

    func modelField(_ key: String) -> JSONValue { model.last { $0.key == key }?.value ?? .null }

    /// Reads a document; large members are never turned into strings.
    static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> TokenizerDocument {
        try bytes.withUnsafeBufferPointer { (buffer) throws(TokenizerError) in
            var document = TokenizerDocument()
            var scanner = TokenizerFileScanner(UnsafeRawBufferPointer(buffer), file: file)
            try document.read(&scanner, file)
            document.vocabulary.finish()
            return document
        }
    }

    private mutating func read(_ scanner: inout TokenizerFileScanner, _ file: String) throws(TokenizerError) {
        var key: [UInt8] = []
        var first = true
        while try scanner.nextMember(&key, first: &first) {
            let name = String(decoding: key, as: UTF8.self)
            if name == "model", scanner.peek() == UInt8(ascii: "{") {
                try readModel(&scanner, file)
            } else {
                parts.append(.init(name, try scanner.value()))
            }
        }
        try scanner.end()
    }

    private mutating func readModel(_ scanner: inout TokenizerFileScanner, _ file: String) throws(TokenizerError) {
        var key: [UInt8] = []
        var first = true
        while try scanner.nextMember(&key, first: &first) {
            let name = String(decoding: key, as: UTF8.self)
            switch (name, scanner.peek()) {
            case ("vocab", UInt8(ascii: "{")): try Self.readVocabulary(&scanner, file, into: &vocabulary)
            case ("vocab", _):
                hasListVocabulary = true
                _ = try scanner.value()
            case ("merges", UInt8(ascii: "[")): try readMerges(&scanner, file)
            default: model.append(.init(name, try scanner.value()))
            }
        }
    }

    /// Reads `{token: id}`.
    static func readVocabulary(
        _ scanner: inout TokenizerFileScanner, _ file: String, into vocabulary: inout TokenVocabulary
    ) throws(TokenizerError) {
        var key: [UInt8] = []
        var first = true
        while try scanner.nextMember(&key, first: &first) {
            let value = try scanner.value()
            guard let id = value.integer, vocabulary.set(id, key) else {
                throw .invalidField(
                    source: file, field: "the id of token \"\(String(decoding: key, as: UTF8.self))\"",
                    given: value.summary, allowed: "a whole number from 0 to \(TokenVocabulary.largestID)")
            }
        }
    }

    private mutating func readMerges(_ scanner: inout TokenizerFileScanner, _ file: String) throws(TokenizerError) {
        var first = true
        var left: [UInt8] = []
        var right: [UInt8] = []
        while try scanner.nextElement(first: &first) {
            left.removeAll(keepingCapacity: true)
            right.removeAll(keepingCapacity: true)
            if scanner.peek() == UInt8(ascii: "[") {
                var inner = true
                var count = 0
                while try scanner.nextElement(first: &inner) {
                    if count == 0 { try scanner.string(into: &left) } else { try scanner.string(into: &right) }
                    count += 1
                }
                if count != 2 { throw Self.badMerge(merges.count, file) }
                merges.append(left[...], right[...])
            } else {
                try scanner.string(into: &left)
                guard merges.append(line: left[...]) else { throw Self.badMerge(merges.count, file) }
            }
        }
    }

    private static func badMerge(_ index: Int, _ file: String) -> TokenizerError {
        .invalidField(
            source: file, field: "merge \(index)", given: "malformed",
            allowed: "\"left right\" or [\"left\", \"right\"]")
    }
}

/// Merges as flat bytes, in order of rank.
struct MergeList {
    private var bytes: [UInt8] = []
    /// Ends of left and right parts, alternating.
    private var ends: [Int] = []

    var count: Int { ends.count / 2 }

    mutating func append(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) {
        bytes.append(contentsOf: left)
        ends.append(bytes.count)
        bytes.append(contentsOf: right)
        ends.append(bytes.count)
    }

    /// Appends `left right`; false when there is not exactly one space between two parts.
    mutating func append(line: ArraySlice<UInt8>) -> Bool {
        guard let space = line.firstIndex(of: 0x20), space > line.startIndex, space + 1 < line.endIndex,
            line[(space + 1)...].firstIndex(of: 0x20) == nil
        else { return false }
        append(line[..<space], line[(space + 1)...])
        return true
    }

    subscript(index: Int) -> (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>) {
        let start = index == 0 ? 0 : ends[2 * index - 1]
        return (bytes[start..<ends[2 * index]], bytes[ends[2 * index]..<ends[2 * index + 1]])
    }
}
