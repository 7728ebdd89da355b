package import Octets

/// One HTTP request. The connection may use the object again for another request once nobody else holds it;
/// therefore it is read during the call it is given to, and what must outlive the call is copied.
package final class HTTPRequest {
  /// As received, e.g. `GET`.
  package var method: [UInt8] = []
  /// `:path`, or the request-target; of an absolute-form target the part behind the authority. Raw, not decoded.
  package var target: [UInt8] = []
  /// `:authority` or `Host`.
  package var authority: FieldList.Occurrence {
    get {
      switch self.authorityCount {
      case 0: .absent
      case 1: .once(self.authorityBytes[...])
      default: .repeated
      }
    }
    set {
      self.authorityBytes.removeAll(keepingCapacity: true)
      switch newValue {
      case .absent: self.authorityCount = 0
      case .repeated: self.authorityCount = 2
      case .once(let value):
        self.authorityCount = 1
        self.authorityBytes.append(contentsOf: value)
      }
    }
  }
  /// `:scheme`; nil on HTTP/1.
  package var scheme: [UInt8]?
  /// Lower-case names, no pseudo-header fields.
  package var fields = FieldList()
  /// Empty while the service is asked for its ``Intake``.
  package var body: [UInt8] = []
  package var version: HTTPVersion = .http2
  package internal(set) var peer: Peer
  /// From `grpc-timeout`.
  package var deadline: ContinuousClock.Instant?

  /// Nil when the fields were not appended by ``appendField(_:_:)``.
  private var notedTraits: RequestTraits?
  private var authorityBytes: [UInt8] = []
  private var authorityCount = 0

  package init(peer: Peer) { self.peer = peer }

  /// Forgets everything but the peer, and keeps the memory.
  func reset() {
    self.method.removeAll(keepingCapacity: true)
    self.target.removeAll(keepingCapacity: true)
    self.authority = .absent
    self.scheme = nil
    self.fields.removeAll()
    self.body.removeAll(keepingCapacity: true)
    self.deadline = nil
    self.notedTraits = nil
  }

  var traits: RequestTraits { self.notedTraits ?? RequestTraits(self.fields) }

  func appendField(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    var traits = self.notedTraits ?? []
    unsafe traits.note(name, value)
    self.notedTraits = traits
    unsafe self.fields.append(name: name, value: value)
  }

  /// Puts one field of an HTTP/2 head where it belongs. nghttp2 has checked names, values, order and repeats of
  /// pseudo-header fields (RFC 9113 §8.3).
  func appendHTTP2Field(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    guard let first = unsafe name.first, first == ASCII.colon else {
      return unsafe self.appendField(name, value)
    }
    switch name.count {
    case 5: unsafe self.target.append(contentsOf: value)
    case 7 where unsafe name[1] == 0x6D: unsafe self.method.append(contentsOf: value)  // :method
    case 7: unsafe self.setScheme(value)
    case 10: unsafe self.setAuthority(value)
    default: break
    }
  }

  func setAuthority(_ value: UnsafeBufferPointer<UInt8>) {
    self.authorityBytes.removeAll(keepingCapacity: true)
    unsafe self.authorityBytes.append(contentsOf: value)
    self.authorityCount = 1
  }

  func setScheme(_ value: UnsafeBufferPointer<UInt8>) {
    if unsafe value.matches("http") {
      self.scheme = Self.http
    } else if unsafe value.matches("https") {
      self.scheme = Self.https
    } else {
      self.scheme = unsafe Array(value)
    }
  }

  private static let http = Array("http".utf8)
  private static let https = Array("https".utf8)
}
