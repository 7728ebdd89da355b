private import Glibc

/// A call of the system that failed, with its reason.
struct SystemFault: Error {
  let code: CInt
  let call: String
  let path: String?

  /// Takes the reason from `errno`: made right after the call.
  init(_ call: String, _ path: String? = nil) {
    self.init(code: errno, call, path)
  }

  init(code: CInt, _ call: String, _ path: String? = nil) {
    self.code = code
    self.call = call
    self.path = path
  }

  /// `open /var/lib/x: Permission denied`.
  var text: String { "\(self.call)\(self.path.map { " \($0)" } ?? ""): \(self.reason)" }

  /// `Permission denied`
  var reason: String {
    var reason = [CChar](repeating: 0, count: 128)
    _ = unsafe strerror_r(self.code, &reason, reason.count)
    return String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  var fault: BackendFault { .unavailable(self.text) }
}
