internal import CPostgreSQL
internal import Gate
private import Glibc

/// One connection to the server, always in libpq's pipeline mode
/// (<https://www.postgresql.org/docs/15/libpq-pipeline-mode.html>).
///
/// Owns libpq's `PGconn`. Every call blocks, up to its deadline: it belongs to one thread of ours.
@safe final class PostgreSQLSession {
  /// Per host of the URL.
  static let connectSeconds = 3
  /// How long the server works on, and waits for locks for, one statement; then it gives up by itself.
  static let statementTime: Duration = .seconds(5)
  static let lockTime: Duration = .seconds(2)
  /// How long we wait for an answer; longer than the server's own limit, so that this one means it is gone.
  static let patience: Duration = .seconds(7)

  private let handle: OpaquePointer
  private let address: PostgreSQLAddress
  private var prepared: Set<String> = []

  init(to address: PostgreSQLAddress) throws(PostgreSQLError) {
    self.address = address
    guard let handle = unsafe Self.connect(address) else {
      preconditionFailure("libpq makes a connection object unless memory has run out.")
    }
    unsafe self.handle = handle
    guard unsafe PQstatus(handle) == CONNECTION_OK else {
      throw .lost(address.redacted(unsafe String(cString: PQerrorMessage(handle))))
    }
    // The server's notices would go to our standard error.
    _ = unsafe PQsetNoticeReceiver(handle, { _, _ in }, nil)
    guard unsafe PQsetnonblocking(handle, 1) == 0, unsafe PQenterPipelineMode(handle) == 1 else {
      throw self.lost()
    }
    try self.fly([Self.settings])
  }

  deinit { unsafe PQfinish(self.handle) }

  /// Sends all commands at once and waits for all answers: one round trip.
  ///
  /// The first that fails is thrown; those behind it have not been run. A command that did not change the one
  /// row it expects has missed, and those behind it *have* been run: the caller rolls back.
  @discardableResult
  func fly(_ commands: [PostgreSQLCommand], within patience: Duration = PostgreSQLSession.patience)
    throws(PostgreSQLError) -> [PostgreSQLResult]
  {
    let deadline = ContinuousClock.now + patience
    var steps: [Step] = []
    for command in commands {
      let statement = command.statement
      if !statement.name.isEmpty, self.prepared.insert(statement.name).inserted {
        try self.check(unsafe PQsendPrepare(self.handle, statement.name, statement.sql, 0, nil))
        steps.append(.prepare(statement))
      }
      try self.send(command)
      steps.append(.execute(command))
    }
    try self.check(unsafe PQpipelineSync(self.handle))
    try self.flush(until: deadline)
    return try self.answers(to: steps, until: deadline)
  }

  private enum Step {
    case prepare(PostgreSQLStatement)
    case execute(PostgreSQLCommand)
  }

  private func answers(to steps: [Step], until deadline: ContinuousClock.Instant)
    throws(PostgreSQLError) -> [PostgreSQLResult]
  {
    var results: [PostgreSQLResult] = []
    var failure: PostgreSQLError?
    for step in steps {
      do throws(PostgreSQLError) {
        let result = try self.answer(until: deadline)
        guard case .execute(let command) = step else { continue }
        results.append(result)
        if command.statement.expectation == .oneRow, result.changed != 1 {
          failure = failure ?? .missed(command.payment)
        }
      } catch {
        if case .lost = error { throw error }
        if case .prepare(let statement) = step { self.prepared.remove(statement.name) }
        failure = failure ?? error
      }
    }
    try self.endOfFlight(until: deadline)
    if let failure { throw failure }
    return results
  }

  private func send(_ command: PostgreSQLCommand) throws(PostgreSQLError) {
    let arguments = PostgreSQLArguments(command.values)
    let count = Int32(command.values.count)
    let formats = [Int32](repeating: 1, count: command.values.count)
    let sent = unsafe arguments.bytes.withUnsafeBytes { bytes in
      let pointers = unsafe arguments.offsets.map { offset in
        unsafe offset.flatMap {
          unsafe bytes.baseAddress?.advanced(by: $0).assumingMemoryBound(to: CChar.self)
        }
      }
      return if command.statement.name.isEmpty {
        unsafe PQsendQueryParams(
          self.handle, command.statement.sql, count, nil, pointers, arguments.lengths, formats, 1)
      } else {
        unsafe PQsendQueryPrepared(
          self.handle, command.statement.name, count, pointers, arguments.lengths, formats, 1)
      }
    }
    try self.check(sent)
  }

