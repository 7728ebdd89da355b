/// Every bound of a listener. A peer that passes one meets a clear error or a closed connection.
package struct Limits: Sendable {
  /// A request's header block: names, values and 32 bytes a field (RFC 9113 §6.5.2), or an HTTP/1 head as it came.
  /// Envoy hands on at most 60 KiB of client headers by default and puts some of them twice into a check.
  package var headerBytes = 128 * 1024
  /// Fields in one header block; Envoy's default for a client is 100.
  package var headerCount = 1024
  /// Request bodies held in memory at once for one connection; over it, 503.
  package var bufferedBodyBytes = 16 * 1024 * 1024
  /// SETTINGS_MAX_CONCURRENT_STREAMS; RFC 9113 §6.5.2 advises at least 100.
  package var concurrentStreams = 256
  /// Streams that may end by RST_STREAM, from either side, in one second; over it, GOAWAY with ENHANCE_YOUR_CALM.
  /// Rapid reset (CVE-2023-44487) needs thousands; a proxy whose clients leave resets at most what it has open.
  package var resetsPerSecond = 512
  /// PING, SETTINGS, PRIORITY and empty DATA frames in one second (CVE-2019-9512, -9515, -9518).
  package var controlFramesPerSecond = 1000
  /// PING and SETTINGS acknowledgements waiting to be sent; nghttp2's own default.
  package var outboundAcknowledgements = 1000
  /// Entries in one SETTINGS frame; nghttp2's own default.
  package var settingsEntries = 32
  /// CONTINUATION frames after one HEADERS (CVE-2024-28182); nghttp2's own default.
  package var continuations = 8
  /// SETTINGS_INITIAL_WINDOW_SIZE: what a stream may send before it is read.
  package var streamWindowBytes = 256 * 1024
  /// The connection's flow-control window.
  package var connectionWindowBytes = 1024 * 1024
  /// Output waiting for the peer; above it nothing more is read from this peer or made for it.
  package var outputBytes = 256 * 1024
  /// Parts of a streamed answer that wait in memory, per stream.
  package var streamOutputBytes = 64 * 1024
  /// Open connections of one listener; above it a new one is closed at once.
  package var connections = 4096
  /// Answers of one HTTP/2 connection that are waited for; half its streams, so that synchronous ones always find room.
  package var laterAnswers: Int { max(1, self.concurrentStreams / 2) }
  /// Answers and streams that are waited for, of all connections of one listener; beyond it 503 at once.
  package var laterAnswersInAll = 8192

  /// From accept to the end of the TLS handshake and the first bytes that tell the protocol.
  package var handshakeTimeout: Duration = .seconds(10)
  /// From the first byte of a header block to its last (slow clients).
  package var headerTimeout: Duration = .seconds(10)
  /// From the end of the headers to the end of the body; for a streamed body between two parts.
  package var bodyTimeout: Duration = .seconds(30)
  /// Without any request open. Longer than the keep-alive of the proxies in front (NGINX 60 s, Traefik 90 s, Caddy
  /// 120 s), so that they, not we, close an idle connection and no request is lost on it.
  package var idleTimeout: Duration = .seconds(180)
  /// Without the peer taking a byte of what waits for it.
  package var writeTimeout: Duration = .seconds(30)

  package init() {}
}
