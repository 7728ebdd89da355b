import Gate
import Store
import Testing

/// What is stored as text comes back exactly, or not at all.
struct StoredTextTests {
  @Test(
    "a list of texts comes back exactly",
    arguments: [[], [""], ["a"], ["", ""], ["1:a", ":", "12"], ["\u{1F4B0}\u{301}", "\n", "\0"]])
  func netstrings(texts: [String]) {
    #expect(Netstrings.decode(Netstrings.encode(texts)) == texts)
  }

  @Test(
    "what is no list of texts is refused",
    arguments: [
      "a", "1", "1:", "2:a", "-1:a", "01:a", "+1:a", ":", "1:ab", "99999999999999999999:a", "1:\u{e9}",
    ])
  func badNetstrings(text: String) {
    #expect(Netstrings.decode(text) == nil)
  }

  @Test(
    "a receipt comes back exactly",
    arguments: [
      Receipt(fields: []), Receipt(fields: [], transaction: ""),
      Receipt(fields: [.init("A", "")], transaction: "-"),
      Receipt(fields: [.init("A", "1:b"), .init("A", "c")], transaction: "+0x"),
    ])
  func receipts(receipt: Receipt) {
    #expect(Receipt(storedText: receipt.storedText) == receipt)
  }

  @Test("what is no receipt is refused", arguments: ["", "1:x", "0:", "2:-a", "1:-1:A", "x"])
  func badReceipts(text: String) {
    #expect(Receipt(storedText: text) == nil)
  }

  @Test(
    "what is no tariff is refused",
    arguments: [
      "", "4:uses", "7:uses -1", "15:uses 4294967296", "8:uses one", "6:uses 12:10", "6:uses 11:x3:sat",
      "10:duration 1",
      "6:rent 1",
    ])
  func badTariffs(text: String) {
    #expect(Tariff(storedText: text) == nil)
  }
}
