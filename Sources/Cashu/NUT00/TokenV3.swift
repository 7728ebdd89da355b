internal import JSON
internal import Octets

/// Version 3 of a token: JSON (NUT-00, "V3 tokens", deprecated). May hold proofs of several mints.
enum TokenV3 {
  static func read(_ bytes: [UInt8]) throws(TokenFault) -> UnverifiedToken {
    let root: JSON
    do { root = try JSONReader.read(bytes) } catch { throw .notJSON(error.reason) }
    guard let items = root["token"]?.array else { throw .member("token") }
    var entries: [UnverifiedToken.Entry] = []
    for item in items {
      guard let mint = item["mint"]?.string else { throw .member("mint") }
      guard let members = item["proofs"]?.array else { throw .member("proofs") }
      var proofs: [UnverifiedProof] = []
      for member in members { proofs.append(try ProofJSON.read(member)) }
      entries.append(UnverifiedToken.Entry(mint: mint, proofs: proofs))
    }
    return UnverifiedToken(
      entries: entries,
      unit: try ProofJSON.text(root, "unit"),
      memo: try ProofJSON.text(root, "memo")
    )
  }

  static func write(_ token: UnverifiedToken) -> [UInt8] {
    let entries = token.entries.map { entry in
      JSON.record(["mint": .string(entry.mint), "proofs": .array(entry.proofs.map(ProofJSON.write))])
    }
    let root = JSON.record([
      "token": .array(entries),
      "unit": token.unit.map { .string($0) },
      "memo": token.memo.map { .string($0) },
    ])
    return JSONWriter.write(root)
  }
}

/// A proof as JSON, in V3 tokens and in the calls of a mint (NUT-00, "Proof").
enum ProofJSON {
  static func read(_ value: JSON) throws(TokenFault) -> UnverifiedProof {
    guard let amount = value["amount"]?.unsigned else { throw .member("amount") }
    guard let keyset = self.hex(value["id"]).flatMap(KeysetReference.init) else { throw .member("id") }
    guard let secret = value["secret"]?.string else { throw .member("secret") }
    guard let signature = self.hex(value["C"]), signature.count == Point.byteCount else { throw .member("C") }
    return UnverifiedProof(
      amount: amount,
      keyset: keyset,
      secret: Secret(secret),
      signature: signature,
      dleq: try self.dleq(value["dleq"]),
      witness: try self.text(value, "witness")
    )
  }

  static func write(_ proof: UnverifiedProof) -> JSON {
    .record([
      "amount": .unsigned(proof.amount),
      "id": .string(Hex.encode(proof.keyset.bytes)),
      "secret": .string(proof.secret.text),
      "C": .string(Hex.encode(proof.signature)),
      "dleq": proof.dleq.map { dleq in
        .record([
          "e": .string(Hex.encode(dleq.e)), "s": .string(Hex.encode(dleq.s)),
          "r": .string(Hex.encode(dleq.r)),
        ])
      },
      "witness": proof.witness.map { .string($0) },
    ])
  }

  private static func dleq(_ value: JSON?) throws(TokenFault) -> UnverifiedDLEQ? {
    guard let value else { return nil }
    guard let e = self.hex(value["e"]), let s = self.hex(value["s"]), let r = self.hex(value["r"]),
      [e, s, r].allSatisfy({ $0.count == 32 })
    else { throw .member("dleq") }
    return UnverifiedDLEQ(e: e, s: s, r: r)
  }

  /// An absent member and `null` are the same; any other type is a fault.
  static func text(_ value: JSON, _ name: String) throws(TokenFault) -> String? {
    guard let member = value[name] else { return nil }
    guard let text = member.string else { throw .member(name) }
    return text
  }

  private static func hex(_ value: JSON?) -> [UInt8]? { value?.string.flatMap { Hex.decode($0) } }
}
