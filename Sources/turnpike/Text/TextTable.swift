/// Rows of a terminal, in columns.
struct TextTable {
  private var rows: [[String]]

  init(_ heads: String...) { self.rows = [heads] }

  mutating func add(_ cells: String...) { self.rows.append(cells) }

  /// Without spaces at the ends of lines. Characters that would move the cursor are shown as `?`.
  var text: String {
    let shown = self.rows.map { row in
      row.map { cell in
        String(String.UnicodeScalarView(cell.unicodeScalars.map { $0.value < 0x20 ? "?" : $0 }))
      }
    }
    let widths = (0..<(shown.first?.count ?? 0)).map { column in shown.map { $0[column].count }.max() ?? 0 }
    return shown.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
