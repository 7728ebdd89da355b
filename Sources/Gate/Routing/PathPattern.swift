internal import Octets

/// A path as a route names it: `*` is one segment, `**` any number of them, everything else is literal.
///
/// A trailing slash means nothing here, in pattern and path alike: apps serve `/x` and `/x/` as one page, and a price
/// that depended on it would be none.
public struct PathPattern: Hashable, Sendable {
  public enum Part: Hashable, Sendable {
    case literal([UInt8])
    case one
    case any
  }

  /// As written.
  public let text: String
  /// The segments before the first wildcard, as `/a/b`; empty for none. The longest wins.
  public let literalPrefix: [UInt8]
  /// What follows the literal prefix; empty for a literal path.
  public let rest: [Part]

  /// Why a text is no pattern.
  public enum Fault: Error, Hashable, Sendable {
    case notAbsolute
    case notCanonical
    case partialWildcard(String)
  }

  public init(_ text: String) throws(Fault) {
    guard text.hasPrefix("/") else { throw .notAbsolute }
    guard let path = CanonicalPath(target: Array(text.utf8)[...]), !text.contains("?") else {
      throw .notCanonical
    }
    var prefix: [UInt8] = []
    var rest: [Part] = []
    for segment in path.bytes.split(separator: ASCII.slash) {
      switch String(decoding: segment, as: UTF8.self) {
      case "*": rest.append(.one)
      case "**": if rest.last != .any { rest.append(.any) }
      case let name where name.contains("*"): throw .partialWildcard(name)
      default:
        if rest.isEmpty {
          prefix.append(ASCII.slash)
          prefix += segment
        } else {
          rest.append(.literal(Array(segment)))
        }
      }
    }
    self.text = text
    self.literalPrefix = prefix
    self.rest = rest
  }

  /// Whether what follows the literal prefix (empty, or beginning with `/`) fits.
  func matches(rest path: ArraySlice<UInt8>) -> Bool {
    if self.rest.isEmpty { return path.isEmpty || path.elementsEqual([ASCII.slash]) }
    if self.rest == [.any] { return true }
    let segments = path.split(separator: ASCII.slash)
    // Greedy with one point of return per `**`: linear for each, so no pattern takes exponential time.
    var (part, segment) = (0, 0)
    var retry: (part: Int, segment: Int)?
    while segment < segments.count || part < self.rest.count {
      if part < self.rest.count {
        switch self.rest[part] {
        case .any:
          retry = (part, segment + 1)
          part += 1
          continue
        case .one where segment < segments.count:
          (part, segment) = (part + 1, segment + 1)
          continue
        case .literal(let name) where segment < segments.count && segments[segment].elementsEqual(name):
          (part, segment) = (part + 1, segment + 1)
          continue
        case .one, .literal: break
        }
      }
      guard let again = retry, again.segment <= segments.count else { return false }
      retry = (again.part, again.segment + 1)
      (part, segment) = (again.part + 1, again.segment)
    }
    return true
  }
}
