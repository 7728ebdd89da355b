internal import Digest
internal import Gate
internal import JSON
internal import Octets

/// Writes what one 402 says of x402: the header of V2, and the members of V1 in the body.
struct ChallengeWriter: Sendable {
  static let headerName = "payment-required"
  /// Longer addresses lose their query, then their path: header fields are bounded, and all of a 402's
  /// together.
  private static let maxResourceBytes = 512
  private static let secretByteCount = 16

  let requirements: [PaymentRequirements]
  let versions: Set<X402Configuration.Version>
  let book: FacilitatorBook

  /// Fresh for every 402: who gives its secret back has read this one (design §4).
  func text(for occasion: Challenge.Occasion) -> Challenge.Text {
    let resource = Self.resource(occasion.resource)
    var fields: [Challenge.Field] = []
    var members: [Challenge.Member] = []
    if let required = self.requiredV2(resource, reason: occasion.reason) {
      fields.append(Challenge.Field(Self.headerName, Base64.encode(JSONWriter.write(required))))
    }
    let acceptsV1 = self.offered(.v1).compactMap { $0.jsonV1(resource: resource) }
    if !acceptsV1.isEmpty {
      members.append(Challenge.Member("x402Version", json: "1"))
      members.append(
        Challenge.Member(
          "accepts", json: String(decoding: JSONWriter.write(.array(acceptsV1)), as: UTF8.self)))
    }
    return Challenge.Text(
      fields: fields, members: members, ways: fields.isEmpty && members.isEmpty ? [] : self.ways)
  }

  /// V2 §5.1.
  private func requiredV2(_ resource: String, reason: String) -> JSON? {
    let offered = self.offered(.v2)
    guard !offered.isEmpty else { return nil }
    let secret = Hex.encode(RandomBytes.make(count: Self.secretByteCount))
    return .record([
      "x402Version": .unsigned(2), "error": .string(reason), "resource": .record(["url": .string(resource)]),
      "accepts": .array(offered.map { $0.jsonV2(secret: secret) }),
      "extensions": .record([PaymentIdentifier.key: PaymentIdentifier.declaration]),
    ])
  }

  /// What somebody can settle, as far as we have heard.
  private func offered(_ version: X402Configuration.Version) -> [PaymentRequirements] {
    guard self.versions.contains(version) else { return [] }
    return self.requirements.compactMap { requirements in
      let network = requirements.accept.network
      guard !self.book.candidates(for: network, version).isEmpty else { return nil }
      guard requirements.accept.transfer == .svm else { return requirements }
      // Without one no payer can make a transaction.
      guard let feePayer = self.book.feePayer(on: network) else { return nil }
      var told = requirements
      told.feePayer = feePayer
      return told
    }
  }

  private var ways: [Challenge.Way] {
    self.requirements.map { requirements in
      let asset = requirements.accept.asset
      return Challenge.Way(
        title: "x402 (\(asset.symbol) on \(asset.network.title))", price: asset.text(of: requirements.amount),
        code: nil)
    }
  }

  private static func resource(_ text: String) -> String {
    guard text.utf8.count > self.maxResourceBytes else { return text }
    let path = text.prefix { $0 != "?" }
    guard path.utf8.count > self.maxResourceBytes else { return String(path) }
    let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    let origin = text.hasPrefix("/") ? "/" : parts.prefix(3).joined(separator: "/") + "/"
    return origin.utf8.count > self.maxResourceBytes ? "/" : origin
  }
}
