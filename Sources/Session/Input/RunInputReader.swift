import Diagnostics
import Foundation

/// Reads the JSON form of ``RunInput`` key by key and collects what is wrong.
struct RunInputReader {
    let object: [String: Any]
    private let keys: [String]
    private(set) var problems: [String] = []

    init(object: [String: Any], keys: [String] = RunInput.keys) {
        self.object = object
        self.keys = keys
    }

    mutating func examples() -> [Example] {
        for key in object.keys.sorted() where !keys.contains(key) {
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
        guard let value = object["sources"] else { return examples }
        guard let named = value as? [String: Any] else {
            problems.append("\"sources\" must be an object: {\"run\": {\"sequences\": [[…],…]}}")
            return examples
        }
        for name in named.keys.sorted() {
            guard let object = named[name] as? [String: Any] else {
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
        guard let value = object["labels"] else { return }
        guard let list = value as? [Any] else {
            problems.append("\"labels\" must be a list")
            return
        }
        guard matches(list.count, examples.count, "labels") else { return }
        for (index, entry) in list.enumerated() {
            if let labels = integerList(entry, "labels[\(index)]", reporting: entry is [Any]) {
                if matches(labels.count, examples[index].tokens.count, "labels[\(index)]") {
                    examples[index].target = .tokens(labels)
                }
            } else if let number = entry as? NSNumber, !number.isBoolean {
                let category = number.isInteger ? Int32(exactly: number.int64Value) : nil
                examples[index].target = category.map { .category($0) } ?? .number(number.floatValue)
            } else if !(entry is [Any]) {
                problems.append("labels[\(index)] must be a list of token labels, a class or a number")
            }
        }
    }

    private mutating func readFields(into examples: inout [Example]) {
        guard let value = object["positions"] else { return }
        guard let named = value as? [String: Any] else {
            problems.append("\"positions\" must be an object: {\"name\": [[positions of sequence 0], …]}")
            return
        }
        for name in named.keys.sorted() {
            guard let lists = lists(named[name], "positions.\(name)"),
                matches(lists.count, examples.count, "positions.\(name)")
            else { continue }
            for (index, list) in lists.enumerated() { examples[index].fields[name] = list.map(Int.init) }
        }
    }

    /// A place in the bank for each sequence, null for none.
    private mutating func readAdapters(into examples: inout [Example]) {
        guard let value = object["adapter_index"] else { return }
        guard let list = value as? [Any] else {
            problems.append("\"adapter_index\" must be a list with one place of the bank, or null, for each sequence")
            return
        }
        guard matches(list.count, examples.count, "adapter_index") else { return }
        for (index, entry) in list.enumerated() where !(entry is NSNull) {
            if let number = entry as? NSNumber, !number.isBoolean, number.isInteger,
                let place = Int32(exactly: number.doubleValue)
            {
                examples[index].adapterIndex = Int(place)
            } else {
                problems.append("adapter_index[\(index)] is no place of a bank, nor null: \(entry)")
            }
        }
    }

    // MARK: Typed access

    mutating func report(_ problem: String) { problems.append(problem) }

    mutating func matches(_ count: Int, _ expected: Int, _ name: String) -> Bool {
        if count == expected { return true }
        problems.append("\(name) has \(count) entries where \(expected) are needed")
        return false
    }

    private mutating func integers(_ key: String) -> [Int32]? {
        object[key].flatMap { integerList($0, key, reporting: true) }
    }

    private mutating func integerLists(_ key: String, required: Bool = false) -> [[Int32]]? {
        guard let value = object[key] else {
            if required { problems.append("the key \"\(key)\" is missing") }
            return nil
        }
        return lists(value, key)
    }

    private mutating func lists(_ value: Any?, _ name: String) -> [[Int32]]? {
        guard let list = value as? [Any] else {
            problems.append("\"\(name)\" must be a list of lists of integers")
            return nil
        }
        var result: [[Int32]] = []
        for (index, entry) in list.enumerated() {
            guard let integers = integerList(entry, "\(name)[\(index)]", reporting: true) else { return nil }
            result.append(integers)
        }
        return result
    }

    private mutating func integerList(_ value: Any, _ name: String, reporting: Bool) -> [Int32]? {
        guard let list = value as? [Any] else {
            if reporting { problems.append("\(name) must be a list of integers") }
            return nil
        }
        var result: [Int32] = []
        result.reserveCapacity(list.count)
        for (index, entry) in list.enumerated() {
            guard let number = entry as? NSNumber, !number.isBoolean, number.isInteger,
                let exact = Int32(exactly: number.int64Value)
            else {
                if reporting { problems.append("\(name)[\(index)] is no 32-bit integer: \(entry)") }
                return nil
            }
            result.append(exact)
        }
        return result
    }
}

extension NSNumber {
    /// JSON's true and false are bridged to numbers of this type.
    package var isBoolean: Bool { String(cString: objCType) == "c" }
    package var isInteger: Bool { !["f", "d"].contains(String(cString: objCType)) }
}
