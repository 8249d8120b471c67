/// Rows of text in columns that are as wide as they need to be.
struct TextTable {
    let rows: [[String]]

    /// What files say is shown with its control characters escaped.
    init(_ rows: [[String]]) { self.rows = rows.map { $0.map(Terminal.escaped) } }

    /// One line a row, columns two spaces apart.
    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
