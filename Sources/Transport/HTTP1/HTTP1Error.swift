/// Why an HTTP/1 request is refused. The connection is not used again: where the next request begins is not certain.
enum HTTP1Error: Error, Hashable, Sendable {
  /// The request line is not `method SP target SP HTTP/1.x`.
  case requestLine
  /// Not HTTP/1.0 or 1.1.
  case version
  /// A line ends with LF alone, or CR stands alone.
  case lineEnd
  /// A name that is no token, white space before the colon, or a folded line.
  case fieldName
  /// A control character in a value.
  case fieldValue
  /// None, or more than one, or not a host, or not that of an absolute target.
  case host
  /// `content-length` repeated, not a number, or beside `transfer-encoding`.
  case contentLength
  /// Anything but `chunked`, once, in HTTP/1.1.
  case transferEncoding
  /// Anything but `100-continue`.
  case expectation
  case chunk
  case headTooLarge
  case bodyTooLarge
  /// CONNECT; we are no proxy.
  case method

  /// The status that says it best.
  var status: UInt16 {
    switch self {
    case .requestLine, .lineEnd, .fieldName, .fieldValue, .host, .contentLength, .chunk: 400
    case .transferEncoding, .method: 501
    case .version: 505
    case .expectation: 417
    case .headTooLarge: 431
    case .bodyTooLarge: 413
    }
  }
}
