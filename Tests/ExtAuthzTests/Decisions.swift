import Gate
import Synchronization

@testable import ExtAuthz

/// Remembers what was decided, in order.
final class Decisions: DecisionObserver {
  private let log = Mutex<[String]>([])

  func decided(_ judgement: Judgement, for adapter: AccessRequest.Adapter, id: ArraySlice<UInt8>?) {
    let word =
      switch judgement.decision {
      case .allow(let allowance): allowance.basis.rawValue
      case .paymentRequired(let demand): demand.reason.code
      case .deny(let denial): denial.code
      case .unavailable(let outage): outage.code.rawValue
      }
    self.log.withLock { $0.append("\(adapter.rawValue) \(word)") }
  }

  var lines: [String] { self.log.withLock { $0 } }
}
