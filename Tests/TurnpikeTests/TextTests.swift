import Testing

@testable import turnpike

@Suite("Text of commands")
struct TextTests {
  @Test("JSON is escaped, and keeps the order of its members")
  func json() {
    let value = JSONText.object([
      ("b", .string("a\"\\\n\r\t\u{1}\u{7F}é")),
      ("a", .array([.integer(-1), .unsigned(.max), .flag(true), .null])),
      ("c", .optional(nil)),
    ])
    #expect(
      value.text
        == #"{"b":"a\"\\\n\r\t\u0001\u007fé","a":[-1,18446744073709551615,true,null],"c":null}"#)
  }

  @Test("a table has columns, and nothing in it moves the cursor")
  func table() {
    var table = TextTable("A", "LONG")
    table.add("abc", "x")
    table.add("\u{1B}[2J", "")
    #expect(table.text == "A     LONG\nabc   x\n?[2J")
  }

  @Test("lines are limited for each second")
  func limit() {
    let limit = LineLimit(perSecond: 2)
    let start = ContinuousClock.now
    #expect([0, 0, 0].map { limit.admits(at: start + .seconds($0)) } == [true, true, false])
    #expect(limit.admits(at: start + .seconds(2)))
  }
}
