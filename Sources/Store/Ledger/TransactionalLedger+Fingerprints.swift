package import Gate

/// Which keys a process works with, by fingerprint; never the keys.
package struct KeyFingerprints: Hashable, Sendable {
  /// Nil where no payment method needs a seed.
  package var treasurySeed: String?
  /// By key id.
  package var passKeys: [UInt32: String]
  /// By number; none where nothing is accepted offline.
  package var lockKeys: [UInt32: String]

  package init(treasurySeed: String?, passKeys: [UInt32: String], lockKeys: [UInt32: String] = [:]) {
    self.treasurySeed = treasurySeed
    self.passKeys = passKeys
    self.lockKeys = lockKeys
  }
}

/// Why a process may not work on this store.
package enum KeyMismatch: Error, Hashable, Sendable, CustomStringConvertible {
  case otherTreasurySeed(stored: String, given: String)
  case otherPassKey(id: UInt32, stored: String, given: String)
  /// Not one of the keys is known here.
  case otherPassKeys
  case otherLockKey(number: UInt32, stored: String, given: String)
  case otherLockKeys
  case outage(Outage)

  package var description: String {
    switch self {
    case .otherTreasurySeed(let stored, let given):
      "The store was made with treasury seed \(stored), but keys: holds \(given)."
    case .otherPassKey(let id, let stored, let given):
      "Pass key \(id) is \(stored) for this store, but keys: holds \(given); replicas share one directory."
    case .otherPassKeys:
      "The store knows none of the pass keys in keys:; replicas share one directory, and keys change one by one."
    case .otherLockKey(let number, let stored, let given):
      "lock-\(number) is \(stored) for this store, but keys: holds \(given); replicas share one directory."
    case .otherLockKeys:
      "The store knows none of the lock keys in keys:; what was locked to those it knows could not be redeemed."
    case .outage(let outage): outage.message
    }
  }
}

extension TransactionalLedger {
  private static let seedKey = "fingerprint.treasury-seed"
  private static let passKeysKey = "fingerprint.pass-keys"
  private static let lockKeysKey = "fingerprint.lock-keys"

  /// Remembers the keys at the first start; later starts must bring the same seed, and a set of pass keys
  /// that shares
  /// one with the stored set and contradicts none of it (keys are rotated one at a time). The same holds of lock keys.
  package func check(_ given: KeyFingerprints) async throws(KeyMismatch) {
    let mismatch: KeyMismatch?
    do {
      mismatch = try await self.store.write { rows throws(Outage) in try Self.compare(given, in: rows) }
    } catch {
      throw .outage(error)
    }
    if let mismatch { throw mismatch }
  }

  private static func compare(_ given: KeyFingerprints, in rows: any LedgerTransaction) throws(Outage)
    -> KeyMismatch?
  {
    if let seed = given.treasurySeed {
      if let stored = try rows.fact(self.seedKey), stored != seed {
        return .otherTreasurySeed(stored: stored, given: seed)
      }
      try rows.setFact(self.seedKey, to: seed)
    }
    switch try self.compare(given.passKeys, with: self.passKeysKey, in: rows) {
    case .none: break
    case .other(let id, let stored, let given): return .otherPassKey(id: id, stored: stored, given: given)
    case .unknown: return .otherPassKeys
    }
    switch try self.compare(given.lockKeys, with: self.lockKeysKey, in: rows) {
    case .none: return nil
    case .other(let id, let stored, let given): return .otherLockKey(number: id, stored: stored, given: given)
    case .unknown: return .otherLockKeys
    }
  }

  /// How two sets of keys disagree.
  private enum Disagreement {
    case other(UInt32, stored: String, given: String)
    case unknown
  }

  private static func compare(
    _ given: [UInt32: String], with key: String, in rows: any LedgerTransaction
  ) throws(Outage) -> Disagreement? {
    guard !given.isEmpty else { return nil }
    let known = self.parse(try rows.fact(key) ?? "")
    for (id, fingerprint) in given.sorted(by: { $0.key < $1.key }) {
      if let stored = known[id], stored != fingerprint {
        return .other(id, stored: stored, given: fingerprint)
      }
    }
    guard known.isEmpty || known.keys.contains(where: { given[$0] != nil }) else { return .unknown }
    try rows.setFact(key, to: self.text(given))
    return nil
  }

  /// `1=ab12,2=cd34`
  private static func text(_ keys: [UInt32: String]) -> String {
    keys.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  private static func parse(_ text: String) -> [UInt32: String] {
    var keys: [UInt32: String] = [:]
    for entry in text.split(separator: ",") {
      let parts = entry.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let id = UInt32(parts[0]) else { continue }
      keys[id] = String(parts[1])
    }
    return keys
  }
}
