import Gate
import Testing

@testable import X402

@Suite("What to do next about a settlement")
struct SettleStateMachineTests {
  typealias Machine = SettleStateMachine
  typealias Hour = SettleStateMachine.Hour

  static let early = Hour()
  static let due = Hour(isResendDue: true)

  static func machine(
    _ start: Machine.Start = .fresh, facilitators: Int = 1, hasChain: Bool = true, sends: Int = 0,
    isUnheard: Bool = false
  ) -> Machine {
    Machine(
      start, means: Machine.Means(facilitators: facilitators, hasChain: hasChain, maxSends: 3),
      trace: SettlePlan.Trace(sends: sends, isUnheard: isUnheard))
  }

  /// One whose first call went out.
  static func sent(facilitators: Int = 1, hasChain: Bool = true) -> Machine {
    var machine = Self.machine(facilitators: facilitators, hasChain: hasChain)
    _ = machine.begin(at: Self.early)
    #expect(machine.handle(.verified(.valid, isUsed: false), at: Self.early) == .settle(facilitator: 0))
    return machine
  }

  static func isHeld(_ action: Machine.Action) -> Bool {
    if case .finish(.held) = action { true } else { false }
  }

  static func isUnknown(_ action: Machine.Action) -> Bool {
    if case .finish(.unknown) = action { true } else { false }
  }

  @Test("without a facilitator nothing is sent, and too late nobody is asked")
  func begins() {
    var none = Self.machine(facilitators: 0)
    #expect(none.begin(at: Self.early) == .finish(.notSent("no facilitator serves this network")))
    var late = Self.machine()
    #expect(late.begin(at: Hour(isTooLate: true)) == .finish(.refused(.expired)))
    var good = Self.machine()
    #expect(good.begin(at: Self.early) == .verify(facilitator: 0))
  }

  @Test("a payment that may have been sent is looked up, or sent again, and never begun anew")
  func resumes() {
    var machine = Self.machine(.maybeSent, sends: 1)
    #expect(machine.begin(at: Hour(isResendDue: true, isTooLate: true)) == .askChain)
    var blind = Self.machine(.maybeSent, hasChain: false, sends: 1)
    #expect(blind.begin(at: Self.early) == .pause)
    #expect(blind.handle(.paused, at: Self.due) == .settle(facilitator: 0))
    var late = Self.machine(.maybeSent, hasChain: false, sends: 1)
    #expect(Self.isHeld(late.begin(at: Hour(isResendDue: true, isTooLate: true))))
    var last = Self.machine(.maybeSent, hasChain: false, sends: 3)
    #expect(Self.isHeld(last.begin(at: Self.due)))
    var alone = Self.machine(.maybeSent, facilitators: 0, hasChain: false, sends: 1)
    #expect(Self.isUnknown(alone.begin(at: Hour(isResendDue: true, isPatienceOver: true))))
  }

  /// The answers of a first `/settle`; what follows with a node to ask, and without one.
  @Test("only a call that was not looked at goes to the next facilitator, and only what is open stays")
  func firstAnswer() {
    for (answer, withNode, without) in [
      (SettleAnswer.notActedOn("is down"), Machine.Action.verify(facilitator: 1), Machine.Action?.none),
      (.none("is silent"), .askChain, .pause), (.failed("says no", transaction: nil), .askChain, .pause),
      (.pending(transaction: "0x1"), .askChain, .pause),
      (.refused(.insufficientFunds), .finish(.refused(.insufficientFunds)), nil),
      (.success(transaction: "0x1"), .finish(.settled(transaction: "0x1")), nil),
    ] {
      var machine = Self.sent(facilitators: 2)
      #expect(machine.handle(.settled(answer), at: Self.early) == withNode)
      var blind = Self.sent(facilitators: 2, hasChain: false)
      #expect(blind.handle(.settled(answer), at: Self.early) == without ?? withNode)
    }
  }

  @Test("after a call that may have been acted on, only a success ends it without the chain")
  func laterAnswer() {
    for (answer, end) in [
      (SettleAnswer.notActedOn("is down"), Machine.Action?.none), (.none("is silent"), nil),
      (.failed("says that the nonce is used", transaction: "0x1"), nil), (.pending(transaction: nil), nil),
      (.refused(.insufficientFunds), nil), (.refused(.expired), nil),
      (.success(transaction: "0x1"), .finish(.settled(transaction: "0x1"))),
    ] {
      var machine = Self.machine(.maybeSent, facilitators: 2, sends: 1)
      _ = machine.begin(at: Self.early)
      #expect(machine.handle(.found(.unused(reverted: false)), at: Self.due) == .settle(facilitator: 0))
      #expect(machine.handle(.settled(answer), at: Self.early) == end ?? .askChain)
      var blind = Self.machine(.maybeSent, facilitators: 2, hasChain: false, sends: 1)
      #expect(blind.begin(at: Self.due) == .settle(facilitator: 0))
      #expect(blind.handle(.settled(answer), at: Self.early) == end ?? .pause)
    }
  }

