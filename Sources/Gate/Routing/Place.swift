/// Step 1: where a request goes, in the one spelling that routes, passes and rows use.
public struct Place: Sendable {
  public let path: CanonicalPath
  public let host: CanonicalHost?

  /// Nil when path or host have more than one reading, or an absolute-form target names another host.
  public init?(_ request: AccessRequest) {
    guard let path = CanonicalPath(target: request.target) else { return nil }
    var host: CanonicalHost?
    if let bytes = request.host {
      guard let canonical = CanonicalHost(bytes) else { return nil }
      host = canonical
    }
    if let authority = path.authority {
      guard let canonical = CanonicalHost(authority), host == nil || canonical == host else { return nil }
      host = canonical
    }
    self.path = path
    self.host = host
  }

  public var hostText: String { self.host?.text ?? "" }
}
