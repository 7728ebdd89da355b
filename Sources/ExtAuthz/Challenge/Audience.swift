internal import Gate
internal import Octets

/// What of a request the form of its answer depends on. Made only where an answer needs it: most allows do not.
struct Audience: Sendable {
  enum Client: Sendable {
    case plain
    /// Gets its challenge in headers: Envoy turns a body into `grpc-message`.
    case grpc
    /// A person at a browser: a 402 is a page.
    case browser(PagePrinter)
  }

  enum Body { case wanted, unwanted }

  enum Link { case plain, secure }

  var client = Client.plain
  var body = Body.wanted
  /// How the client reached the proxy: a cookie over `https` is `Secure`.
  var link = Link.plain
  /// For CORS.
  var origin: [UInt8]?
  /// What the client asked for, as an absolute URL where the proxy tells a host.
  var resource = "/"

  init() {}

  /// - Parameter wishes: the request's ``fieldsOfWishes``, which the gate has no use for.
  init(_ request: AccessRequest, link: Link, wishes: FieldList, printer: PagePrinter) {
    self.link = link
    if request.method == .head { self.body = .unwanted }
    if case .once(let origin) = request.fields.only("origin") { self.origin = Array(origin) }
    self.resource = Self.resource(of: request, link)
    if case .once(let type) = request.fields.only("content-type"),
      type.startsIgnoringCase(with: "application/grpc")
    {
      self.client = .grpc
    } else if request.method == .get || request.method == .head, Self.isNavigation(wishes) {
      self.client = .browser(printer)
    }
  }

  /// What tells a browser from a program; read for refusals only.
  static let fieldsOfWishes: [StaticString] = ["accept", "sec-fetch-mode"]

  private static func isNavigation(_ wishes: FieldList) -> Bool {
    if case .once(let mode) = wishes.only("sec-fetch-mode"), !mode.equalsIgnoringCase("navigate") {
      return false
    }
    return MediaRanges(wishes.values(of: "accept")).preferPage
  }

  /// A longer query, or path, is left out: it would take the place of a challenge in the head.
  private static let maxTargetBytes = 512

  private static func resource(of request: AccessRequest, _ link: Link) -> String {
    var target = request.target
    if target.count > self.maxTargetBytes { target = target.prefix { $0 != ASCII.question } }
    if target.count > self.maxTargetBytes { target = [ASCII.slash] }
    let scheme = link == .secure ? "https" : "http"
    guard target.first == ASCII.slash else { return self.visible(target) }
    guard let host = request.host, !host.isEmpty, host.count <= CanonicalHost.maxBytes else {
      return self.visible(target)
    }
    return "\(scheme)://\(self.visible(host))\(self.visible(target))"
  }

  /// Everything but visible ASCII escaped (RFC 3986 §2.1).
  private static func visible(_ bytes: ArraySlice<UInt8>) -> String {
    var out: [UInt8] = []
    for byte in bytes {
      if byte > ASCII.space, byte < 0x7F {
        out.append(byte)
      } else {
        out += [ASCII.percent] + Hex.bytes([byte])
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

extension Audience {
  var wantsPage: Bool { if case .browser = self.client { true } else { false } }
}
