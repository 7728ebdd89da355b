internal import Gate
internal import JSON
internal import Octets

/// Which resource a buyer means: its `url`, or `host` and `path`, with the `method` it is asked by. An empty `host` is
/// said aloud: the proxy in front tells none.
struct ResourceRequest {
  /// As the buyer wrote it; shown back to him.
  var resource: String
  var method: RequestMethod
  var host: [UInt8]?
  var target: [UInt8]

  private static let names: Set<String> = ["url", "host", "path", "method"]

  /// From the query, a form or a JSON object; a JSON body counts for itself alone.
  init(_ request: PublicRequest) throws(PublicAnswer.Fault) {
    let parameters = try Self.parameters(of: request)
    func value(_ name: String) throws(PublicAnswer.Fault) -> String? {
      let values = Set(parameters.filter { $0.name == name }.map(\.value))
      guard values.count <= 1 else { throw .badRequest }
      return values.first
    }
    let method = try value("method") ?? "GET"
    guard !method.isEmpty, method.utf8.count <= 32, method.utf8.allSatisfy(ASCII.isToken) else {
      throw .badRequest
    }
    self.method = RequestMethod(Array(method.utf8))
    if let url = try value("url") {
      guard let (host, target) = Self.split(url) else { throw .badRequest }
      guard let host else { throw .hostMissing }
      self.resource = url
      self.host = host
      self.target = target
    } else {
      guard let path = try value("path"), path.hasPrefix("/") else { throw .badRequest }
      // A pass holds on one host: one for no host would be paid, and open nothing.
      guard let host = try value("host") else { throw .hostMissing }
      self.resource = host + path
      self.host = host.isEmpty ? nil : Array(host.utf8)
      self.target = Array(path.utf8)
    }
  }

  func exchange(_ request: PublicRequest) -> ExchangeRequest {
    ExchangeRequest(
      method: self.method, target: self.target, host: self.host, fields: request.fields,
      client: request.client)
  }

  private static func parameters(of request: PublicRequest) throws(PublicAnswer.Fault)
    -> [PublicRequest.Parameter]
  {
    guard !request.body.isEmpty else { return request.query }
    guard case .once(let type) = request.fields.only("content-type") else { throw .unsupportedMediaType }
    let media = type.prefix { $0 != ASCII.semicolon }.trimmed
    if media.equalsIgnoringCase("application/x-www-form-urlencoded") {
      return request.query + FormText.read(request.body)
    }
    guard media.equalsIgnoringCase("application/json") else { throw .unsupportedMediaType }
    guard let members = (try? JSONReader.read(request.body))?.members else { throw .badRequest }
    var parameters: [PublicRequest.Parameter] = []
    for member in members where Self.names.contains(member.name) {
      // Left out, a method that is no text would be GET.
      guard let value = member.value.string else { throw .badRequest }
      parameters.append(PublicRequest.Parameter(name: member.name, value: value))
    }
    return parameters
  }

  /// Host and target of an http or https address without user information; a bare path has no host.
  static func split(_ url: String) -> (host: [UInt8]?, target: [UInt8])? {
    let bytes = Array(url.utf8)
    if bytes.first == ASCII.slash { return (nil, bytes) }
    for scheme in ["https://", "http://"] as [StaticString] where bytes.startsIgnoringCase(with: scheme) {
      let rest = bytes.dropFirst(scheme.utf8CodeUnitCount).prefix { $0 != 0x23 }
      let host = rest.prefix { $0 != ASCII.slash && $0 != ASCII.question }
      let target = rest.dropFirst(host.count)
      guard !host.isEmpty else { return nil }
      return (Array(host), target.first == ASCII.slash ? Array(target) : [ASCII.slash] + target)
    }
    return nil
  }
}
