package import Gate
package import Store
internal import Synchronization

/// The rows that several ``MemoryStore``s share, as processes share a file.
package final class MemoryBook: Sendable {
  let rows = Mutex(MemoryRows())
  let dead = Mutex<Set<Owner>>([])
  private let owners = Mutex(0)

  package init() {}

  func newOwner() -> Owner {
    self.owners.withLock { count in
      count += 1
      return Owner("owner-\(count)")
    }
  }
}

/// One process's access to a book; when it goes, its owner is dead.
package final class MemoryStore: LedgerStore {
  package let owner: Owner
  private let book: MemoryBook

  package init(_ book: MemoryBook) {
    self.book = book
    self.owner = book.newOwner()
  }

  deinit {
    let owner = self.owner
    _ = self.book.dead.withLock { $0.insert(owner) }
  }

  package func write<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    let dead = self.book.dead.withLock { $0 }
    let result = self.book.rows.withLock { rows -> Result<R, Outage> in
      let transaction = MemoryTransaction(rows, dead: dead)
      do throws(Outage) {
        let value = try body(transaction)
        rows = transaction.rows
        return .success(value)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  package func read<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerReader) throws(Outage) -> R
  ) async throws(Outage) -> R {
    let dead = self.book.dead.withLock { $0 }
    return try body(MemoryTransaction(self.book.rows.withLock { $0 }, dead: dead))
  }
}
