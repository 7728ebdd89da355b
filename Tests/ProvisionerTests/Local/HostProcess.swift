import Foundation

/// One process of this host.
struct HostProcess {
  let pid: Int32
  let parent: Int32
  let user: UInt32
  let state: String

  /// Nil when it is gone.
  init?(_ pid: Int32) {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return nil }
    func field(_ name: String) -> String? {
      text.split(separator: "\n").first { $0.hasPrefix(name + ":") }?.split(whereSeparator: \.isWhitespace)
        .dropFirst().first.map(String.init)
    }
    self.pid = pid
    self.parent = Int32(field("PPid") ?? "") ?? 0
    self.user = UInt32(field("Uid") ?? "") ?? 0
    self.state = field("State") ?? ""
    if self.state == "Z" || self.state == "X" { return nil }
  }

  private static var pids: [Int32] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
  }

  static func all(of user: UInt32) -> [HostProcess] {
    self.pids.compactMap { HostProcess($0) }.filter { $0.user == user }
  }

  static func all(mentioning text: String) -> [Int32] {
    self.pids.filter { pid in
      ((try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/cmdline"))).map {
        String(decoding: $0, as: UTF8.self)
      }
        ?? "").contains(text)
    }
  }

  /// Also one that has ended and that nobody has collected.
  static func isListed(_ pid: Int32) -> Bool { FileManager.default.fileExists(atPath: "/proc/\(pid)") }
}

/// Looks until it is so, for a time that is long enough for a busy host.
func eventually(_ isSo: () async -> Bool) async -> Bool {
  for _ in 0..<800 {
    if await isSo() { return true }
    try? await Task.sleep(for: .milliseconds(50))
  }
  return false
}
