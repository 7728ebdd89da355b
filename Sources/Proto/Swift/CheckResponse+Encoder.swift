public import Octets

/// Envoy's answer, written out: one function for each outcome, so that no combination of them can be written.
///
/// Envoy reads `status.code` first and takes 0 for *allow* even beside a `denied_response`. Here only ``ok(_:)`` writes
/// no code, and every ``DenialCode`` is non-zero.
///
/// Envoy does not check what it forwards (a value with CR LF becomes a second header line for the client) and drops an
/// answer whose text is no UTF-8. So what is not a token, or not visible ASCII, is never written: ``internalError``
/// goes out instead.
extension CheckResponse {
  /// The gRPC codes a denial may carry; none is 0.
  public enum DenialCode: UInt8, Sendable, CaseIterable {
    case permissionDenied = 7
    case internalError = 13
    case unavailable = 14
    case unauthenticated = 16
  }

  /// What an allowed request is changed by.
  public struct Mutation: Sendable {
    /// Set on the request to the app in place of the client's; a name occurs once.
    public var requestHeaders = FieldList()
    /// The names to take off the request to the app; values do not matter.
    public var removedRequestHeaders = FieldList()
    /// Added to the answer for the client: `set-cookie` and `access-control-expose-headers` beside the app's own, every other
    /// name in its place.
    public var responseHeaders = FieldList()
    /// Taken out of the request's query.
    public var removedQueryParameters: [String] = []

    public init() {}
  }

  /// 503, for an answer of ours that must not be written.
  public static let internalError: [UInt8] = encodeDenied(
    .internalError, status: 503, headers: FieldList(), body: Array("internal error\n".utf8), field: Tag.denied
  )

  /// The request may pass.
  public static func ok(_ mutation: Mutation) -> [UInt8] {
    guard
      self.isWritable(mutation.requestHeaders), self.isWritable(mutation.removedRequestHeaders),
      self.isWritable(mutation.responseHeaders),
      mutation.removedQueryParameters.allSatisfy({ !$0.utf8.contains(where: ASCII.isControl) })
    else { return self.internalError }
    let answers = mutation.responseHeaders
    let added: (Int) -> Append = { Self.standsBeside(answers[$0].name) ? .add : .overwrite }
    var length = 0
    length += self.length(of: mutation.requestHeaders) { _ in .overwrite }
    for index in 0..<mutation.removedRequestHeaders.count {
      length += WireWriter.length(ofBytes: mutation.removedRequestHeaders[index].name.count)
    }
    length += self.length(of: answers, append: added)
    for name in mutation.removedQueryParameters { length += WireWriter.length(ofBytes: name.utf8.count) }

    var out = WireWriter(capacity: WireWriter.length(ofBytes: length))
    out.open(Tag.ok, length: length)
    self.write(mutation.requestHeaders, Tag.headers, to: &out) { _ in .overwrite }
    for index in 0..<mutation.removedRequestHeaders.count {
      out.bytes(Tag.headersToRemove, mutation.removedRequestHeaders[index].name)
    }
    self.write(answers, Tag.responseHeaders, to: &out, append: added)
    for name in mutation.removedQueryParameters { out.bytes(Tag.removedQueryParameters, name.utf8) }
    return out.bytes
  }

  /// The client gets `status`, `headers` (each its own line) and `body`, UTF-8.
  public static func denied(_ code: DenialCode, status: UInt16, headers: FieldList, body: [UInt8]) -> [UInt8]
  {
    self.encodeDenied(code, status: status, headers: headers, body: body, field: Tag.denied)
  }

  /// Whether a field of ours goes beside the app's own.
  private static func standsBeside(_ name: ArraySlice<UInt8>) -> Bool {
    name.elementsEqual("set-cookie".utf8) || name.elementsEqual("access-control-expose-headers".utf8)
  }

  /// As ``denied(_:status:headers:body:)``, but counted as an error: `failure_mode_allow` lets it through to the app,
  /// and an Envoy that does not know the field answers a bare 403. Only where the operator asks for that.
  public static func error(_ code: DenialCode, status: UInt16, headers: FieldList, body: [UInt8]) -> [UInt8] {
    self.encodeDenied(code, status: status, headers: headers, body: body, field: Tag.error)
  }

