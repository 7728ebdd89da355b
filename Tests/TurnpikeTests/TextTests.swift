import Gate
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

  @Test("an amount of a known asset is shown as people count it, every other in its unit")
  func amounts() {
    let usdc = Amount.Unit("eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e")
    #expect(Amount(1500, usdc).text == "0.0015 USDC on eip155:84532")
    #expect(Amount(10, .sat).text == "10 sat")
    #expect(JSONText.number("340282366920938463463374607431768211455").text.utf8.count == 39)
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
