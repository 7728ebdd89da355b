internal import Gate
internal import Octets

/// Path and host have one spelling: the spelling of a spelling is itself, or two readers would see two places.
enum PlaceInput {
  static func readPath(_ bytes: [UInt8]) {
    guard let path = CanonicalPath(target: bytes[...]) else { return }
    precondition(path.bytes.first == ASCII.slash, "a path without its root")
    precondition(!path.bytes.contains(0), "a NUL in a path")
    guard let again = CanonicalPath(target: path.bytes) else {
      preconditionFailure("its own canonical path is refused")
    }
    precondition(again == path, "a path with two spellings")
  }

  static func readHost(_ bytes: [UInt8]) {
    guard let host = CanonicalHost(bytes) else { return }
    guard let again = CanonicalHost(Array(host.text.utf8)) else {
      preconditionFailure("its own canonical host is refused")
    }
    precondition(again == host, "a host with two spellings")
  }
}