  private static func encodeDenied(
    _ code: DenialCode, status: UInt16, headers: FieldList, body: [UInt8], field: UInt8
  ) -> [UInt8] {
    guard (400...599).contains(status), self.isWritable(headers),
      String(validating: body, as: UTF8.self) != nil
    else { return self.internalError }
    let statusLength = 1 + WireWriter.length(ofVarint: UInt64(status))
    let length =
      WireWriter.length(ofBytes: statusLength) + self.length(of: headers) { _ in .add }
      + (body.isEmpty ? 0 : WireWriter.length(ofBytes: body.count))

    var out = WireWriter(capacity: 4 + WireWriter.length(ofBytes: length))
    out.open(Tag.status, length: 2)
    out.varint(Tag.code, UInt64(code.rawValue))
    out.open(field, length: length)
    out.open(Tag.httpStatus, length: statusLength)
    out.varint(Tag.code, UInt64(status))
    self.write(headers, Tag.headers, to: &out) { _ in .add }
    if !body.isEmpty { out.bytes(Tag.body, body) }
    return out.bytes
  }

  /// Field numbers of external_auth.proto and base.proto with their wire types, as they stand on the wire.
  private enum Tag {
    static let status: UInt8 = 1 << 3 | 2
    static let denied: UInt8 = 2 << 3 | 2
    static let ok: UInt8 = 3 << 3 | 2
    static let error: UInt8 = 5 << 3 | 2
    /// Of google.rpc.Status and of HttpStatus.
    static let code: UInt8 = 1 << 3 | 0
    static let httpStatus: UInt8 = 1 << 3 | 2
    static let headers: UInt8 = 2 << 3 | 2
    static let body: UInt8 = 3 << 3 | 2
    static let headersToRemove: UInt8 = 5 << 3 | 2
    static let responseHeaders: UInt8 = 6 << 3 | 2
    static let removedQueryParameters: UInt8 = 8 << 3 | 2
    static let header: UInt8 = 1 << 3 | 2
    static let key: UInt8 = 1 << 3 | 2
    static let value: UInt8 = 2 << 3 | 2
    static let appendAction: UInt8 = 3 << 3 | 0
  }

  /// `HeaderAppendAction`. `append` (field 2) is never written: Envoy 1.40 drops a denied header that has it, and an
  /// allowed one where the request has none of that name.
  private enum Append: UInt64 {
    case add = 0
    case overwrite = 2

    var length: Int { self == .add ? 0 : 2 }
  }

  private static func length(of fields: FieldList, append: (Int) -> Append) -> Int {
    (0..<fields.count).reduce(0) { length, index in
      let header = self.headerLength(fields[index])
      return length + WireWriter.length(ofBytes: WireWriter.length(ofBytes: header) + append(index).length)
    }
  }

  private static func headerLength(_ field: FieldList.Field) -> Int {
    WireWriter.length(ofBytes: field.name.count) + WireWriter.length(ofBytes: field.value.count)
  }

  private static func write(
    _ fields: FieldList, _ tag: UInt8, to out: inout WireWriter, append: (Int) -> Append
  ) {
    for index in 0..<fields.count {
      let field = fields[index]
      let header = self.headerLength(field)
      let action = append(index)
      out.open(tag, length: WireWriter.length(ofBytes: header) + action.length)
      out.open(Tag.header, length: header)
      out.bytes(Tag.key, field.name)
      out.bytes(Tag.value, field.value)
      if action != .add { out.varint(Tag.appendAction, action.rawValue) }
    }
  }

  private static func isWritable(_ fields: FieldList) -> Bool {
    (0..<fields.count).allSatisfy { index in
      let field = fields[index]
      return !field.name.isEmpty && field.name.allSatisfy(ASCII.isToken)
        && field.value.allSatisfy { $0 == ASCII.tab || ($0 < 0x7F && !ASCII.isControl($0)) }
    }
  }
}
