import Settings
import Digest
import Logging
import Synchronization
import Telemetry
import Testing

/// Keeps the lines it is given.
final class Lines: LogSink {
  private let lines = Mutex<[String]>([])

  func write(_ line: [UInt8]) { self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  var all: [String] { self.lines.withLock { $0 } }
}

@Suite("Logs")
struct LogTests {
  private let lines = Lines()

  private func settings(_ format: LogSettings.Format, level: Logger.Level = .info) -> LogSettings {
    // 2026-11-21T08:00:00.007Z
    LogSettings(format: format, level: level, sink: self.lines, now: { 1_795_248_000_007 })
  }

  @Test("a line of text has time, level, logger, message and fields")
  func text() {
    var logger = self.settings(.text).logger("turnpike")
    logger[metadataKey: "request"] = "4c1f"
    logger.info("allowed", metadata: ["payment": "ab12", "path": "/a b"])
    #expect(
      self.lines.all == [
        "2026-11-21T08:00:00.007Z info turnpike allowed path=\"/a b\" payment=ab12 request=4c1f\n"
      ])
  }

  @Test("a line of JSON has the same members")
  func json() {
    self.settings(.json).logger("turnpike").error("out", metadata: ["request": "4c1f", "level": "x"])
    #expect(
      self.lines.all == [
        #"{"time":"2026-11-21T08:00:00.007Z","level":"error","logger":"turnpike","message":"out","level_":"x","request":"4c1f"}"#
          + "\n"
      ])
  }

  @Test("below the level nothing is written, and a reload changes it for loggers that exist")
  func level() {
    let settings = self.settings(.text)
    let logger = settings.logger("turnpike")
    logger.debug("one")
    settings.level = .debug
    logger.debug("two")
    settings.level = .error
    logger.warning("three")
    #expect(self.lines.all.count == 1)
    #expect(self.lines.all.first?.contains(" two") == true)
  }

  @Test("nobody writes a line of their own", arguments: [LogSettings.Format.text, .json])
  func injection(format: LogSettings.Format) {
    let evil = "x\n2026-11-21T08:00:00.000Z info turnpike paid\r\u{1B}[2J\u{85}\u{2028}\u{202E}\u{7F}\0\"\\"
    self.settings(format).logger("turnpike").info("\(evil)", metadata: ["path": "\(evil)", "\(evil)": "v"])
    #expect(self.lines.all.count == 1)
    let line = self.lines.all[0]
    #expect(line.unicodeScalars.filter { $0.value < 0x20 } == ["\n"])
    #expect(line.hasSuffix("\n"))
    #expect(
      !line.unicodeScalars.contains {
        (0x7F...0x9F).contains($0.value) || (0x2028...0x202E).contains($0.value)
      })
    #expect(line.contains("\\n2026") && line.contains("\\u001b") && line.contains("\\u202e"))
  }

  @Test("a long value is cut")
  func long() {
    self.settings(.text).logger("t").info("m", metadata: ["v": "\(String(repeating: "a", count: 100_000))"])
    #expect(self.lines.all[0].utf8.count < LogText.maxBytes + 100)
  }

  @Test(
    "what bears money is cut out, wherever it stands",
    arguments: [
      "cashuAeyJ0b2tlbiI6W3sibWludCI6Imh0", "cashuBo2FteCJodHRwOi8vbG9jYWxob3N0",
      "tp1.AQAAAAEAAAAAAAAAAAAAAAAAAA",
    ])
  func bearers(token: String) {
    let logger = self.settings(.text).logger("t")
    logger.info("got \(token)", metadata: ["header": "Bearer \(token)", "url": "/auth?token=\(token)&a=b"])
    #expect(!self.lines.all[0].contains(token.dropFirst(8)))
    #expect(self.lines.all[0].contains("<redacted>"))
    #expect(self.lines.all[0].contains("&a=b"))
  }

  @Test("a word about tokens stays")
  func aboutTokens() {
    self.settings(.text).logger("t").info("expected cashuA or cashuB")
    #expect(self.lines.all[0].contains("expected cashuA or cashuB"))
  }

  @Test("secrets in metadata do not print")
  func secrets() throws {
    let secret = try ProxySecret("a-secret-of-the-proxy")
    let key = HMACKey(Array("a-secret-of-the-pass-key".utf8))
    let logger = self.settings(.json).logger("t")
    logger.info(
      "\(secret) \(key)",
      metadata: ["a": .stringConvertible(secret), "b": .stringConvertible(key), "c": "\(secret)"])
    #expect(!self.lines.all[0].contains("a-secret"))
    #expect(self.lines.all[0].contains("<redacted>"))
  }

  @Test(
    "a moment is written in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
      (951_825_600_000, "2000-02-29T12:00:00.000Z"), (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ])
  func time(milliseconds: Int64, text: String) {
    #expect(LogTime.text(milliseconds) == text)
  }
}
