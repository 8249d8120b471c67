import Foundation

extension DataRow {
    /// Reads a data set: JSON (a list of objects) or JSONL (one object a line).
    ///
    /// A row has `prompt` and `completion`, or `instruction`, `input` (optional) and `output`, or `tokens` and `labels`
    /// with an optional `prompt_length`, or `sentence` (or `text`), an optional `sentence2` and `label`. Further keys
    /// are ignored: data sets carry many.
    /// - Throws: ``DataError`` with every row that is wrong, by its line (JSONL) or place (JSON).
    public static func read(_ file: URL) throws(DataError) -> [DataRow] {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw DataError(file: file.path, problems: ["can not be read: \(error.localizedDescription)"])
        }
        return try rows(of: data, file: file.lastPathComponent)
    }

    /// Reads a data set from memory; `file` is named in errors.
    public static func rows(of data: Data, file: String) throws(DataError) -> [DataRow] {
        var data = data
        if data.starts(with: [0xEF, 0xBB, 0xBF]) { data = data.dropFirst(3) }
        let first = data.first { !Self.blank.contains($0) }
        guard let first else { throw DataError(file: file, problems: ["is empty: at least one row is needed"]) }
        let (rows, problems) = first == UInt8(ascii: "[") ? list(data) : lines(data)
        guard problems.isEmpty else { throw DataError(file: file, problems: problems) }
        guard !rows.isEmpty else { throw DataError(file: file, problems: ["is empty: at least one row is needed"]) }
        return rows
    }

    private static let blank = Set(" \t\r\n".utf8)

    private static func list(_ data: Data) -> ([DataRow], [String]) {
        let parsed: Any
        do {
            parsed = try JSONSerialization.jsonObject(with: data)
        } catch {
            return ([], ["is no JSON: \(reason(error))"])
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
                problems.append("\(place) is no JSON: \(reason(error))")
            case .success(let value):
                guard let object = value as? [String: Any] else {
                    problems.append("\(place) is no object")
                    continue
                }
                switch row(object) {
                case .success(let row): rows.append(row)
                case .failure(let problem): problems.append("\(place): \(problem.text)")
                }
            }
        }
        return (rows, problems)
    }

    private struct RowProblem: Error { var text: String }

    private static func row(_ object: [String: Any]) -> Result<DataRow, RowProblem> {
        func text(_ key: String) -> String? { object[key] as? String }
        func integers(_ key: String) -> [Int32]? {
            (object[key] as? [NSNumber])?.map { Int32(truncatingIfNeeded: $0.int64Value) }
        }
        if let prompt = text("prompt"), let completion = text("completion") {
            return .success(.text(prompt: prompt, completion: completion))
        }
        if let instruction = text("instruction"), let output = text("output") {
            return .success(.instruction(instruction, input: text("input") ?? "", output: output))
        }
        if let tokens = integers("tokens"), let labels = integers("labels") {
            guard tokens.count == labels.count else {
                return .failure(RowProblem(text: "\(tokens.count) tokens have \(labels.count) labels"))
            }
            let length = (object["prompt_length"] as? NSNumber)?.intValue
            return .success(.tokens(tokens, labels: labels, promptLength: length))
        }
        if let sentence = text("sentence") ?? text("text"), let label = object["label"] as? NSNumber {
            return .success(.classified(sentence, pair: text("sentence2"), label: label.doubleValue))
        }
        let keys = object.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return .failure(
            RowProblem(
                text: "needs prompt and completion, instruction and output, tokens and labels, or sentence and label; "
                    + "it has \(keys.isEmpty ? "nothing" : keys)"))
    }

    private static func reason(_ error: any Error) -> String {
        (error as NSError).userInfo["NSDebugDescription"] as? String ?? error.localizedDescription
    }
}
