internal import JSON

/// One request to the API, before it has an address and a credential.
struct APICall: Sendable, Equatable {
  enum Verb: Sendable, Equatable {
    case get
    case post([UInt8])
    /// RFC 7386: members replace, null removes; lists are replaced whole.
    case mergePatch([UInt8])
    case delete([UInt8])
  }

  var verb: Verb
  /// Begins with `/`, in its final spelling.
  var path: String
  var query: [(name: String, value: String)]

  static func == (a: APICall, b: APICall) -> Bool { a.verb == b.verb && a.target == b.target }

  init(_ verb: Verb, _ kind: ResourceKind, in namespace: String?, name: String? = nil) {
    self.verb = verb
    self.path = kind.group.isEmpty ? "/api/\(kind.version)" : "/apis/\(kind.group)/\(kind.version)"
    if kind.isNamespaced, let namespace { self.path += "/namespaces/\(Self.encode(namespace))" }
    self.path += "/\(kind.plural)"
    if let name { self.path += "/\(Self.encode(name))" }
    self.query = []
  }

  var target: String {
    self.query.isEmpty
      ? self.path
      : self.path + "?" + self.query.map { "\($0.name)=\(Self.encode($0.value))" }.joined(separator: "&")
  }

  /// All but the unreserved characters (RFC 3986 §2.3).
  private static func encode(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        out.append(byte)
      default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

/// Which objects are meant.
package struct Selector: Sendable, Hashable {
  /// All of these labels with these values.
  package var labels: [String: String]
  /// All of these fields; each kind knows a few (`metadata.name`, `involvedObject.uid`).
  package var fields: [String: String]

  package init(labels: [String: String] = [:], fields: [String: String] = [:]) {
    self.labels = labels
    self.fields = fields
  }

  var query: [(name: String, value: String)] {
    func text(_ texts: [String: String]) -> String {
      texts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
    return (self.labels.isEmpty ? [] : [("labelSelector", text(self.labels))])
      + (self.fields.isEmpty ? [] : [("fieldSelector", text(self.fields))])
  }
}
