internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// What a buyer wishes of his machine: a JSON object, or nothing.
struct WorkloadBody {
  var spec: WorkloadSpecName?
  var wishes = WorkloadWishes()

  /// Why a body is not taken.
  struct Fault: Error {
    var reason = PublicAnswer.Fault.badRequest
    var message: String

    var response: HTTPResponse { PublicAnswer.fault(self.reason, message: self.message) }
  }

  private static let names = ["spec", "username", "public_key", "image", "duration_minutes"]

  init() {}

  /// - Throws: for a body that is none, and for a member of another name or of the wrong kind.
  init(_ request: PublicRequest) throws(Fault) {
    guard let members = try Self.members(of: request) else { return }
    if let unknown = members.members?.first(where: { !Self.names.contains($0.name) }) {
      throw Fault(
        message:
          "There is no `\(unknown.name.prefix(64))` here; there are \(Self.names.joined(separator: ", ")).")
    }
    self.spec = try Self.text("spec", in: members).map { WorkloadSpecName($0) }
    self.wishes.username = try Self.text("username", in: members)
    self.wishes.publicKey = try Self.text("public_key", in: members)
    self.wishes.image = try Self.text("image", in: members)
    self.wishes.duration = try Self.minutes("duration_minutes", in: members)
  }

  /// What no machine that is made can change.
  var unchangeable: [String] {
    [
      self.spec == nil ? nil : "spec", self.wishes.username == nil ? nil : "username",
      self.wishes.image == nil ? nil : "image", self.wishes.duration == nil ? nil : "duration_minutes",
    ].compactMap { $0 }
  }

  /// The object of a JSON body; nil for an empty one.
  static func members(of request: PublicRequest) throws(Fault) -> JSON? {
    guard !request.body.isEmpty else { return nil }
    guard case .once(let type) = request.fields.only("content-type"),
      type.prefix(while: { $0 != ASCII.semicolon }).trimmed.equalsIgnoringCase("application/json")
    else {
      throw Fault(reason: .unsupportedMediaType, message: "A body is JSON (Content-Type: application/json).")
    }
    guard let body = try? JSONReader.read(request.body), body.members != nil else {
      throw Fault(message: "The body is no JSON object.")
    }
    return body
  }

  /// More than anyone pays for.
  private static let maxMinutes: UInt64 = 1 << 32

  /// Nil for an absent or null one; 1 or more.
  static func minutes(_ name: String, in body: JSON) throws(Fault) -> Duration? {
    guard let value = body[name], value != .null else { return nil }
    guard let count = value.unsigned, count > 0 else {
      throw Fault(message: "`\(name)` is a whole number, 1 or more.")
    }
    return .seconds(Int64(min(count, Self.maxMinutes)) * 60)
  }

  /// Nil for an absent, null or empty one.
  static func text(_ name: String, in body: JSON) throws(Fault) -> String? {
    guard let value = body[name] else { return nil }
    guard let text = value.string else { throw Fault(message: "`\(name)` is a text.") }
    return text.isEmpty ? nil : text
  }
}
