import InterventionDSL
import JSON
import Session

/// Why an object is no row of a data set.
struct RowProblem: Error { var text: String }

/// Reads one row of a data set from its JSON object.
struct DataRowReader {
    private let object: [JSONValue.Member]

    init(_ object: [JSONValue.Member]) { self.object = object }

    /// The row, with its positions and what it reads in source runs.
    func row() throws(RowProblem) -> DataRow {
        DataRow(
            try content(), positions: try positions(), sources: try sources(), subspaces: try subspaces())
    }

    /// What the first complete set of keys makes of the row. A set with a value of the wrong kind is not complete; the
    /// value is complained of where no other set is.
    private func content() throws(RowProblem) -> DataRow.Content {
        var complaint: RowProblem?
        let forms: [() throws(RowProblem) -> DataRow.Content?] = [pair, instruction, tokens, classified]
        for read in forms {
            do throws(RowProblem) {
                if let content = try read() { return content }
            } catch {
                complaint = complaint ?? error
            }
        }
        throw complaint
            ?? RowProblem(
                text: "needs prompt and completion, instruction and output, tokens and labels, or sentence and label; "
                    + "it has \(keys)")
    }

    private func pair() throws(RowProblem) -> DataRow.Content? {
        guard let prompt = try text("prompt"), let completion = try text("completion") else { return nil }
        return .text(prompt: prompt, completion: completion)
    }

    private func instruction() throws(RowProblem) -> DataRow.Content? {
        guard let instruction = try text("instruction"), let output = try text("output") else { return nil }
        return .instruction(instruction, input: try text("input") ?? "", output: output)
    }

    private func tokens() throws(RowProblem) -> DataRow.Content? {
        guard let tokens = try integers("tokens") else { return nil }
        if let label = try number("label") { return .classifiedTokens(tokens, label: label) }
        guard let labels = try integers("labels") else { return nil }
        guard tokens.count == labels.count else {
            throw RowProblem(text: "\(tokens.count) tokens have \(labels.count) labels")
        }
        return .tokens(tokens, labels: labels, promptLength: try promptLength())
    }

    private func classified() throws(RowProblem) -> DataRow.Content? {
        let key = value("sentence") == nil ? "text" : "sentence"
        guard let sentence = try text(key), let label = try number("label") else { return nil }
        return .classified(sentence, pair: try text("sentence2"), label: label)
    }

    /// A row that predicts nothing: `{"prompt": …}`, `{"instruction": …}` or `{"tokens": …}`, or one that does, of which
    /// only the prompt and what follows it count.
    func promptRow() throws(RowProblem) -> DataRow {
        let content: DataRow.Content
        if let prompt = try text("prompt"), try text("completion") == nil {
            content = .prompt(prompt)
        } else if let instruction = try text("instruction"), try text("output") == nil {
            content = .instructionPrompt(instruction, input: try text("input") ?? "")
        } else if value("labels") == nil, value("label") == nil, let tokens = try integers("tokens") {
            content = .promptTokens(tokens, promptLength: try promptLength())
        } else if ["prompt", "tokens", "instruction"].contains(where: { value($0) != nil }) {
            content = try self.content()
        } else {
            throw RowProblem(text: "needs a prompt or tokens; it has \(keys)")
        }
        return DataRow(
            content, positions: try positions(), sources: try sources(), subspaces: try subspaces(),
            adapterIndex: try adapterIndex())
    }

    private var keys: String {
        let keys = object.map(\.key).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return keys.isEmpty ? "nothing" : keys
    }

    // MARK: Beside the content

    /// A place of the bank; null is none.
    private func adapterIndex() throws(RowProblem) -> Int? {
        guard let value = value("adapter_index") else { return nil }
        guard let place = value.int32 else { throw wrong(value, "adapter_index", "a place of the bank, or null") }
        return Int(place)
    }

    private func positions() throws(RowProblem) -> [String: [Int]] {
        var positions: [String: [Int]] = [:]
        for (name, value) in try members("positions", "an object: {\"name\": [positions]}") {
            guard let list = value.array else {
                throw RowProblem(text: "positions.\(name) must be a list of integers, not \(value.phrase)")
            }
            positions[name] = try Self.integers(list, "positions.\(name)").map(Int.init)
        }
        return positions
    }

    /// Each a text, a list of token ids, or an object with a prompt or tokens.
    private func sources() throws(RowProblem) -> [String: DataRow] {
        var sources: [String: DataRow] = [:]
        for (name, value) in try members("sources", "an object: {\"run\": \"text\"}") {
            switch value {
            case .string(let text):
                sources[name] = .prompt(text)
            case .array(let list):
                sources[name] = DataRow(.promptTokens(try Self.integers(list, "sources.\(name)"), promptLength: nil))
            case .object(let object):
                do throws(RowProblem) {
                    sources[name] = try DataRowReader(object).promptRow()
                } catch {
                    throw RowProblem(text: "sources.\(name): \(error.text)")
                }
            default:
                throw RowProblem(
                    text: "sources.\(name) must be a text, a list of token ids, or an object with a prompt or tokens, "
                        + "not \(value.phrase)")
            }
        }
        return sources
    }

    private func subspaces() throws(RowProblem) -> [String: SubspaceChoice] {
        var choices: [String: SubspaceChoice] = [:]
        let form = "an object: {\"declaration\": [coordinates or names of parts]}"
        for (name, value) in try members("subspaces", form) where value != .null {
            guard let choice = SubspaceChoice(json: value) else {
                throw RowProblem(text: "subspaces.\(name) must be a list of coordinates or of names of parts")
            }
            choices[name] = choice
        }
        return choices
    }

    private func promptLength() throws(RowProblem) -> Int? {
        try value("prompt_length").map { value throws(RowProblem) in
            Int(try Self.integer(value, "\"prompt_length\""))
        }
    }

    // MARK: Typed access

    /// The value of a key; null is as good as none.
    private func value(_ key: String) -> JSONValue? {
        object.first { $0.key == key && $0.value != .null }?.value
    }

    private func wrong(_ value: JSONValue, _ key: String, _ wanted: String) -> RowProblem {
        RowProblem(text: "\"\(key)\" must be \(wanted), not \(value.phrase)")
    }

    private func text(_ key: String) throws(RowProblem) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.string else { throw wrong(value, key, "a text") }
        return text
    }

    private func members(
        _ key: String, _ form: String
    ) throws(RowProblem) -> [(key: String, value: JSONValue)] {
        guard let value = value(key) else { return [] }
        guard case .object(let members) = value else { throw wrong(value, key, form) }
        return members.sortedPairs
    }

    private func integers(_ key: String) throws(RowProblem) -> [Int32]? {
        guard let value = value(key) else { return nil }
        guard let list = value.array else { throw wrong(value, key, "a list of integers") }
        return try Self.integers(list, key)
    }

    private static func integers(_ list: [JSONValue], _ name: String) throws(RowProblem) -> [Int32] {
        var integers: [Int32] = []
        integers.reserveCapacity(list.count)
        for (place, entry) in list.enumerated() { integers.append(try integer(entry, "\(name)[\(place)]")) }
        return integers
    }

    private static func integer(_ value: JSONValue, _ place: String) throws(RowProblem) -> Int32 {
        guard let integer = value.int32 else { throw RowProblem(text: "\(place) is no 32-bit integer: \(value.line)") }
        return integer
    }

    private func number(_ key: String) throws(RowProblem) -> Double? {
        switch value(key) {
        case nil: return nil
        case .integer(let number): return Double(number)
        case .number(let number): return number
        case let other?: throw wrong(other, key, "a class or a number")
        }
    }
}
