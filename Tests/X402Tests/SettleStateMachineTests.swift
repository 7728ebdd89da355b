import Gate
import Testing

@testable import X402

@Suite("What to do next about a settlement")
struct SettleStateMachineTests {
  static func machine(
    _ start: SettleStateMachine.Start = .fresh, facilitators: Int = 1, hasChain: Bool = true,
    trace: SettlePlan.Trace = SettlePlan.Trace()
  ) -> SettleStateMachine {
    SettleStateMachine(
      start, means: SettleStateMachine.Means(facilitators: facilitators, hasChain: hasChain, maxSends: 3),
      trace: trace)
  }

  @Test("without a facilitator nothing is sent, and too late nobody is asked")
  func begins() {
    var none = Self.machine(facilitators: 0)
    #expect(none.begin() == .finish(.notSent("no facilitator serves this network")))
    var late = Self.machine()
    #expect(late.begin(isTooLate: true) == .finish(.refused(.expired)))
    var good = Self.machine()
    #expect(good.begin() == .verify(facilitator: 0))
  }

  @Test("a payment that may have been sent is looked up, however late, and never begun anew")
  func resumes() {
    var machine = Self.machine(.maybeSent)
    #expect(machine.begin(isTooLate: true) == .askChain)
    var blind = Self.machine(.maybeSent, hasChain: false)
    guard case .finish(.held) = blind.begin() else {
      Issue.record("what nobody can tell is held")
      return
    }
    var pending = SettlePlan.Trace()
    pending.isPending = true
    var asked = Self.machine(.maybeSent, hasChain: false, trace: pending)
    #expect(asked.begin() == .settle(facilitator: 0))
    var old = Self.machine(.maybeSent, hasChain: false, trace: pending)
    guard case .finish(.held) = old.begin(isOld: true) else {
      Issue.record("what stays pending is held in the end")
      return
    }
  }

  /// The answers of a first `/settle`; whether the next facilitator is asked, the chain, or nobody.
  @Test("only a call that was not looked at goes to the next facilitator")
  func nextFacilitator() {
    for (answer, action) in [
      (SettleAnswer.notActedOn("is down"), SettleStateMachine.Action.verify(facilitator: 1)),
      (.none("is silent"), .askChain), (.failed("says no", transaction: nil), .askChain),
      (.refused(.insufficientFunds), .finish(.refused(.insufficientFunds))),
      (.success(transaction: "0x1"), .finish(.settled(transaction: "0x1"))),
      (.pending(transaction: "0x1"), .askChainLater),
    ] {
      var machine = Self.machine(facilitators: 2)
      _ = machine.begin()
      #expect(machine.handle(.verified(.valid, isUsed: false)) == .settle(facilitator: 0))
      #expect(machine.handle(.settled(answer)) == action)
    }
  }

  @Test("a reverted transaction ends it only when every call was answered")
  func reverted() {
    for (answer, isEnd) in [
      (SettleAnswer.failed("says no", transaction: "0x1"), true), (.none("is silent"), false),
    ] {
      var machine = Self.machine()
      _ = machine.begin()
      _ = machine.handle(.verified(.valid, isUsed: false))
      _ = machine.handle(.settled(answer))
      let action = machine.handle(.found(.unused(reverted: true), isResendDue: false, isOld: false))
      #expect((action == .finish(.refused(.invalid))) == isEnd)
    }
  }

  @Test("it is sent again when due, as often as allowed, and then waits for its end")
  func resends() {
    var trace = SettlePlan.Trace()
    trace.sends = 2
    var machine = Self.machine(.maybeSent, trace: trace)
    _ = machine.begin()
    #expect(
      machine.handle(.found(.unused(reverted: false), isResendDue: true, isOld: false))
        == .settle(facilitator: 0))
    _ = machine.handle(.settled(.none("is silent")))
    #expect(
      machine.handle(.found(.unused(reverted: false), isResendDue: true, isOld: false))
        == .finish(.unknown("sent, and not on the chain yet")))
    guard case .finish(.void) = machine.handle(.found(.overUnused, isResendDue: false, isOld: true)) else {
      Issue.record("what is over and unused is void")
      return
    }
  }

  @Test("a used nonce ends it before anything is sent, whatever the facilitator says of it")
  func used() {
    var machine = Self.machine()
    _ = machine.begin()
    #expect(machine.handle(.verified(.valid, isUsed: true)) == .finish(.refused(.spent)))
  }
}
