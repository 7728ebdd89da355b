internal import Gate
internal import JSON
internal import Octets

/// What a secret says about who may spend it (NUT-10), as far as we would ever take it.
enum SpendingCondition: Sendable, Equatable {
  /// A plain secret: who knows it spends it.
  case none
  case lock(PayeeLock)
  /// It is, or might be to some mint, a condition, and not one of the kind we take.
  case unreadable

  init(of secret: Secret) {
    if !secret.mayBeLocked {
      self = .none
    } else {
      self = PayeeLock(secret).map { .lock($0) } ?? .unreadable
    }
  }
}

/// A lock to one key (NUT-11), in the only form that every mint reads as we do.
///
/// What mints make of other forms was measured. With a member given twice one mint lets the other key spend; a locktime
/// that is a number is no condition at all to it; `pubkeys` let a second owner spend; a repeated tag, an unknown flag,
/// another kind or a secret over 1024 characters cannot be spent by anybody. So:
/// 1. exactly `["P2PK", {"nonce": …, "data": …, "tags"?: …}]`, at most 512 bytes, no member twice;
/// 2. `data` is 66 hexadecimal digits of a compressed key;
/// 3. tags are `sigflag` = `SIG_INPUTS`, `locktime` and `refund` only: strings, each tag once.
struct PayeeLock: Sendable, Equatable {
  /// Longer ones need not be spendable: NUT-10 sets no bound, and mints do.
  static let maxBytes = 512

  /// What it is locked to.
  var xOnly: [UInt8]
  /// After this others may spend it too.
  var locktime: Timestamp?

  init?(_ secret: Secret) {
    guard secret.utf8.count <= Self.maxBytes, let root = try? JSONReader.read(secret.utf8),
      let items = root.array, items.count == 2, items[0].string.map(Self.isKind) == true,
      let members = items[1].members,
      members.allSatisfy({ ["nonce", "data", "tags"].contains($0.name) }),
      let nonce = items[1]["nonce"]?.string, !nonce.isEmpty,
      let data = items[1]["data"]?.string, let key = Self.key(data)
    else { return nil }
    self.xOnly = Array(key.dropFirst())
    guard let tags = members.first(where: { $0.name == "tags" })?.value else { return }
    guard let tags = tags.array, self.read(tags) else { return nil }
  }

  /// Byte for byte: `String` takes a Kelvin sign (U+212A) for a K, and to a mint that is another kind.
  private static func isKind(_ text: String) -> Bool { text.utf8.elementsEqual("P2PK".utf8) }

  /// False unless each tag is one we know, and there once.
  private mutating func read(_ tags: [JSON]) -> Bool {
    var names: Set<String> = []
    for tag in tags {
      let texts = (tag.array ?? []).compactMap(\.string)
      guard let name = texts.first, texts.count == tag.array?.count, names.insert(name).inserted,
        self.read(name, texts.dropFirst())
      else { return false }
    }
    return true
  }

  private mutating func read(_ name: String, _ values: ArraySlice<String>) -> Bool {
    switch name {
    case "sigflag": return values.elementsEqual(["SIG_INPUTS"])
    case "refund":
      // A key that is none makes the whole secret unspendable at some mints.
      return !values.isEmpty && values.allSatisfy { Self.key($0).flatMap { Point(compressed: $0) } != nil }
    case "locktime":
      guard values.count == 1, let seconds = values.first.flatMap(Self.seconds) else { return false }
      self.locktime = Timestamp(seconds: seconds)
      return true
    default: return false
    }
  }

  /// Any value of 66 digits that begins as a compressed point does.
  private static func key(_ text: String) -> [UInt8]? {
    guard text.utf8.count == 2 * Point.byteCount, let bytes = Hex.decode(text),
      bytes[0] == 0x02 || bytes[0] == 0x03
    else { return nil }
    return bytes
  }

  /// Digits only, as `String` would write the number: mints differ in what else is one.
  private static func seconds(_ text: String) -> Int64? {
    guard text.utf8.count <= 12, let seconds = Int64(text), seconds >= 0, String(seconds) == text else {
      return nil
    }
    return seconds
  }
}
