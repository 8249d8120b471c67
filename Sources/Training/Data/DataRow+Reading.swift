import Foundation
import InterventionDSL
import JSON
import Session

extension DataRow {
    /// Reads a data set: JSON (a list of objects) or JSONL (one object a line).
    ///
    /// A row has `prompt` and `completion`, or `instruction`, `input` (optional) and `output`, or `tokens` and `labels`
    /// with an optional `prompt_length`, or `tokens` and `label`, or `sentence` (or `text`), an optional `sentence2` and
    /// `label`. Beside these it may have `positions`, lists of positions by name, `sources`, what it reads in each
    /// source run: a text, token ids, or an object with a prompt or tokens, and `subspaces`, subspaces by the names of
    /// declarations: {"loreft": ["style"]}. Further keys are ignored: data sets carry many.
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
    /// - Parameter prompts: Whether rows may be prompts alone, `{"prompt": …}` or `{"tokens": …}`.
    public static func rows(of data: Data, file: String, prompts: Bool = false) throws(InputError) -> [DataRow] {
        var data = data
        if data.starts(with: [0xEF, 0xBB, 0xBF]) { data = data.dropFirst(3) }
        let first = data.first { !Self.blank.contains($0) }
        guard let first else { throw InputError(file: file, problems: ["is empty: at least one row is needed"]) }
        let (rows, problems) = first == UInt8(ascii: "[") ? list(data, prompts) : lines(data, prompts)
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
        guard !rows.isEmpty else { throw InputError(file: file, problems: ["is empty: at least one row is needed"]) }
        return rows
    }

    private static let blank = Set(" \t\r\n".utf8)

    private static func list(_ data: Data, _ prompts: Bool) -> ([DataRow], [String]) {
        do throws(JSONError) {
            let entries = try JSONValue(parsing: Array(data)).array ?? []
            return collect(entries.enumerated().map { ("row \($0.offset)", .success($0.element)) }, prompts)
        } catch {
            return ([], [error.complaint])
        }
    }

    private static func lines(_ data: Data, _ prompts: Bool) -> ([DataRow], [String]) {
        var entries: [(String, Result<JSONValue, JSONError>)] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy(blank.contains) {
            let value = Result { () throws(JSONError) in try JSONValue(parsing: Array(line)) }
            entries.append(("line \(index + 1)", value))
        }
        return collect(entries, prompts)
    }

    private static func collect(
        _ entries: [(String, Result<JSONValue, JSONError>)], _ prompts: Bool
    ) -> ([DataRow], [String]) {
        var (rows, problems): ([DataRow], [String]) = ([], [])
        for (place, entry) in entries {
            switch entry {
            case .failure(let error):
                let what = error.breaksGrammar ? "this is no JSON: " : ""
                problems.append("\(place), column \(error.column): \(what)\(error.reason)")
            case .success(let value):
                guard case .object(let object) = value else {
                    problems.append("\(place): \(value.phrase) is given where an object is needed")
                    continue
                }
                do throws(RowProblem) {
                    let reader = DataRowReader(object)
                    rows.append(try prompts ? reader.promptRow() : reader.row())
                } catch {
                    problems.append("\(place): \(error.text)")
                }
            }
        }
        return (rows, problems)
    }
}
