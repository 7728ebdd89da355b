@testable import Cashu
import Testing

/// Invoices that are well-formed and signed by nobody.
enum MadeInvoice {
  private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l")

  /// - Parameter amount: as BOLT 11 writes it after the network, `10n`; empty for none.
  static func text(_ amount: String, network: String = "bc", salt: Int = 0) -> String {
    let prefix = "ln\(network)\(amount)"
    let data = (0..<111).map { ($0 + salt) % 32 }
    let head = prefix.utf8.map { Int($0 >> 5) } + [0] + prefix.utf8.map { Int($0 & 31) }
    let sum = self.polymod(head + data + [0, 0, 0, 0, 0, 0]) ^ 1
    let checksum = (0..<6).map { Int(sum >> UInt32(5 * (5 - $0)) & 31) }
    return prefix + "1" + String((data + checksum).map { self.alphabet[$0] })
  }

  static func sats(_ amount: UInt64, salt: Int = 0) -> String { self.text("\(amount * 10)n", salt: salt) }

  private static func polymod(_ values: [Int]) -> UInt32 {
    let generator: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
    return values.reduce(1) { sum, value in
      let top = sum >> 25
      return (0..<5).reduce((sum & 0x1FF_FFFF) << 5 ^ UInt32(value)) {
        top >> UInt32($1) & 1 == 1 ? $0 ^ generator[$1] : $0
      }
    }
  }
}

@Suite("Lightning invoices")
struct Bolt11Tests {
  @Test(
    "the amount is what the prefix says",
    arguments: [
      ("2500u", 250_000_000), ("20m", 2_000_000_000), ("10n", 1_000), ("1n", 100), ("10p", 1),
      ("25", 2_500_000_000_000),
      ("9678785340p", 967_878_534),
    ] as [(String, UInt64)])
  func amount(text: String, millisatoshis: UInt64) throws {
    #expect(try Bolt11(MadeInvoice.text(text)).millisatoshis == millisatoshis)
  }

  @Test("a real invoice of the specification is read")
  func specification() throws {
    let invoice = try Bolt11(
      "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq"
        + "dq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuv"
        + "en09sam30g4vgpfna3rh")
    #expect(invoice.millisatoshis == 250_000_000)
    #expect(invoice.amount(in: "sat") == 250_000)
    #expect(invoice.amount(in: "msat") == 250_000_000)
    #expect(invoice.amount(in: "usd") == nil)
  }

  @Test("a part of a satoshi is rounded up, as a mint quotes it")
  func rounding() throws { #expect(try Bolt11(MadeInvoice.text("15n")).amount(in: "sat") == 2) }

  @Test("networks, cases and the URI scheme", arguments: ["bc", "tb", "tbs", "bcrt"])
  func forms(network: String) throws {
    let text = MadeInvoice.text("10n", network: network)
    for form in [text, text.uppercased(), "lightning:" + text, "LIGHTNING:" + text.uppercased()] {
      #expect(try Bolt11(form).text == text)
    }
  }

  @Test(
    "what is no invoice with an amount is refused",
    arguments: [
      (MadeInvoice.text(""), .noAmount), (MadeInvoice.text("11p"), .badAmount),
      (MadeInvoice.text("0n"), .badAmount),
      (MadeInvoice.text("010n"), .badAmount), (MadeInvoice.text("10x"), .badAmount),
      (MadeInvoice.text("99999999999"), .badAmount), (MadeInvoice.text("10n", network: "xx"), .notAnInvoice),
      (MadeInvoice.text("10n") + "q", .badChecksum),
      ("lnbc10n1" + String(repeating: "b", count: 120), .notAnInvoice),
      ("lnbc10n1qqqq", .notAnInvoice), ("", .notAnInvoice), ("cashuBabc", .notAnInvoice),
      ("LN" + MadeInvoice.text("10n").dropFirst(2), .notAnInvoice),
      (MadeInvoice.text("10n").replacing("10n1q", with: "20n1q"), .badChecksum),
    ] as [(String, Bolt11.Fault)])
  func faults(text: String, fault: Bolt11.Fault) {
    #expect(throws: fault) { try Bolt11(text) }
  }
}
