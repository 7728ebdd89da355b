package import JSON

/// A request as it came.
package struct APIRequest: Sendable, Equatable {
  package var method: String
  package var path: String
  package var query: [String: String]
  package var fields: [String: String]
  package var body: [UInt8]

  init(method: String, target: String, fields: [(name: String, value: String)], body: [UInt8]) {
    self.method = method
    self.body = body
    self.fields = Dictionary(fields.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    self.path = String(parts[0])
    self.query = [:]
    for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      self.query[String(halves[0])] = halves.count > 1 ? Self.decode(halves[1]) : ""
    }
  }

  private static func decode(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), let value = UInt8(digits, radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  package var json: JSON? {
    try? JSONReader.read(self.body, bounds: JSONReader.Bounds(depth: 64, values: 100_000))
  }

  /// The bearer token shown; empty for none.
  var token: String { self.fields["authorization"].map { String($0.dropFirst("Bearer ".count)) } ?? "" }

  struct Place {
    var resource: Resource
    var namespace: String
    var name: String?
    var subresource: String?
  }

  /// `/api/v1/namespaces/N/secrets/NAME`, `/apis/batch/v1/namespaces/N/jobs` …
  var place: Place? {
    var parts = self.path.split(separator: "/").map { String($0) }[...]
    let group: String
    switch parts.popFirst() {
    case "api": group = ""
    case "apis": group = parts.popFirst() ?? ""
    default: return nil
    }
    guard parts.popFirst() == "v1" else { return nil }
    var namespace = ""
    if parts.first == "namespaces", parts.count > 2 {
      parts = parts.dropFirst()
      namespace = parts.popFirst() ?? ""
    }
    guard let plural = parts.popFirst(), let resource = Resource(rawValue: plural), resource.group == group,
      parts.count <= (resource == .serviceaccounts ? 2 : 1)
    else { return nil }
    let name = parts.popFirst()
    return Place(resource: resource, namespace: namespace, name: name, subresource: parts.first)
  }

  /// `create jobs`; empty for no object's request.
  package var summary: String { self.place.map { "\(self.verb) \($0.resource.rawValue)" } ?? "" }

  /// The verb of RBAC.
  package var verb: String {
    switch self.method {
    case "POST": "create"
    case "PATCH": "patch"
    case "PUT": "update"
    case "DELETE": "delete"
    default: self.query["watch"] != nil ? "watch" : self.place?.name != nil ? "get" : "list"
    }
  }
}
