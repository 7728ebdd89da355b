internal import Gate
private import Glibc

/// Tells whether a transaction was committed whose answer was lost.
///
/// Each transaction that changes something leaves a random mark. When the answer to its `COMMIT` is lost, we
/// write the same mark ourselves, as `undone`: the primary key waits for the lost transaction to end, and lets
/// only one of the two be. If ours is in, the other never will be.
final class CommitMarks {
  enum Fate: Sendable { case committed, undone, unknown }

  /// How long an answer is looked for; the callers wait meanwhile.
  private static let patience: Duration = .seconds(8)

  /// Marks that nobody can ask for any more; the next transaction takes them away.
  private var settled: [[UInt8]] = []

  func add(to rows: PostgreSQLTransaction) -> [UInt8] {
    let mark = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
    for old in self.settled { rows.change(Self.delete, [.bytes(old)], under: .none) }
    rows.change(Self.insert, [.bytes(mark)], under: .none)
    return mark
  }

  func committed(_ mark: [UInt8]?) { if let mark { self.settled = [mark] } }

  func fate(of mark: [UInt8], on link: PostgreSQLLink) -> Fate {
    let end = ContinuousClock.now + Self.patience
    while ContinuousClock.now < end {
      do throws(PostgreSQLError) {
        let (session, _) = try link.open()
        let answers = try session.fly([
          PostgreSQLCommand(Self.fence, [.bytes(mark)]), PostgreSQLCommand(Self.look, [.bytes(mark)]),
        ])
        switch (try? answers.last?.first?.text(0)) ?? "" {
        case "committed": return .committed
        case "undone": return .undone
        default: return .unknown
        }
      } catch {
        if case .lost = error { link.drop() }
        usleep(100_000)
      }
    }
    return .unknown
  }

  private static let insert = PostgreSQLStatement(
    "mark_insert", "INSERT INTO commits (mark, fate) VALUES ($1, 'committed')")
  private static let delete = PostgreSQLStatement("mark_delete", "DELETE FROM commits WHERE mark = $1")
  private static let fence = PostgreSQLStatement(
    "mark_fence", "INSERT INTO commits (mark, fate) VALUES ($1, 'undone') ON CONFLICT (mark) DO NOTHING")
  private static let look = PostgreSQLStatement("mark_look", "SELECT fate FROM commits WHERE mark = $1")
}
