/// Why the keys cannot be used; never a part of them.
struct KeysFault: Error, CustomStringConvertible {
  var path: String
  var reason: String

  init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  var description: String { "\(self.path) \(self.reason)" }
}
