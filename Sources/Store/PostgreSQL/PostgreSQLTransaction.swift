internal import Gate

/// Rows in PostgreSQL, inside one transaction.
///
/// A primitive that answers nothing waits here and goes out with the next one that does, or at the end: one
/// round trip instead of two. So its failure may come later than its line; the body fails as a whole all the
/// same. Used by one thread only.
final class PostgreSQLTransaction: LedgerTransaction {
  enum Mode: Sendable {
    /// Sees one snapshot, locks nothing.
    case read
    /// Locks before it reads, until its end (``RowLock``).
    case write
  }

  let mode: Mode
  private let session: PostgreSQLSession
  private let watch: OwnerWatch
  private var waiting: [Waiting] = []
  /// The grants whose rows are locked, and with them all their uses.
  private var lockedGrants: Set<Serial> = []
  private var book = Book.free
  /// Of use under the book's lock only.
  var cache = RowCache()
  /// As it was when the present member began.
  private var before = Before()
  /// What failed first, if anything did; the body may have hidden it.
  private(set) var failure: PostgreSQLError?
  /// Changes that the server has seen since ``beginMember()``.
  private(set) var changes = Changes.none

  /// Changes of any member, those that still wait included.
  private(set) var hasChanged = Changes.none
  /// Whether the server has heard of this transaction.
  private(set) var contact = Contact.none
  private var ownWaitingChanges = 0

  enum Changes: Sendable { case none, sent }
  enum Contact: Sendable { case none, made }
  private enum Book { case free, locked }

  private struct Waiting {
    var command: PostgreSQLCommand
    var kind: Kind

    enum Kind { case change, other }
  }

  private struct Before {
    var book = Book.free
    var lockedGrants: Set<Serial> = []
    var cache = RowCache()
  }

  /// - Parameter opening: `BEGIN`, to go out with the first statement.
  init(_ mode: Mode, on session: PostgreSQLSession, watch: OwnerWatch, opening: PostgreSQLStatement) {
    self.mode = mode
    self.session = session
    self.watch = watch
    self.waiting = [Waiting(command: PostgreSQLCommand(opening), kind: .other)]
  }

  func liveness(of owner: Owner) -> OwnerLiveness { self.watch.liveness(of: owner) }

  /// Answers to `command`, after all that waits.
  func results(_ commands: [PostgreSQLCommand], changing: Changes = .none)
    throws(Outage) -> [PostgreSQLResult]
  {
    let flight = self.waiting.map(\.command) + commands
    if changing == .sent {
      self.changes = .sent
      self.hasChanged = .sent
    }
    if self.ownWaitingChanges > 0 { self.changes = .sent }
    self.waiting = []
    self.mark = 0
    self.ownWaitingChanges = 0
    self.contact = .made
    do throws(PostgreSQLError) {
      return Array(try self.session.fly(flight).suffix(commands.count))
    } catch {
      self.failure = self.failure ?? error
      throw error.outage
    }
  }

  func rows(
    _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = [], under lock: RowLock = .book
  ) throws(Outage) -> [PostgreSQLRow] {
    self.take(lock)
    guard let result = try self.results([PostgreSQLCommand(statement, values)]).last else { return [] }
    return result.rows
  }

  func row(
    _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = [], under lock: RowLock = .book
  ) throws(Outage) -> PostgreSQLRow? {
    try self.rows(statement, values, under: lock).first
  }

  /// A change whose answer the body needs.
  func changed(_ statement: PostgreSQLStatement, _ values: [PostgreSQLValue]) throws(Outage)
    -> PostgreSQLResult
  {
    self.take(.book)
    let results = try self.results([PostgreSQLCommand(statement, values)], changing: .sent)
    return try PostgreSQLRow.present(results.last)
  }

  /// A change that can wait.
  func change(
    _ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = [], under lock: RowLock = .book,
    of payment: PaymentID? = nil
  ) {
    self.take(lock)
    self.wait(for: PostgreSQLCommand(statement, values, of: payment), .change)
    self.ownWaitingChanges += 1
    self.hasChanged = .sent
  }

  // MARK: Locks

  /// What a body holds from its first look at rows until the transaction's end.
  enum RowLock {
    /// One transaction at a time works on payments, money and meters. Nearly each of them moves the same few
    /// rows (a mint's counters and exposure); were only those locked, groups of bodies would lock them in
    /// every order and wait for each other in circles.
    case book
    /// A grant's row guards the grant and all its uses, so that counted passes need not wait for money.
    case grant(Serial)
    case none
  }

