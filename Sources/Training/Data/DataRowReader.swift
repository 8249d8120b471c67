import Foundation
import InterventionDSL
import Session

/// Why an object is no row of a data set.
struct RowProblem: Error { var text: String }

/// Reads one row of a data set from its JSON object.
struct DataRowReader {
    private let object: [String: Any]

    init(_ object: [String: Any]) { self.object = object }

    /// The row, with its positions and what it reads in source runs.
    func row() throws(RowProblem) -> DataRow {
        DataRow(
            try content(), positions: try positions(), sources: try sources(), subspaces: try subspaces())
    }

    private func content() throws(RowProblem) -> DataRow.Content {
        if let prompt = text("prompt"), let completion = text("completion") {
            return .text(prompt: prompt, completion: completion)
        }
        if let instruction = text("instruction"), let output = text("output") {
            return .instruction(instruction, input: text("input") ?? "", output: output)
        }
        if let tokens = try integers("tokens") {
            if let label = try number("label") { return .classifiedTokens(tokens, label: label) }
            if let labels = try integers("labels") {
                guard tokens.count == labels.count else {
                    throw RowProblem(text: "\(tokens.count) tokens have \(labels.count) labels")
                }
                return .tokens(tokens, labels: labels, promptLength: try promptLength())
            }
        }
        if let sentence = text("sentence") ?? text("text"), let label = try number("label") {
            return .classified(sentence, pair: text("sentence2"), label: label)
        }
        throw RowProblem(
            text: "needs prompt and completion, instruction and output, tokens and labels, or sentence and label; "
                + "it has \(keys)")
    }

    /// A row that predicts nothing: `{"prompt": …}` or `{"tokens": …}`, or one that does, of which only the prompt and
    /// what follows it count.
    func promptRow() throws(RowProblem) -> DataRow {
        let content: DataRow.Content
        if let prompt = text("prompt"), text("completion") == nil {
            content = .prompt(prompt)
        } else if object["labels"] == nil, object["label"] == nil, let tokens = try integers("tokens") {
            content = .promptTokens(tokens, promptLength: try promptLength())
        } else if text("prompt") != nil || object["tokens"] != nil || text("instruction") != nil {
            content = try self.content()
        } else {
            throw RowProblem(text: "needs a prompt or tokens; it has \(keys)")
        }
        return DataRow(
            content, positions: try positions(), sources: try sources(), subspaces: try subspaces(),
            adapterIndex: try adapterIndex())
    }

    private var keys: String {
        let keys = object.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return keys.isEmpty ? "nothing" : keys
    }

    // MARK: Beside the content

    /// A place of the bank; null is none.
    private func adapterIndex() throws(RowProblem) -> Int? {
        guard let value = object["adapter_index"], !(value is NSNull) else { return nil }
        guard let number = value as? NSNumber, !number.isBoolean, number.isInteger,
            let place = Int32(exactly: number.doubleValue)
        else {
            throw RowProblem(text: "\"adapter_index\" must be a place of the bank, or null")
        }
        return Int(place)
    }

    private func positions() throws(RowProblem) -> [String: [Int]] {
        guard let value = object["positions"] else { return [:] }
        guard let named = value as? [String: Any] else {
            throw RowProblem(text: "\"positions\" must be an object: {\"name\": [positions]}")
        }
        var positions: [String: [Int]] = [:]
        for name in named.keys.sorted() {
            guard let list = named[name] as? [Any] else {
                throw RowProblem(text: "positions.\(name) must be a list of integers")
            }
            positions[name] = try Self.integers(list, "positions.\(name)").map(Int.init)
        }
        return positions
    }

    /// Each a text, a list of token ids, or an object with a prompt or tokens.
    private func sources() throws(RowProblem) -> [String: DataRow] {
        guard let value = object["sources"] else { return [:] }
        guard let named = value as? [String: Any] else {
            throw RowProblem(text: "\"sources\" must be an object: {\"run\": \"text\"}")
        }
        var sources: [String: DataRow] = [:]
        for name in named.keys.sorted() {
            switch named[name] {
            case let text as String:
                sources[name] = .prompt(text)
            case let list as [Any]:
                sources[name] = DataRow(.promptTokens(try Self.integers(list, "sources.\(name)"), promptLength: nil))
            case let object as [String: Any]:
                do throws(RowProblem) {
                    sources[name] = try DataRowReader(object).promptRow()
                } catch {
                    throw RowProblem(text: "sources.\(name): \(error.text)")
                }
            default:
                throw RowProblem(
                    text: "sources.\(name) must be a text, a list of token ids, or an object with a prompt or tokens")
            }
        }
        return sources
    }

    private func subspaces() throws(RowProblem) -> [String: SubspaceChoice] {
        guard let value = object["subspaces"] else { return [:] }
        let form = "must be an object: {\"declaration\": [coordinates or names of parts]}"
        guard let named = value as? [String: Any] else { throw RowProblem(text: "\"subspaces\" \(form)") }
        var choices: [String: SubspaceChoice] = [:]
        for (name, value) in named.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
            guard let choice = SubspaceChoice(json: value) else {
                throw RowProblem(text: "subspaces.\(name) must be a list of coordinates or of names of parts")
            }
            choices[name] = choice
        }
        return choices
    }

    private func promptLength() throws(RowProblem) -> Int? {
        try object["prompt_length"].map { value throws(RowProblem) in
            Int(try Self.integer(value, "\"prompt_length\""))
        }
    }

    // MARK: Typed access

    private func text(_ key: String) -> String? { object[key] as? String }

    private func integers(_ key: String) throws(RowProblem) -> [Int32]? {
        guard let value = object[key] else { return nil }
        guard let list = value as? [Any] else { throw RowProblem(text: "\"\(key)\" must be a list of integers") }
        return try Self.integers(list, key)
    }

    private static func integers(_ list: [Any], _ name: String) throws(RowProblem) -> [Int32] {
        var integers: [Int32] = []
        integers.reserveCapacity(list.count)
        for (place, entry) in list.enumerated() { integers.append(try integer(entry, "\(name)[\(place)]")) }
        return integers
    }

    private static func integer(_ value: Any, _ place: String) throws(RowProblem) -> Int32 {
        guard let number = value as? NSNumber, !number.isBoolean, number.isInteger,
            let integer = Int32(exactly: number.int64Value)
        else { throw RowProblem(text: "\(place) is no 32-bit integer: \(value)") }
        return integer
    }

    private func number(_ key: String) throws(RowProblem) -> Double? {
        guard let value = object[key] else { return nil }
        guard let number = value as? NSNumber, !number.isBoolean else {
            throw RowProblem(text: "\"\(key)\" must be a class or a number, not \(value)")
        }
        return number.doubleValue
    }
}
