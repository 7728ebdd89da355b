package import Gate
internal import Synchronization

/// Holds this process's advisory lock on a thread and in a session of its own, and looks for those of others.
///
/// Its connection lost, it takes the lock again at once. When that takes longer than half the watch's grace,
/// others may believe us dead: then it takes a new name, and says so. What is in flight under the old name is
/// taken over by whoever finds it; the terms of its claims keep both from writing it down.
final class OwnerKeeper: Sendable {
  private struct State: Sendable {
    var phase = Phase.running
    /// Counts confirmations, for those who wait for one.
    var beats = 0

    enum Phase { case running, closed }
  }

  let watch: OwnerWatch
  private let address: PostgreSQLAddress
  private let state = Monitor(State())
  private let notice: @Sendable (PostgreSQLNotice) -> Void

  /// Takes the lock in `session`, which it keeps; blocks.
  init(
    _ address: PostgreSQLAddress, session: sending PostgreSQLSession, grace: Duration,
    notice: @escaping @Sendable (PostgreSQLNotice) -> Void
  ) throws(Outage) {
    self.address = address
    self.watch = OwnerWatch(grace: grace)
    self.notice = notice
    let asked = ContinuousClock.now
    do throws(PostgreSQLError) {
      guard try Self.lock(self.watch.owner, in: session) == .taken else { throw .raced(.lockTimeout) }
    } catch {
      throw error.outage
    }
    self.watch.prove(self.watch.owner, at: asked)
    let handed = Mutex<PostgreSQLSession?>(session)
    let (watch, state) = (self.watch, self.state)
    try BlockingThread.start {
      Beating(watch: watch, state: state, address: address, notice: notice).run(Self.take(handed))
    }
  }

  /// The lock goes with the keeper's thread.
  func close() { self.state.change { $0.phase = .closed } }

  /// The session crosses to the one thread that uses it, once.
  private static func take(_ handed: borrowing Mutex<PostgreSQLSession?>) -> PostgreSQLSession {
    let session = handed.withLock { session in
      let taken = session
      session = nil
      return taken
    }
    guard let session else { preconditionFailure("A session is taken once.") }
    return session
  }

  enum Proof: Sendable { case alive, unproven }

  /// Whether others must still believe that whoever bears one of these names lives; waits a little for the
  /// next confirmation where the last is old.
  func proveAlive(_ owners: [Owner]) -> Proof {
    if !self.watch.isProven {
      let before = self.state.withLock { $0.beats }
      _ = self.state.wait(atMost: self.watch.grace) { $0.beats > before ? true : nil }
    }
    let owner = self.watch.owner
    return self.watch.isProven && owners.allSatisfy { $0 == owner } ? .alive : .unproven
  }

  private enum Locking { case taken, held }

  private static func lock(_ owner: Owner, in session: PostgreSQLSession) throws(PostgreSQLError) -> Locking {
    guard let key = OwnerWatch.key(of: owner) else {
      preconditionFailure("Names that we make have keys.")
    }
    let answers = try session.fly([PostgreSQLCommand(self.tryLock, [.integer(key)])])
    do throws(Outage) {
      return try answers.first?.first?.integer(0) == 1 ? .taken : .held
    } catch {
      throw .damaged
    }
  }

  private static let tryLock = PostgreSQLStatement(
    "owner_lock", "SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1::bigint ELSE 0 END")

  /// What the thread does.
  private struct Beating {
    let watch: OwnerWatch
    let state: Monitor<State>
    let address: PostgreSQLAddress
    let notice: @Sendable (PostgreSQLNotice) -> Void

    /// Several per half grace, so that one slow answer is no loss.
    private var pause: Duration { self.watch.grace / 16 }

    func run(_ first: PostgreSQLSession) {
      var session: PostgreSQLSession? = first
      while self.state.wait(atMost: self.pause, { $0.phase == .closed ? true : nil }) == nil {
        do throws(PostgreSQLError) {
          if let current = session { try self.beat(current) } else { session = try self.takeAgain() }
          self.state.change { $0.beats += 1 }
        } catch {
          if session != nil { self.notice(.lost(error.outage.message)) }
          session = nil
          self.watch.forgetSights()
        }
      }
    }

    private func beat(_ session: PostgreSQLSession) throws(PostgreSQLError) {
      let owners = self.watch.watched
      let asked = ContinuousClock.now
      let question = owners.isEmpty ? Self.nothing : Self.heldKeys
      let answers = try session.fly([PostgreSQLCommand(question)], within: self.watch.grace / 4)
      var held: Set<Int64> = []
      do throws(Outage) {
        for row in answers.first?.rows ?? [] { held.insert(try row.integer(0)) }
      } catch {
        throw .damaged
      }
      self.watch.prove(self.watch.owner, at: asked)
      self.watch.note(owners, held: held, asked: asked)
    }

    private func takeAgain() throws(PostgreSQLError) -> PostgreSQLSession {
      let session = try PostgreSQLSession(to: self.address)
      let old = self.watch.owner
      let asked = ContinuousClock.now
      // The server may not have noticed yet that the old session is gone; then its lock is held.
      if self.watch.silence < self.watch.grace / 2 {
        guard try OwnerKeeper.lock(old, in: session) == .taken else { throw .raced(.lockTimeout) }
        // Others may have seen us absent for longer while we asked.
        if self.watch.silence < self.watch.grace / 2 {
          self.watch.prove(old, at: asked)
          self.notice(.found)
          return session
        }
      }
      let new = OwnerWatch.newName()
      guard try OwnerKeeper.lock(new, in: session) == .taken else { throw .raced(.lockTimeout) }
      self.watch.prove(new, at: asked)
      self.notice(.renamed(from: old, to: new))
      return session
    }

    private static let nothing = PostgreSQLStatement("owner_beat", "SELECT 0::bigint")
    /// Keys of one 64-bit number are shown in two halves, with `objsubid` 1
    /// (<https://www.postgresql.org/docs/15/view-pg-locks.html>).
    private static let heldKeys = PostgreSQLStatement(
      "owner_held",
      """
      SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
      WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND mode = 'ExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      """)
  }
}

/// What an operator should read in the log.
package enum PostgreSQLNotice: Sendable {
  /// The session that proves that this process lives broke; it is being taken again.
  case lost(String)
  case found
  /// Others may have taken this process for dead; it goes on under another name.
  case renamed(from: Owner, to: Owner)
}