  /// The lock goes out with the statement that needs it, ahead of it: each statement sees what was committed
  /// when it began.
  private func take(_ lock: RowLock) {
    guard self.mode == .write else { return }
    switch lock {
    case .book:
      guard self.book == .free else { return }
      self.book = .locked
      self.wait(for: PostgreSQLCommand(Self.lockBook, [.integer(Self.bookKey)]))
    case .grant(let serial):
      guard self.lockedGrants.insert(serial).inserted else { return }
      self.wait(for: PostgreSQLCommand(Self.lockGrant, [.bytes(serial.bytes)]))
    case .none: return
    }
  }

  /// One that is not there was not locked, and may come.
  func forgetGrant(_ serial: Serial) {
    self.lockedGrants.remove(serial)
    self.cache.uses[serial] = nil
  }

  private static let lockGrant = PostgreSQLStatement(
    "grant_lock", "SELECT 1 FROM grants WHERE serial = $1 FOR NO KEY UPDATE")
  private static let lockBook = PostgreSQLStatement(
    "book_lock", "SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), $1))")
  /// "Turnbook" in ASCII, mixed with the schema's name: keys belong to a database, which may hold several
  /// books. Keys of owners are random.
  private static let bookKey: Int64 = 0x5475_726E_626F_6F6B

  /// Looks at the rows that the bodies will, all at once.
  func prepare(_ expected: [ExpectedRows]) {
    let payments = Set(expected.flatMap(\.payments))
    let nullifiers = Set(expected.flatMap(\.nullifiers))
    if !payments.isEmpty || !nullifiers.isEmpty {
      self.take(.book)
      _ = try? self.look(at: Array(payments), Array(nullifiers))
    }
    let uses = expected.flatMap(\.uses)
    guard self.failure == nil, !uses.isEmpty else { return }
    // In one order everywhere, so that groups do not wait for each other in circles.
    for serial in Set(uses.map(\.serial)).sorted(by: { $0.number < $1.number }) { self.take(.grant(serial)) }
    _ = try? self.look(at: uses)
  }

  /// A total was moved, and will be written.
  func promiseChange() { self.hasChanged = .sent }

  /// Lets the totals that were moved wait to be sent; once for all who moved them.
  func writeTotals() {
    for (name, total) in self.cache.counters where !total.isWritten {
      self.writeCounter(name, total.value)
      self.cache.counters[name]?.isWritten = true
    }
    for (key, total) in self.cache.exposures where !total.isWritten {
      self.writeExposure(key, total.value)
      self.cache.exposures[key]?.isWritten = true
    }
  }

  // MARK: Members of a group

  /// Starts another body on the same transaction. What an earlier one left waiting stays, and goes out first.
  func beginMember(after control: PostgreSQLStatement? = nil) {
    self.changes = .none
    self.ownWaitingChanges = 0
    self.before = Before(book: self.book, lockedGrants: self.lockedGrants, cache: self.cache)
    if let control { self.control(control) }
    self.mark = self.waiting.count
  }

  /// Where this member's own commands begin, while none has gone out.
  private var mark = 0

  /// Forgets the changes that the present member left waiting; the locks it asked for stay asked for.
  func dropWaiting() {
    let own = self.waiting[self.mark...].filter { $0.kind != .change }
    self.waiting.replaceSubrange(self.mark..., with: own)
    self.ownWaitingChanges = 0
    self.cache = self.before.cache
  }

  /// Sends all that waits.
  func flush() throws(Outage) {
    self.writeTotals()
    if !self.waiting.isEmpty { _ = try self.results([]) }
  }

  /// Lets a statement that neither reads nor changes rows wait.
  func control(_ statement: PostgreSQLStatement) { self.wait(for: PostgreSQLCommand(statement)) }

  private func wait(for command: PostgreSQLCommand, _ kind: Waiting.Kind = .other) {
    self.waiting.append(Waiting(command: command, kind: kind))
  }

  /// Sends what undoes the present member; locks that it took are gone with it.
  func recover(by rollback: PostgreSQLStatement) {
    self.failure = nil
    self.lockedGrants = self.before.lockedGrants
    self.book = self.before.book
    self.cache = self.before.cache
    self.control(rollback)
    _ = try? self.results([])
  }
}
