public import Gate
internal import Synchronization

/// Whoever honours the coins of a ``ScriptedVerifier``: knows them, locks them, takes them once, and misbehaves on demand.
public final class ScriptedCounterpart: Sendable {
  public enum Authenticity: Sendable { case genuine, forged }

  /// What happens at the next call of one kind.
  public enum Mishap: Sendable {
    /// The call takes effect and its answer is lost.
    case answerLost
    /// The call never arrives.
    case callLost
    case held
  }

  public enum Call: Hashable, Sendable { case lock, take }

  public enum Answer: Sendable { case done, refused, noAnswer, held }

  private struct State {
    var coins: [String: UInt64] = [:]
    var locked: [String: String] = [:]
    var taken: [String: String] = [:]
    var mishaps: [Call: [Mishap]] = [:]
    var calls: [Call: Int] = [:]
    var refusal: Outage?
  }

  private let state = Mutex(State())

  public init() {}

  /// Makes a coin that is genuine.
  public func issue(_ name: String, _ value: UInt64) -> Coin {
    self.state.withLock { $0.coins[name] = value }
    return Coin(name: name, value: value)
  }

  /// Its owner spends it elsewhere.
  public func spendElsewhere(_ coin: Coin) { self.state.withLock { $0.taken[coin.name] = "elsewhere" } }

  public func fail(next call: Call, with mishap: Mishap) {
    self.state.withLock { $0.mishaps[call, default: []].append(mishap) }
  }

  /// `admit` throws this until it is nil again.
  public func refuse(with outage: Outage?) { self.state.withLock { $0.refusal = outage } }

  public func calls(_ call: Call) -> Int { self.state.withLock { $0.calls[call, default: 0] } }

  /// For which order a coin was taken.
  public func taker(of coin: Coin) -> String? { self.state.withLock { $0.taken[coin.name] } }

  /// How many coins it has taken for us.
  public var takenCount: Int { self.state.withLock { $0.taken.values.count { $0 != "elsewhere" } } }

  func admit() throws(Outage) {
    if let outage = self.state.withLock({ $0.refusal }) { throw outage }
  }

  func authenticity(of coin: Coin) -> Authenticity {
    self.state.withLock { $0.coins[coin.name] == coin.value ? .genuine : .forged }
  }

  /// Idempotent for one order, as a call that may be repeated must be.
  func lock(_ coin: Coin, for order: String) -> Answer {
    self.answer(.lock) { state in
      guard state.taken[coin.name, default: order] == order, state.locked[coin.name, default: order] == order
      else { return .refused }
      state.locked[coin.name] = order
      return .done
    }
  }

  func take(_ coin: Coin, for order: String) -> Answer {
    self.answer(.take) { state in
      guard state.locked[coin.name] == order else { return .refused }
      state.taken[coin.name] = order
      return .done
    }
  }

  private func answer(_ call: Call, _ effect: (inout State) -> Answer) -> Answer {
    self.state.withLock { state in
      state.calls[call, default: 0] += 1
      guard var mishaps = state.mishaps[call], !mishaps.isEmpty else { return effect(&state) }
      let mishap = mishaps.removeFirst()
      state.mishaps[call] = mishaps
      switch mishap {
      case .answerLost:
        _ = effect(&state)
        return .noAnswer
      case .callLost: return .noAnswer
      case .held: return .held
      }
    }
  }
}
