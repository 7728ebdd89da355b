private import Glibc

/// A small file with a token, certificate or kubeconfig.
enum AccessFile {
  static func read(_ path: String, maxBytes: Int) throws(ClusterAccessFault) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ClusterAccessFault("\(path) cannot be opened") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = unsafe Glibc.read(descriptor, &part, part.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ClusterAccessFault("\(path) cannot be read") }
      if count == 0 { return bytes }
      bytes += part[..<count]
      guard bytes.count <= maxBytes else {
        throw ClusterAccessFault("\(path) is longer than \(maxBytes) bytes")
      }
    }
  }

  /// Without white space at either end.
  static func trimmed(_ bytes: [UInt8]) -> String {
    let isSpace: (UInt8) -> Bool = { [0x20, 0x0A, 0x0D, 0x09].contains($0) }
    var text = bytes.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
  }
}
