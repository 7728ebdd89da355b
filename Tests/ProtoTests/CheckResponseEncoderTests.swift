import Octets
import Proto
import Testing

@Suite("Writing a CheckResponse")
struct CheckResponseEncoderTests {
  @Test("an allow has code 0 and overwrites, removes and adds what it says")
  func ok() throws {
    var mutation = CheckResponse.Mutation()
    mutation.requestHeaders = FieldList(("x-payment-verified", "true"), ("x-payment-amount", "10"))
    mutation.removedRequestHeaders = .names("x-cashu", "authorization")
    mutation.responseHeaders = FieldList(("set-cookie", "a=1"), ("turnpike-pass", "t"))
    mutation.removedQueryParameters = ["token"]
    let response = try CheckResponse(wire: CheckResponse.ok(mutation))
    #expect(response.code == 0)
    guard case .ok(let ok) = response.answer else { throw Missing() }
    #expect(ok.headers.map(\.name) == ["x-payment-verified", "x-payment-amount"])
    #expect(ok.headers.map(\.value) == ["true", "10"])
    #expect(ok.headers.allSatisfy { $0.appendAction == 2 && !$0.hasAppend })
    #expect(ok.headersToRemove == ["x-cashu", "authorization"])
    #expect(ok.responseHeadersToAdd.map(\.name) == ["set-cookie", "turnpike-pass"])
    #expect(ok.responseHeadersToAdd.map(\.appendAction) == [0, 2])
    #expect(ok.queryParametersToRemove == ["token"])
  }

  @Test("an allow that changes nothing is an allow")
  func plainOk() throws {
    let response = try CheckResponse(wire: CheckResponse.ok(CheckResponse.Mutation()))
    #expect(response.code == 0)
    guard case .ok(let ok) = response.answer else { throw Missing() }
    #expect(ok.headers.isEmpty && ok.headersToRemove.isEmpty)
  }

  @Test(
    "a denial never has code 0",
    arguments: CheckResponse.DenialCode.allCases, [400, 402, 403, 409, 503] as [UInt16])
  func denied(code: CheckResponse.DenialCode, status: UInt16) throws {
    let headers = FieldList(("www-authenticate", "Cashu"), ("www-authenticate", "L402"))
    let bytes = CheckResponse.denied(code, status: status, headers: headers, body: Array("no".utf8))
    let response = try CheckResponse(wire: bytes)
    #expect(response.code == Int32(code.rawValue))
    guard case .denied(let denied) = response.answer else { throw Missing() }
    #expect(denied.status == Int32(status))
    #expect(denied.headers.map(\.value) == ["Cashu", "L402"])
    #expect(denied.headers.allSatisfy { $0.appendAction == 0 && !$0.hasAppend })
    #expect(denied.body == Array("no".utf8))
  }

  @Test("an error answer stands in field 5, with a code")
  func error() throws {
    let bytes = CheckResponse.error(
      .unavailable, status: 503, headers: FieldList(("retry-after", "2")), body: [])
    let response = try CheckResponse(wire: bytes)
    #expect(response.code == 14)
    guard case .error(let error) = response.answer else { throw Missing() }
    #expect(error.status == 503)
    #expect(error.headers.map(\.name) == ["retry-after"])
  }

  @Test(
    "lengths on either side of every varint's edge are written right",
    arguments: [0, 1, 126, 127, 128, 16_383, 16_384, 70_000])
  func lengths(count: Int) throws {
    let value = String(repeating: "v", count: count)
    let bytes = CheckResponse.denied(
      .permissionDenied, status: 402, headers: FieldList(("x-long", value)), body: Array(value.utf8))
    guard case .denied(let denied) = try CheckResponse(wire: bytes).answer else { throw Missing() }
    #expect(denied.headers.map(\.value) == [value])
    #expect(denied.body.count == count)
  }

  @Test(
    "a header that a proxy could misread is never written; a fixed 503 goes out",
    arguments: [
      ("x-ok", "a\r\nset-cookie: b"), ("x-ok", "a\nb"), ("x-ok", "a\0b"), ("x-ok", "caf\u{E9}"),
      ("x-ok", "a\u{7F}"),
      ("bad name", "v"), ("", "v"), (":path", "/paid"), ("x-ü", "v"), ("a:b", "v"),
    ])
  func invalidHeader(name: String, value: String) throws {
    let headers = FieldList((name, value))
    var mutations = [CheckResponse.Mutation(), CheckResponse.Mutation()]
    mutations[0].requestHeaders = headers
    mutations[1].responseHeaders = headers
    for mutation in mutations { #expect(CheckResponse.ok(mutation) == CheckResponse.internalError) }
    #expect(
      CheckResponse.denied(.permissionDenied, status: 402, headers: headers, body: [])
        == CheckResponse.internalError)
    #expect(
      CheckResponse.error(.unavailable, status: 503, headers: headers, body: [])
        == CheckResponse.internalError)
    let response = try CheckResponse(wire: CheckResponse.internalError)
    #expect(response.code == 13)
    guard case .denied(let denied) = response.answer else { throw Missing() }
    #expect(denied.status == 503)
  }

  @Test("a name to remove that is no token, and a query name with a control, are never written")
  func invalidRemovals() {
    var header = CheckResponse.Mutation()
    header.removedRequestHeaders = .names("x cashu")
    #expect(CheckResponse.ok(header) == CheckResponse.internalError)
    var query = CheckResponse.Mutation()
    query.removedQueryParameters = ["a\nb"]
    #expect(CheckResponse.ok(query) == CheckResponse.internalError)
  }

  @Test(
    "a denial with the status of a success, or a body that is no UTF-8, is a fixed 503",
    arguments: [0, 200, 302, 399, 600] as [UInt16])
  func invalidStatus(status: UInt16) {
    #expect(
      CheckResponse.denied(.permissionDenied, status: status, headers: FieldList(), body: [])
        == CheckResponse.internalError)
    #expect(
      CheckResponse.denied(.permissionDenied, status: 402, headers: FieldList(), body: [0xFF])
        == CheckResponse.internalError)
  }

  @Test("what is no CheckResponse is refused")
  func malformed() {
    #expect(throws: ProtoError.malformed) { try CheckResponse(wire: [0x12, 0x05, 0x01]) }
  }
}
