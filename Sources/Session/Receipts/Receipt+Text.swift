import Foundation

extension Receipt: CustomStringConvertible {
    /// A table of the edits, and what never fired.
    public var description: String {
        var header = ["declaration", "intervention", "where", "positions", "rows", "sequences"]
        if stage == .generation { header.append("steps") }
        if stage == .training { header.append("epochs") }
        header += ["change", "largest", "of the row", "largest"]
        if stage != .training { header.append("rows of sequences") }
        let table = Self.aligned([header] + edits.map(cells))
        return (table + neverFired.map { "warning: \($0)" }).joined(separator: "\n") + "\n"
    }

    private func cells(_ edit: Edit) -> [String] {
        var place = edit.layer.map { "\(edit.component).\($0)" } ?? edit.component
        if let head = edit.head { place += ".h\(head)" }
        if edit.run != "base" { place = "\(edit.run):\(place)" }
        var cells = [
            edit.declaration, edit.intervention, place, edit.positions, "\(edit.rows)", "\(edit.sequences)",
        ]
        if stage != .run { cells.append(Self.ranges(edit.steps.map(\.step))) }
        let numbers = edit.change.map { [$0.mean, $0.largest, $0.relativeMean, $0.relativeLargest] }
        cells += numbers.map { $0.map { String(format: "%.4g", $0) } } ?? ["–", "–", "–", "–"]
        if stage != .training {
            let shown = edit.sequenceRows.prefix(3).map { "\($0.sequence): \(Self.ranges($0.rows))" }
            cells.append((shown + (edit.sequenceRows.count > 3 ? ["…"] : [])).joined(separator: "; "))
        }
        return cells
    }

    /// `0-3,7` for ascending numbers; – for none.
    static func ranges(_ numbers: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        let texts = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return texts.isEmpty ? "–" : texts.joined(separator: ",")
    }

    /// Rows of cells in columns that are as wide as they need to be.
    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
