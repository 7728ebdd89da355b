import Octets
import Testing

@testable import Transport

@Suite struct HTTP1ParserTests {
  /// Everything a parser makes of some bytes.
  struct Outcome: Equatable {
    var requests: [Request] = []
    var error: HTTP1Error?
  }

  struct Request: Equatable {
    var method: String
    var target: String
    var authority: String?
    var body: String
    var framing: HTTP1Framing
    var isWhole: Bool
  }

  static func parse(_ pieces: [[UInt8]], maxHeadBytes: Int = 4096) -> Outcome {
    var parser = HTTP1Parser(maxHeadBytes: maxHeadBytes, maxHeadCount: 32)
    let request = HTTPRequest(peer: Peer(address: .unix))
    var outcome = Outcome()
    for piece in pieces {
      unsafe piece.withUnsafeBytes { unsafe parser.feed($0) }
      loop: while true {
        switch parser.next(into: request) {
        case .needsMore: break loop
        case .head(let framing):
          let authority: String? =
            if case .once(let host) = request.authority {
              String(decoding: host, as: UTF8.self)
            } else { nil }
          outcome.requests.append(
            Request(
              method: String(decoding: request.method, as: UTF8.self),
              target: String(decoding: request.target, as: UTF8.self),
              authority: authority, body: "", framing: framing, isWhole: false))
        case .body(let part):
          outcome.requests[outcome.requests.count - 1].body += String(decoding: part, as: UTF8.self)
        case .end: outcome.requests[outcome.requests.count - 1].isWhole = true
        case .failed(let error):
          outcome.error = error
          return outcome
        }
      }
    }
    return outcome
  }

  static func parse(_ text: String) -> Outcome { self.parse([Array(text.utf8)]) }

  static let accepted: [String] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a?b=c%20d HTTP/1.1\r\nhost:a:80\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a?x HTTP/1.1\r\nHost: A\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "M-SEARCH /x HTTP/1.1\r\nHost: [::1]:8080\r\nX-Empty:\r\nX-High: \u{E9}\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\nA;x=y\r\n0123456789\r\n00\r\nX-Trailer: 1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-Tab: a\tb\r\n\r\n",
  ]

  @Test("a request within the rules is taken, however its bytes are cut", arguments: Self.accepted)
  func accepts(_ text: String) {
    let whole = Self.parse(text)
    #expect(whole.error == nil)
    #expect(whole.requests.count == 1)
    #expect(whole.requests.map(\.isWhole) == [true])
    #expect(Self.parse(text.utf8.map { [$0] }) == whole)
  }

  static let refused: [(String, HTTP1Error)] = [
    // Request line.
    ("GET /\r\nHost: a\r\n\r\n", .requestLine),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .requestLine),
    ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .version),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .version),
    ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", .method),
    // Line ends.
    ("GET / HTTP/1.1\nHost: a\n\n", .lineEnd),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", .lineEnd),
    ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", .lineEnd),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", .lineEnd),
    // Names and values.
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\nX(Y: b\r\n\r\n", .fieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", .fieldValue),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7F}\r\n\r\n", .fieldValue),
    // Host.
    ("GET / HTTP/1.1\r\n\r\n", .host),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .host),
    ("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", .host),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .host),
    ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .host),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .host),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .host),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .host),
    ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", .host),
    ("GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", .host),
    // Framing.
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", .contentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferEncoding),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", .transferEncoding),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      .transferEncoding
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .transferEncoding),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", .fieldValue),
    ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
    ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", .expectation),
    // Chunks.
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n", .lineEnd),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n", .chunk),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n", .fieldName),
  ]

  @Test("a request against a rule is refused, however its bytes are cut", arguments: Self.refused)
  func refuses(_ text: String, _ error: HTTP1Error) {
    #expect(Self.parse(text).error == error)
    #expect(Self.parse(text.utf8.map { [$0] }).error == error)
  }

  @Test("a bare line feed is refused when it comes, not when the head ends")
  func refusesEarly() {
    #expect(Self.parse("GET / HTTP/1.1\n").error == .lineEnd)
  }

  @Test("a head of the greatest length is taken, a longer one is refused before it ends")
  func boundsHead() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX: "
    let fit = head + String(repeating: "x", count: 200 - head.utf8.count - 4) + "\r\n\r\n"
    #expect(Self.parse([Array(fit.utf8)], maxHeadBytes: 200).error == nil)
    #expect(
      Self.parse([Array(("GET /x HTTP/1.1" + fit.dropFirst(14)).utf8)], maxHeadBytes: 200).error
        == .headTooLarge)
    let endless = head + String(repeating: "x", count: 200)
    #expect(Self.parse([Array(endless.utf8)], maxHeadBytes: 200).error == .headTooLarge)
  }

  @Test("too many fields are refused")
  func boundsCount() {
    let many = (0..<33).map { "X\($0): y\r\n" }.joined()
    #expect(Self.parse("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n").error == .headTooLarge)
  }

  @Test("endless trailers and chunk extensions are refused")
  func boundsChunks() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    let trailers = String(repeating: "X: y\r\n", count: 1000)
    #expect(Self.parse(head + "0\r\n" + trailers).error == .headTooLarge)
    #expect(Self.parse(head + "1;" + String(repeating: "x", count: 1000)).error == .chunk)
  }

  @Test("pipelined requests are read one after the other")
  func pipelines() {
    let outcome = Self.parse(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
    #expect(outcome.requests.map(\.target) == ["/1", "/2"])
    #expect(outcome.requests.map(\.body) == ["hi", ""])
    #expect(outcome.requests.map(\.authority) == ["a", "b"])
  }

  @Test(
    "a connection is kept when both sides expect it",
    arguments: [
      ("HTTP/1.1", nil, true), ("HTTP/1.1", "close", false), ("HTTP/1.1", "keep-alive, Close", false),
      ("HTTP/1.0", nil, false), ("HTTP/1.0", "Keep-Alive", true),
    ] as [(String, String?, Bool)])
  func keepsAlive(_ version: String, _ connection: String?, _ expected: Bool) {
    let field = connection.map { "Connection: \($0)\r\n" } ?? ""
    let outcome = Self.parse("GET / \(version)\r\nHost: a\r\n\(field)\r\n")
    #expect(outcome.requests.first?.framing.keepsAlive == expected)
  }

  @Test("an absolute target gives path and authority apart")
  func splitsAbsoluteTarget() {
    let outcome = Self.parse("GET http://a.example:81/x?y HTTP/1.1\r\nHost: a.example:81\r\n\r\n")
    #expect(outcome.requests.first?.target == "/x?y")
    #expect(outcome.requests.first?.authority == "a.example:81")
  }

  @Test("100-continue is seen in HTTP/1.1 and ignored in 1.0")
  func expectsContinue() {
    let fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    #expect(Self.parse("POST / HTTP/1.1\r\n" + fields).requests.first?.framing.expectsContinue == true)
    #expect(Self.parse("POST / HTTP/1.0\r\n" + fields).requests.first?.framing.expectsContinue == false)
  }
}