  /// The answer to one step: libpq gives the result and then a null.
  private func answer(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) -> PostgreSQLResult {
    guard let handle = unsafe try self.next(until: deadline) else { throw self.lost() }
    let result = unsafe PostgreSQLResult(owning: handle)
    while let extra = unsafe try self.next(until: deadline) { unsafe PQclear(extra) }
    switch unsafe PQresultStatus(handle) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return result
    case PGRES_PIPELINE_ABORTED: throw .refused(sqlState: "", "Skipped behind a statement that failed.")
    default:
      guard let state = unsafe PQresultErrorField(handle, Int32(UnicodeScalar("C").value)) else {
        throw self.lost()
      }
      let text = unsafe PQresultErrorField(handle, Int32(UnicodeScalar("M").value))
      throw PostgreSQLError(
        sqlState: unsafe String(cString: state), message: unsafe text.map { unsafe String(cString: $0) } ?? ""
      )
    }
  }

  private func endOfFlight(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) {
    guard let handle = unsafe try self.next(until: deadline) else { throw self.lost() }
    defer { unsafe PQclear(handle) }
    guard unsafe PQresultStatus(handle) == PGRES_PIPELINE_SYNC else { throw self.lost() }
  }

  private func next(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) -> OpaquePointer? {
    while unsafe PQisBusy(self.handle) == 1 {
      try self.wait(for: POLLIN, until: deadline)
      try self.check(unsafe PQconsumeInput(self.handle))
    }
    return unsafe PQgetResult(self.handle)
  }

  /// Reads while it writes, as the server may stop reading until somebody takes its answers.
  private func flush(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) {
    while true {
      switch unsafe PQflush(self.handle) {
      case 0: return
      case 1:
        let ready = try self.wait(for: POLLIN | POLLOUT, until: deadline)
        if ready & Int16(POLLIN) != 0 { try self.check(unsafe PQconsumeInput(self.handle)) }
      default: throw self.lost()
      }
    }
  }

  @discardableResult
  private func wait(for events: Int32, until deadline: ContinuousClock.Instant) throws(PostgreSQLError)
    -> Int16
  {
    while true {
      let left = deadline - .now
      guard left > .zero else { throw .lost("the server did not answer in time.") }
      var socket = unsafe pollfd(fd: PQsocket(self.handle), events: Int16(events), revents: 0)
      let count = unsafe poll(&socket, 1, Int32(clamping: left.inMilliseconds + 1))
      if count > 0 { return socket.revents }
      guard count == 0 || errno == EINTR else { throw .lost("poll failed with errno \(errno).") }
    }
  }

  private func check(_ isDone: Int32) throws(PostgreSQLError) { if isDone != 1 { throw self.lost() } }

  private func lost() -> PostgreSQLError {
    let message = unsafe String(cString: PQerrorMessage(self.handle))
    return .lost(message.isEmpty ? "the connection broke." : self.address.redacted(message))
  }
}

extension PostgreSQLSession {
  private static func connect(_ address: PostgreSQLAddress) -> OpaquePointer? {
    let parameters = address.parameters
    let texts = unsafe parameters.map { pair in unsafe (strdup(pair.keyword), strdup(pair.value)) }
    defer {
      for unsafe(keyword, value) in unsafe texts {
        unsafe free(keyword)
        unsafe free(value)
      }
    }
    let keywords = unsafe texts.map { pair in unsafe UnsafePointer<CChar>(pair.0) } + [nil]
    let values = unsafe texts.map { pair in unsafe UnsafePointer<CChar>(pair.1) } + [nil]
    return unsafe PQconnectdbParams(keywords, values, 1)
  }

  /// Limits for each statement, and durability: a commit is answered once it is on disk, whatever the server's
  /// default; one that asks for more (`remote_apply`) stays.
  private static let settings = PostgreSQLCommand(
    .unnamed(
      """
      SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),
        set_config('idle_in_transaction_session_timeout', $2, false),
        set_config('default_transaction_isolation', 'read committed', false),
        set_config('jit', 'off', false),
        set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
          THEN 'on' ELSE current_setting('synchronous_commit') END, false)
      """),
    [
      .text("\(PostgreSQLSession.statementTime.inMilliseconds)ms"),
      .text("\(PostgreSQLSession.lockTime.inMilliseconds)ms"),
    ])
}
