internal import Gate
private import Synchronization

/// One waiting caller, with what he wants done.
protocol PostgreSQLJob: AnyObject, Sendable {
  /// This process's name when the job came; its body may hold it.
  var owner: Owner { get }
  /// What its body will look at.
  var expected: ExpectedRows { get }
  /// Runs the body and keeps what it came to; a later run replaces an earlier one.
  func run(_ rows: PostgreSQLTransaction) -> PostgreSQLJobEnd
  /// Replaces what the body came to.
  func fail(_ outage: Outage)
  /// Answers the caller, once.
  func finish()
}

enum PostgreSQLJobEnd: Sendable { case done, failed }

extension PostgreSQLJob {
  func finish(failing outage: Outage) {
    self.fail(outage)
    self.finish()
  }
}

final class PostgreSQLBodyJob<R: Sendable>: PostgreSQLJob {
  let owner: Owner
  let expected: ExpectedRows
  private let body: @Sendable (PostgreSQLTransaction) -> Result<R, Outage>
  private let continuation: CheckedContinuation<Result<R, Outage>, Never>
  private let result = Mutex<Result<R, Outage>?>(nil)

  init(
    owner: Owner, expected: ExpectedRows, continuation: CheckedContinuation<Result<R, Outage>, Never>,
    body: @escaping @Sendable (PostgreSQLTransaction) -> Result<R, Outage>
  ) {
    self.owner = owner
    self.expected = expected
    self.continuation = continuation
    self.body = body
  }

  func run(_ rows: PostgreSQLTransaction) -> PostgreSQLJobEnd {
    let result = self.body(rows)
    self.result.withLock { $0 = result }
    return if case .success = result { .done } else { .failed }
  }

  func fail(_ outage: Outage) { self.result.withLock { $0 = .failure(outage) } }

  func finish() {
    guard let result = self.result.withLock({ $0 }) else {
      preconditionFailure("A job is answered after it has run or failed.")
    }
    self.continuation.resume(returning: result)
  }
}
