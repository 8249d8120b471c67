import Diagnostics
import InterventionDSL
import JSON

/// Reads the JSON form of ``RunInput`` key by key and collects what is wrong.
struct RunInputReader {
    private let object: [JSONValue.Member]
    private let keys: [String]
    private(set) var problems: [String] = []

    init(object: [JSONValue.Member], keys: [String] = RunInput.keys) {
        self.object = object
        self.keys = keys
    }

    mutating func examples() -> [Example] {
        for (key, _) in object.sortedPairs where !keys.contains(key) {
            problems.append(
                "unknown key \"\(key)\"; known: " + keys.joined(separator: ", ")
                    + suggestion(for: key, among: keys))
        }
        guard let sequences = integerLists("sequences", required: true) else { return [] }
        var examples = sequences.map { Example(tokens: $0) }
        readLabels(into: &examples)
        if let lengths = integers("prompt_lengths"), matches(lengths.count, examples.count, "prompt_lengths") {
            for (index, length) in lengths.enumerated() { examples[index].givenPromptLength = Int(length) }
        }
        if let types = integerLists("token_types"), matches(types.count, examples.count, "token_types") {
            for (index, list) in types.enumerated() {
                guard matches(list.count, examples[index].tokens.count, "token_types[\(index)]") else { continue }
                examples[index].tokenTypes = list
            }
        }
        readFields(into: &examples)
        readSubspaces(into: &examples)
        readAdapters(into: &examples)
        return examples
    }

    /// The sequences with those of the source runs, each an object like the input itself, that they read.
    mutating func examplesWithSources() -> [Example] {
        var examples = examples()
        guard let value = self["sources"] else { return examples }
        guard case .object(let named) = value else {
            problems.append("\"sources\" must be an object: {\"run\": {\"sequences\": [[…],…]}}")
            return examples
        }
        for (name, value) in named.sortedPairs {
            guard case .object(let object) = value else {
                problems.append("sources.\(name) must be an object with \"sequences\"")
                continue
            }
            var reader = RunInputReader(object: object, keys: RunInput.sourceKeys)
            let sequences = reader.examples()
            let map = reader.integers("example_map")?.map(Int.init)
            problems += reader.problems.map { "sources.\(name): \($0)" }
            guard reader.problems.isEmpty, problems.isEmpty else { continue }
            do throws(InputError) {
                examples = try examples.reading(name, from: sequences, map: map)
            } catch {
                problems += error.problems.map { "\(error.file): \($0)" }
            }
        }
        return examples
    }

    private mutating func readLabels(into examples: inout [Example]) {
        guard let value = self["labels"] else { return }
        guard let list = value.array else {
            problems.append("\"labels\" must be a list")
            return
        }
        guard matches(list.count, examples.count, "labels") else { return }
        for (index, entry) in list.enumerated() {
            switch entry {
            case .array:
                guard let labels = integerList(entry, "labels[\(index)]") else { continue }
                if matches(labels.count, examples[index].tokens.count, "labels[\(index)]") {
                    examples[index].target = .tokens(labels)
                }
            case .integer(let number):
                examples[index].target = Int32(exactly: number).map { .category($0) } ?? .number(Float(number))
            case .number(let number):
                examples[index].target = .number(Float(number))
            default:
                problems.append("labels[\(index)] must be a list of token labels, a class or a number")
            }
        }
    }

    private mutating func readFields(into examples: inout [Example]) {
        guard let value = self["positions"] else { return }
        guard case .object(let named) = value else {
            problems.append("\"positions\" must be an object: {\"name\": [[positions of sequence 0], …]}")
            return
        }
        for (name, value) in named.sortedPairs {
            guard let lists = lists(value, "positions.\(name)"),
                matches(lists.count, examples.count, "positions.\(name)")
            else { continue }
            for (index, list) in lists.enumerated() { examples[index].fields[name] = list.map(Int.init) }
        }
    }

    /// A place in the bank for each sequence, null for none.
    private mutating func readAdapters(into examples: inout [Example]) {
        guard let value = self["adapter_index"] else { return }
        guard let list = value.array else {
            problems.append("\"adapter_index\" must be a list with one place of the bank, or null, for each sequence")
            return
        }
        guard matches(list.count, examples.count, "adapter_index") else { return }
        for (index, entry) in list.enumerated() where entry != .null {
            if let place = entry.int32 {
                examples[index].adapterIndex = Int(place)
            } else {
                problems.append("adapter_index[\(index)] is no place of a bank, nor null: \(entry.line)")
            }
        }
    }

    // MARK: Typed access

    subscript(key: String) -> JSONValue? { object.first { $0.key == key }?.value }

    mutating func report(_ problem: String) { problems.append(problem) }

    mutating func matches(_ count: Int, _ expected: Int, _ name: String) -> Bool {
        if count == expected { return true }
        problems.append("\(name) has \(count) entries where \(expected) are needed")
        return false
    }

    private mutating func integers(_ key: String) -> [Int32]? {
        self[key].flatMap { integerList($0, key) }
    }

    private mutating func integerLists(_ key: String, required: Bool = false) -> [[Int32]]? {
        guard let value = self[key] else {
            if required { problems.append("the key \"\(key)\" is missing") }
            return nil
        }
        return lists(value, key)
    }

    private mutating func lists(_ value: JSONValue, _ name: String) -> [[Int32]]? {
        guard let list = value.array else {
            problems.append("\"\(name)\" must be a list of lists of integers, not \(value.phrase)")
            return nil
        }
        var result: [[Int32]] = []
        for (index, entry) in list.enumerated() {
            guard let integers = integerList(entry, "\(name)[\(index)]") else { return nil }
            result.append(integers)
        }
        return result
    }

    private mutating func integerList(_ value: JSONValue, _ name: String) -> [Int32]? {
        guard let list = value.array else {
            problems.append("\(name) must be a list of integers, not \(value.phrase)")
            return nil
        }
        var result: [Int32] = []
        result.reserveCapacity(list.count)
        for (index, entry) in list.enumerated() {
            guard let exact = entry.int32 else {
                problems.append("\(name)[\(index)] is no 32-bit integer: \(entry.line)")
                return nil
            }
            result.append(exact)
        }
        return result
    }
}

extension JSONValue {
    /// The number, where it is whole and fits 32 bits.
    package var int32: Int32? { integer.flatMap { Int32(exactly: $0) } }
}

extension [JSONValue.Member] {
    /// Keys with their values, by key.
    package var sortedPairs: [(key: String, value: JSONValue)] {
        map { ($0.key, $0.value) }.sorted { $0.key < $1.key }
    }
}
