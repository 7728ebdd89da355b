internal import Octets

/// Reads the requests of an HTTP/1 connection (RFC 9112), strictly: whatever two readers could take differently is an
/// error, since one of them may be the proxy in front of us.
///
/// A pure state machine: `feed` bytes, then call `next` until it wants more.
struct HTTP1Parser {
  /// What the bytes so far amount to.
  enum Step: Equatable {
    case needsMore
    /// The head is in the request.
    case head(HTTP1Framing)
    /// The next bytes of the body.
    case body(ArraySlice<UInt8>)
    case end
    case failed(HTTP1Error)
  }

  private enum State {
    case head
    case length(Int)
    case chunkSize
    case chunk(Int)
    /// CR LF behind a chunk's data.
    case chunkEnd
    case trailers
    case failed(HTTP1Error)
  }

  /// The longest line that gives a chunk's size: sixteen digits, and room for extensions, which nobody uses.
  private static let maxChunkLineBytes = 256

  /// What an idle connection keeps of its buffer.
  private static let maxKeptBytes = 8 * 1024

  private let maxHeadBytes: Int
  private let maxHeadCount: Int
  private var state = State.head
  private var input: [UInt8] = []
  /// Where what was not consumed begins.
  private var start = 0
  /// Up to where the head was searched for its end.
  private var scanned = 0
  private var lineStart = 0
  private var hasSkippedLine = false
  private var trailerBytes = 0

  init(maxHeadBytes: Int, maxHeadCount: Int) {
    self.maxHeadBytes = maxHeadBytes
    self.maxHeadCount = maxHeadCount
  }

  /// Bytes not yet consumed.
  var bufferedBytes: Int { self.input.count - self.start }

  /// The first bytes of a head are here, but not its end.
  var isInsideHead: Bool {
    if case .head = self.state { self.bufferedBytes > 0 } else { false }
  }

  mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    if self.start > 0 {
      self.input.removeFirst(self.start)
      self.scanned -= self.start
      self.lineStart -= self.start
      self.start = 0
    }
    unsafe self.input.append(contentsOf: bytes)
  }

  mutating func next(into request: HTTPRequest) -> Step {
    do throws(HTTP1Error) {
      return switch self.state {
      case .head: try self.readHead(into: request)
      case .length(let rest): self.readBody(rest)
      case .chunkSize, .chunk, .chunkEnd: try self.readChunks()
      case .trailers: try self.readTrailers()
      case .failed(let error): .failed(error)
      }
    } catch {
      self.state = .failed(error)
      return .failed(error)
    }
  }

  // MARK: head

  private mutating func readHead(into request: HTTPRequest) throws(HTTP1Error) -> Step {
    guard var end = try self.findHeadEnd() else { return .needsMore }
    // One empty line before a request is ignored (RFC 9112 §2.2).
    if end - self.start == 2, !self.hasSkippedLine {
      self.skip(2)
      self.hasSkippedLine = true
      guard let next = try self.findHeadEnd() else { return .needsMore }
      end = next
    }
    self.hasSkippedLine = false
    let framing = try HTTP1Head.parse(
      self.input[self.start..<end], maxCount: self.maxHeadCount, into: request)
    self.skip(end - self.start)
    switch framing.body {
    case .none: self.state = .length(0)
    case .length(let length): self.state = .length(length)
    case .chunked: self.state = .chunkSize
    }
    return .head(framing)
  }

  /// The index behind the empty line. Checks line ends on the way, so that a bare LF is refused at once and not when
  /// the client has grown tired.
  private mutating func findHeadEnd() throws(HTTP1Error) -> Int? {
    while self.scanned < self.input.count {
      let index = self.scanned
      switch self.input[index] {
      case ASCII.lineFeed:
        guard index > self.start, self.input[index - 1] == ASCII.carriageReturn else { throw .lineEnd }
        if index - 1 == self.lineStart {
          guard index + 1 - self.start <= self.maxHeadBytes else { throw .headTooLarge }
          return index + 1
        }
        self.lineStart = index + 1
      default:
        if index > self.lineStart, self.input[index - 1] == ASCII.carriageReturn { throw .lineEnd }
      }
      self.scanned += 1
    }
    guard self.bufferedBytes <= self.maxHeadBytes else { throw .headTooLarge }
    return nil
  }

  // MARK: body

  private mutating func readBody(_ rest: Int) -> Step {
    if rest == 0 { return self.finish() }
    let part = self.input[self.start...].prefix(rest)
    if part.isEmpty { return .needsMore }
    self.state = .length(rest - part.count)
    self.skip(part.count)
    return .body(part)
  }

  private mutating func readChunks() throws(HTTP1Error) -> Step {
    while true {
      switch self.state {
      case .chunkSize:
        guard let line = try self.takeLine(max: Self.maxChunkLineBytes, tooLong: .chunk) else {
          return .needsMore
        }
        let size = try Self.chunkSize(line)
        self.trailerBytes = 0
        self.state = size == 0 ? .trailers : .chunk(size)
        if size == 0 { return try self.readTrailers() }
      case .chunk(let rest):
        let part = self.input[self.start...].prefix(rest)
        if part.isEmpty { return .needsMore }
        self.state = part.count == rest ? .chunkEnd : .chunk(rest - part.count)
        self.skip(part.count)
        return .body(part)
      default:
        let end = self.input[self.start...].prefix(2)
        guard [ASCII.carriageReturn, ASCII.lineFeed].starts(with: end) else { throw .chunk }
        guard end.count == 2 else { return .needsMore }
        self.skip(2)
        self.state = .chunkSize
      }
    }
  }

  /// Hexadecimal digits, at most fifteen so that nothing overflows; an extension is dropped (RFC 9112 §7.1.1).
  private static func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTP1Error) -> Int {
    let digits = line.prefix { $0 != ASCII.semicolon }
    guard (1...15).contains(digits.count) else { throw .chunk }
    var size = 0
    for digit in digits {
      guard let nibble = Hex.nibble(digit) else { throw .chunk }
      size = size << 4 | Int(nibble)
    }
    guard line.allSatisfy({ !ASCII.isControl($0) || $0 == ASCII.tab }) else { throw .chunk }
    return size
  }

  /// Trailers are checked, counted and dropped.
  private mutating func readTrailers() throws(HTTP1Error) -> Step {
    while let line = try self.takeLine(max: self.maxHeadBytes - self.trailerBytes, tooLong: .headTooLarge) {
      if line.isEmpty { return self.finish() }
      self.trailerBytes += line.count + 2
      guard self.trailerBytes <= self.maxHeadBytes else { throw .headTooLarge }
      _ = try HTTP1Head.field(line)
    }
    return .needsMore
  }

  private mutating func takeLine(max: Int, tooLong: HTTP1Error) throws(HTTP1Error) -> ArraySlice<UInt8>? {
    let rest = self.input[self.start...]
    guard let end = rest.prefix(max + 2).firstIndex(of: ASCII.lineFeed) else {
      if rest.count >= max + 2 { throw tooLong }
      return nil
    }
    guard end > self.start, self.input[end - 1] == ASCII.carriageReturn else { throw .lineEnd }
    let line = self.input[self.start..<(end - 1)]
    if line.contains(ASCII.carriageReturn) { throw .lineEnd }
    self.skip(end + 1 - self.start)
    return line
  }

  private mutating func finish() -> Step {
    self.state = .head
    self.scanned = self.start
    self.lineStart = self.start
    return .end
  }

  private mutating func skip(_ count: Int) {
    self.start += count
    self.scanned = self.start
    self.lineStart = self.start
    if self.start == self.input.count {
      self.input.removeAll(keepingCapacity: self.input.capacity <= Self.maxKeptBytes)
      self.start = 0
      self.scanned = 0
      self.lineStart = 0
    }
  }
}

/// How a request's body is framed and what follows it.
struct HTTP1Framing: Hashable, Sendable {
  enum Body: Hashable, Sendable {
    case none
    case length(Int)
    case chunked
  }

  var body: Body
  /// The client expects more answers on this connection.
  var keepsAlive: Bool
  /// The client waits for `100 Continue` before it sends the body.
  var expectsContinue: Bool
}
