package import Gate
package import Store

/// The book in memory, with the same rules as every other.
package enum MemoryLedger {
  package static func make(
    clock: any TimeSource, book: MemoryBook = MemoryBook(), random: LedgerRandom = .system
  ) -> TransactionalLedger {
    TransactionalLedger(store: MemoryStore(book), clock: clock, random: random)
  }
}
