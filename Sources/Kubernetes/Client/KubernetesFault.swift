/// Why a call of the API did not do what it was for.
package enum KubernetesFault: Error, Sendable, Hashable {
  /// 401: the credential is wrong or over.
  case unauthorized
  /// 403: not allowed by role, quota or admission; its message says which.
  case forbidden(Status)
  case notFound(Status)
  /// 409 to a creation.
  case alreadyExists(Status)
  /// 409: the object is another or newer than the one meant.
  case conflict(Status)
  /// 410: the resourceVersion or `continue` token is too old; list again.
  case expired(Status)
  /// 422: the object breaks a rule of its kind.
  case invalid(Status)
  /// 429, or 503 with `Retry-After`.
  case throttled(after: Duration?, Status)
  /// Any other status of 400 and above.
  case failed(Status)
  /// No answer: nothing is known to have happened.
  case unreachable(Unreachable)
  /// An answer in no shape we know.
  case malformed(String)

  package enum Unreachable: Sendable, Hashable {
    case timedOut
    /// No connection, or one that broke; the library's word.
    case disconnected(String)
    /// The service account's token or the like cannot be read.
    case credential(String)
  }

  /// What an answer of 400 or above means.
  init(_ status: Status, retryAfter: Duration?) {
    self =
      switch status.code {
      case 401: .unauthorized
      case 403: .forbidden(status)
      case 404: .notFound(status)
      case 409: status.reason == "AlreadyExists" ? .alreadyExists(status) : .conflict(status)
      case 410: .expired(status)
      case 422: .invalid(status)
      case 429: .throttled(after: retryAfter, status)
      case 503 where retryAfter != nil: .throttled(after: retryAfter, status)
      default: .failed(status)
      }
  }

  /// Whether the same call may succeed later without anybody changing anything.
  package var isPassing: Bool {
    switch self {
    case .throttled, .unreachable, .expired, .conflict: true
    case .failed(let status): status.code >= 500
    // A token that was just replaced.
    case .unauthorized: true
    case .forbidden, .notFound, .alreadyExists, .invalid, .malformed: false
    }
  }
}

extension KubernetesFault: CustomStringConvertible {
  /// For logs: the server's own words, bounded.
  package var description: String {
    switch self {
    case .unauthorized: "401 Unauthorized"
    case .forbidden(let status), .notFound(let status), .alreadyExists(let status), .conflict(let status),
      .expired(let status), .invalid(let status), .throttled(_, let status), .failed(let status):
      "\(status)"
    case .unreachable(.timedOut): "no answer in time"
    case .unreachable(.disconnected(let word)): "no connection: \(word)"
    case .unreachable(.credential(let word)): "no credential: \(word)"
    case .malformed(let what): "not an answer of the Kubernetes API: \(what)"
    }
  }
}
