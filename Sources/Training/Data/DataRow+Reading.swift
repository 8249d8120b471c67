import Foundation
import InterventionDSL
import Session

extension DataRow {
    /// Reads a data set: JSON (a list of objects) or JSONL (one object a line).
    ///
    /// A row has `prompt` and `completion`, or `instruction`, `input` (optional) and `output`, or `tokens` and `labels`
    /// with an optional `prompt_length`, or `tokens` and `label`, or `sentence` (or `text`), an optional `sentence2` and
    /// `label`. `subspaces` chooses subspaces by the names of declarations: {"loreft": ["style"]}. Further keys are ignored: data sets carry many.
    /// - Throws: ``InputError`` with every row that is wrong, by its line (JSONL) or place (JSON).
    public static func read(_ file: URL) throws(InputError) -> [DataRow] {
        let data: Data
        do {
            data = try InputFile.contents(of: file.path)
        } catch {
            throw InputError(file: error.file, problems: error.problems)
        }
        return try rows(of: data, file: file.lastPathComponent)
    }

    /// Reads a data set from memory; `file` is named in errors.
    public static func rows(of data: Data, file: String) throws(InputError) -> [DataRow] {
        var data = data
        if data.starts(with: [0xEF, 0xBB, 0xBF]) { data = data.dropFirst(3) }
        let first = data.first { !Self.blank.contains($0) }
        guard let first else { throw InputError(file: file, problems: ["is empty: at least one row is needed"]) }
        let (rows, problems) = first == UInt8(ascii: "[") ? list(data) : lines(data)
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
        guard !rows.isEmpty else { throw InputError(file: file, problems: ["is empty: at least one row is needed"]) }
        return rows
    }

    private static let blank = Set(" \t\r\n".utf8)

    private static func list(_ data: Data) -> ([DataRow], [String]) {
        let parsed: Any
        do {
            parsed = try JSONSerialization.jsonObject(with: data)
        } catch {
            return ([], ["is no JSON: \(InputError.reason(error))"])
        }
        guard let entries = parsed as? [Any] else { return ([], ["expected a list of objects"]) }
        return collect(entries.enumerated().map { ("row \($0.offset)", .success($0.element)) })
    }

    private static func lines(_ data: Data) -> ([DataRow], [String]) {
        var entries: [(String, Result<Any, any Error>)] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy(blank.contains) {
            entries.append(("line \(index + 1)", Result { try JSONSerialization.jsonObject(with: Data(line)) }))
        }
        return collect(entries)
    }

    private static func collect(_ entries: [(String, Result<Any, any Error>)]) -> ([DataRow], [String]) {
        var (rows, problems): ([DataRow], [String]) = ([], [])
        for (place, entry) in entries {
            switch entry {
            case .failure(let error):
                problems.append("\(place) is no JSON: \(InputError.reason(error))")
            case .success(let value):
                guard let object = value as? [String: Any] else {
                    problems.append("\(place) is no object")
                    continue
                }
                do throws(RowProblem) {
                    rows.append(try row(object))
                } catch {
                    problems.append("\(place): \(error.text)")
                }
            }
        }
        return (rows, problems)
    }

    private struct RowProblem: Error { var text: String }

    private static func row(_ object: [String: Any]) throws(RowProblem) -> DataRow {
        let row = try ownRow(object)
        guard let value = object["subspaces"] else { return row }
        let form = "must be an object: {\"declaration\": [coordinates or names of parts]}"
        guard let named = value as? [String: Any] else { throw RowProblem(text: "\"subspaces\" \(form)") }
        var choices: [String: SubspaceChoice] = [:]
        for (name, value) in named.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
            guard let choice = SubspaceChoice(json: value) else {
                throw RowProblem(text: "subspaces.\(name) must be a list of coordinates or of names of parts")
            }
            choices[name] = choice
        }
        return .choosing(choices, row)
    }

    private static func ownRow(_ object: [String: Any]) throws(RowProblem) -> DataRow {
        func text(_ key: String) -> String? { object[key] as? String }
        if let prompt = text("prompt"), let completion = text("completion") {
            return .text(prompt: prompt, completion: completion)
        }
        if let instruction = text("instruction"), let output = text("output") {
            return .instruction(instruction, input: text("input") ?? "", output: output)
        }
        if let tokens = try integers("tokens", of: object) {
            if let label = try number("label", of: object) { return .classifiedTokens(tokens, label: label) }
            if let labels = try integers("labels", of: object) {
                guard tokens.count == labels.count else {
                    throw RowProblem(text: "\(tokens.count) tokens have \(labels.count) labels")
                }
                let length = try object["prompt_length"].map { value throws(RowProblem) in
                    try integer(value, "\"prompt_length\"")
                }
                return .tokens(tokens, labels: labels, promptLength: length.map(Int.init))
            }
        }
        if let sentence = text("sentence") ?? text("text"), let label = try number("label", of: object) {
            return .classified(sentence, pair: text("sentence2"), label: label)
        }
        let keys = object.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        throw RowProblem(
            text: "needs prompt and completion, instruction and output, tokens and labels, or sentence and label; "
                + "it has \(keys.isEmpty ? "nothing" : keys)")
    }

    private static func integers(_ key: String, of object: [String: Any]) throws(RowProblem) -> [Int32]? {
        guard let value = object[key] else { return nil }
        guard let list = value as? [Any] else { throw RowProblem(text: "\"\(key)\" must be a list of integers") }
        var integers: [Int32] = []
        integers.reserveCapacity(list.count)
        for (place, entry) in list.enumerated() { integers.append(try integer(entry, "\(key)[\(place)]")) }
        return integers
    }

    private static func integer(_ value: Any, _ place: String) throws(RowProblem) -> Int32 {
        guard let number = value as? NSNumber, !number.isBoolean, number.isInteger,
            let integer = Int32(exactly: number.int64Value)
        else { throw RowProblem(text: "\(place) is no 32-bit integer: \(value)") }
        return integer
    }

    private static func number(_ key: String, of object: [String: Any]) throws(RowProblem) -> Double? {
        guard let value = object[key] else { return nil }
        guard let number = value as? NSNumber, !number.isBoolean else {
            throw RowProblem(text: "\"\(key)\" must be a class or a number, not \(value)")
        }
        return number.doubleValue
    }
}