  @Test("what the chain leaves open is sent again when the wait is over, and not before")
  func open() {
    for finding in [
      ChainFinding.unused(reverted: false), .unclear("used"), .silent,
    ] {
      var machine = Self.sent()
      #expect(machine.handle(.settled(.none("is silent")), at: Self.early) == .askChain)
      #expect(machine.handle(.found(finding), at: Self.early) == .pause)
      #expect(machine.handle(.paused, at: Self.due) == .askChain, "it may be there by now")
      #expect(machine.handle(.found(finding), at: Hour(isResendDue: true, isTooLate: true)) == .pause)
      #expect(machine.handle(.found(finding), at: Self.due) == .settle(facilitator: 0))
    }
  }

  @Test(
    "what the chain knows ends it, however long the run has stayed",
    arguments: [
      (ChainFinding.paid(transaction: "0x1"), Machine.Outcome.settled(transaction: "0x1")),
      (.usedOtherwise, .refused(.spent)),
      (.overUnused, .void("the payment's time ended and the chain never used it")),
    ])
  func closed(finding: ChainFinding, outcome: Machine.Outcome) {
    for hour in [Self.early, Self.due, Hour(isTooLate: true, isPatienceOver: true, isOld: true)] {
      var machine = Self.sent()
      _ = machine.handle(.settled(.none("is silent")), at: Self.early)
      #expect(machine.handle(.found(finding), at: hour) == .finish(outcome))
    }
  }

  @Test("a reverted transaction ends it only when it is that of the only call")
  func reverted() {
    for (answer, isEnd) in [
      (SettleAnswer.failed("says no", transaction: "0x1"), true), (.none("is silent"), false),
    ] {
      var machine = Self.sent()
      _ = machine.handle(.settled(answer), at: Self.early)
      let action = machine.handle(.found(.unused(reverted: true)), at: Self.early)
      #expect((action == .finish(.refused(.invalid))) == isEnd)
    }
    var second = Self.sent()
    _ = second.handle(.settled(.failed("says no", transaction: "0x1")), at: Self.early)
    #expect(second.handle(.found(.unused(reverted: false)), at: Self.due) == .settle(facilitator: 0))
    _ = second.handle(.settled(.failed("says no", transaction: "0x2")), at: Self.early)
    #expect(second.transactions == ["0x1", "0x2"])
    #expect(second.handle(.found(.unused(reverted: true)), at: Self.early) == .pause)
    var resumed = Self.machine(.maybeSent, sends: 1, isUnheard: true)
    _ = resumed.begin(at: Self.early)
    #expect(resumed.handle(.found(.unused(reverted: true)), at: Self.early) == .pause)
  }

  @Test("it is sent as often as allowed, and then waits for its end, or is held where nothing can be asked")
  func bounded() {
    var machine = Self.machine(.maybeSent, sends: 2)
    _ = machine.begin(at: Self.due)
    #expect(machine.handle(.found(.unused(reverted: false)), at: Self.due) == .settle(facilitator: 0))
    _ = machine.handle(.settled(.none("is silent")), at: Self.due)
    #expect(machine.handle(.found(.unused(reverted: false)), at: Self.due) == .pause)
    var blind = Self.machine(.maybeSent, hasChain: false, sends: 2)
    #expect(blind.begin(at: Self.due) == .settle(facilitator: 0))
    #expect(Self.isHeld(blind.handle(.settled(.none("is silent")), at: Self.due)))
  }

  @Test("when its patience is over a run sends no more, but one that has not sent yet does it once")
  func impatient() {
    let over = Hour(isResendDue: true, isPatienceOver: true)
    var machine = Self.sent()
    _ = machine.handle(.settled(.none("is silent")), at: over)
    #expect(Self.isUnknown(machine.handle(.found(.unused(reverted: false)), at: over)))
    var resumed = Self.machine(.maybeSent, hasChain: false, sends: 1)
    #expect(resumed.begin(at: over) == .settle(facilitator: 0))
    #expect(Self.isUnknown(resumed.handle(.settled(.none("is silent")), at: over)))
  }

  @Test("what the chain cannot explain is held when it is old, but not because a node is away")
  func old() {
    for (finding, isHeld) in [
      (ChainFinding.unclear("used"), true), (.unused(reverted: false), true), (.silent, false),
    ] {
      var machine = Self.machine(.maybeSent, sends: 3)
      _ = machine.begin(at: Self.early)
      let action = machine.handle(
        .found(finding), at: Hour(isTooLate: true, isPatienceOver: true, isOld: true))
      #expect(Self.isHeld(action) == isHeld)
      #expect(Self.isUnknown(action) == !isHeld)
    }
  }

  @Test("a run ends even where the clock stands still")
  func still() {
    var machine = Self.machine(.maybeSent, hasChain: false, sends: 1)
    var action = machine.begin(at: Self.early)
    var pauses = 0
    while action == .pause, pauses <= Machine.maxPauses {
      pauses += 1
      action = machine.handle(.paused, at: Self.early)
    }
    #expect(Self.isUnknown(action))
    #expect(pauses == Machine.maxPauses)
  }

  @Test("a used nonce ends it before anything is sent, whatever the facilitator says of it")
  func used() {
    var machine = Self.machine()
    _ = machine.begin(at: Self.early)
    #expect(machine.handle(.verified(.valid, isUsed: true), at: Self.early) == .finish(.refused(.spent)))
  }
}
