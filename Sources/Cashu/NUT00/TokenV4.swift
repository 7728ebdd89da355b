/// Version 4 of a token: CBOR with one-letter names, proofs grouped by keyset (NUT-00, "V4 tokens").
enum TokenV4 {
  static func read(_ bytes: [UInt8]) throws(TokenFault) -> UnverifiedToken {
    let root: CBOR
    do { root = try CBORReader.read(bytes) } catch { throw .notCBOR(error.reason) }
    guard let mint = root["m"]?.text else { throw .member("m") }
    guard let unit = root["u"]?.text else { throw .member("u") }
    guard let groups = root["t"]?.array else { throw .member("t") }
    var proofs: [UnverifiedProof] = []
    for group in groups {
      guard let keyset = group["i"]?.bytes.flatMap(KeysetReference.init) else { throw .member("i") }
      guard let items = group["p"]?.array else { throw .member("p") }
      for item in items { proofs.append(try self.proof(item, keyset: keyset)) }
    }
    return UnverifiedToken(
      entries: [UnverifiedToken.Entry(mint: mint, proofs: proofs)],
      unit: unit,
      memo: try self.optional(root, "d", \.text)
    )
  }

  private static func proof(_ item: CBOR, keyset: KeysetReference) throws(TokenFault) -> UnverifiedProof {
    guard let amount = item["a"]?.unsigned else { throw .member("a") }
    guard let secret = item["s"]?.text else { throw .member("s") }
    guard let signature = item["c"]?.bytes, signature.count == Point.byteCount else { throw .member("c") }
    return UnverifiedProof(
      amount: amount,
      keyset: keyset,
      secret: Secret(secret),
      signature: signature,
      dleq: try self.dleq(item["d"]),
      witness: try self.optional(item, "w", \.text)
    )
  }

  private static func dleq(_ item: CBOR?) throws(TokenFault) -> UnverifiedDLEQ? {
    guard let item else { return nil }
    guard let e = item["e"]?.bytes, let s = item["s"]?.bytes, let r = item["r"]?.bytes,
      [e, s, r].allSatisfy({ $0.count == 32 })
    else { throw .member("d") }
    return UnverifiedDLEQ(e: e, s: s, r: r)
  }

  private static func optional<Value>(
    _ item: CBOR, _ name: String, _ form: KeyPath<CBOR, Value?>
  ) throws(TokenFault) -> Value? {
    guard let member = item[name] else { return nil }
    guard let value = member[keyPath: form] else { throw .member(name) }
    return value
  }

  /// Nil for proofs of several mints, which V4 cannot hold. Proofs keep their order within each run of one
  /// keyset.
  static func write(_ token: UnverifiedToken) -> [UInt8]? {
    guard token.entries.count == 1, let entry = token.entries.first else { return nil }
    var groups: [(keyset: KeysetReference, proofs: [CBOR])] = []
    for proof in entry.proofs {
      if groups.last?.keyset != proof.keyset { groups.append((proof.keyset, [])) }
      groups[groups.count - 1].proofs.append(self.write(proof))
    }
    let root = CBOR.record([
      "t": .array(groups.map { .record(["i": .bytes($0.keyset.short), "p": .array($0.proofs)]) }),
      "d": token.memo.map { .text($0) },
      "m": .text(entry.mint),
      "u": .text(token.unit ?? "sat"),
    ])
    return CBORWriter.write(root)
  }

  private static func write(_ proof: UnverifiedProof) -> CBOR {
    .record([
      "a": .unsigned(proof.amount),
      "s": .text(proof.secret.text),
      "c": .bytes(proof.signature),
      "d": proof.dleq.map { .record(["e": .bytes($0.e), "s": .bytes($0.s), "r": .bytes($0.r)]) },
      "w": proof.witness.map { .text($0) },
    ])
  }
}
