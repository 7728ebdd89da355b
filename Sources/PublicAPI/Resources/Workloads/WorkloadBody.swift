internal import Gate
internal import JSON
internal import Octets

/// What a buyer wishes of his machine: a JSON object, or nothing.
struct WorkloadBody {
  var spec: WorkloadSpecName?
  var wishes = WorkloadWishes()

  init() {}

  /// - Throws: for a body that is none, and a member of the wrong kind. Members of other names are not read.
  init(_ request: PublicRequest) throws(PublicAnswer.Fault) {
    guard let members = try Self.members(of: request) else { return }
    self.spec = try Self.text("spec", in: members).map { WorkloadSpecName($0) }
    self.wishes.username = try Self.text("username", in: members)
    self.wishes.publicKey = try Self.text("public_key", in: members)
    self.wishes.image = try Self.text("image", in: members)
    self.wishes.duration = try Self.minutes("duration_minutes", in: members)
  }

  /// The object of a JSON body; nil for an empty one.
  static func members(of request: PublicRequest) throws(PublicAnswer.Fault) -> JSON? {
    guard !request.body.isEmpty else { return nil }
    guard case .once(let type) = request.fields.only("content-type"),
      type.prefix(while: { $0 != ASCII.semicolon }).trimmed.equalsIgnoringCase("application/json")
    else { throw .unsupportedMediaType }
    guard let body = try? JSONReader.read(request.body), body.members != nil else { throw .badRequest }
    return body
  }

  /// More than anyone pays for.
  private static let maxMinutes: UInt64 = 1 << 32

  /// Nil for an absent or null one; 1 or more.
  static func minutes(_ name: String, in body: JSON) throws(PublicAnswer.Fault) -> Duration? {
    guard let value = body[name], value != .null else { return nil }
    guard let count = value.unsigned, count > 0 else { throw .badRequest }
    return .seconds(Int64(min(count, Self.maxMinutes)) * 60)
  }

  /// Nil for an absent, null or empty one.
  static func text(_ name: String, in body: JSON) throws(PublicAnswer.Fault) -> String? {
    guard let value = body[name] else { return nil }
    guard let text = value.string else { throw .badRequest }
    return text.isEmpty ? nil : text
  }
}
