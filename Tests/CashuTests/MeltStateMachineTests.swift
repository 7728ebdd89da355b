@testable import Cashu
import Outbound
import Testing

@Suite("What to do about a melt")
struct MeltStateMachineTests {
  typealias Event = MeltStateMachine.Event

  /// A course of events and the actions that must follow, the first one before any event.
  struct Course: Sendable, CustomTestStringConvertible {
    var title: String
    var start: MeltStateMachine.Start = .fresh
    var blanks: UInt32 = 0
    var events: [Event]
    var actions: [String]
    var testDescription: String { self.title }
  }

  static let unspent = Event.states([.unspent, .unspent])
  static let spent = Event.states([.spent, .spent])
  static let paid = Event.quote(.paid, preimage: nil)
  static let unpaid = Event.quote(.unpaid, preimage: nil)
  static let pending = Event.quote(.pending, preimage: nil)
  static let change = Event.restored(change: [])
  static let lost = Event.meltSilent(.timedOut)

  static let proof = UnverifiedProof(amount: 1, keyset: .short([]), secret: Secret("s"), signature: [])

  /// Three more looks.
  static func again(_ events: [Event]) -> [Event] {
    events + (0..<3).flatMap { _ in [.waited] + events }
  }
  static func again(_ actions: [String]) -> [String] {
    actions + (0..<3).flatMap { _ in ["wait"] + actions }
  }

  static func courses() -> [Course] {
    [
      Course(
        title: "an answer that says paid is the end", events: [.paid(change: [], preimage: nil)],
        actions: ["post", "paid"]),
      Course(
        title: "no connection leaves the money held", events: [.meltSilent(.notSent)],
        actions: ["post", "void"]),
      Course(
        title: "too many calls leave the money held", events: [.throttled(retryAfterSeconds: 3)],
        actions: ["post", "void"]),
      Course(
        title: "a refusal of a quote that stays unpaid leaves the money held",
        events: [.meltRefused(.other(code: 20004)), self.unpaid, self.unspent],
        actions: ["post", "quote", "states", "void"]),
      Course(
        title: "a refusal is not believed when the quote is paid from our inputs",
        events: [.meltRefused(.other(code: 20006)), self.paid, self.spent, self.change],
        actions: ["post", "quote", "states", "restore", "paid"]),
      Course(
        title: "a quote that somebody else paid has not cost us anything",
        events: [.meltRefused(.other(code: 20006)), self.paid, self.unspent],
        actions: ["post", "quote", "states", "void"]),
      Course(
        title: "a lost answer of a payment that went through brings its change back",
        events: [self.lost, self.paid, self.spent, self.change],
        actions: ["post", "quote", "states", "restore", "paid"]),
      Course(
        title: "a lost call that did not happen is sent again, the same",
        events: [self.lost, self.unpaid, self.unspent, .paid(change: [], preimage: nil)],
        actions: ["post", "quote", "states", "post", "paid"]),
      Course(
        title: "lost twice is left to recovery",
        events: [
          self.lost, self.unpaid, self.unspent, self.lost, self.unpaid, self.unspent,
        ],
        actions: ["post", "quote", "states", "post", "quote", "states", "unknown"]),
      Course(
        title: "a payment on its way is waited for and never sent again",
        events: [.accepted, .waited, self.pending, .waited, self.paid, self.spent, self.change],
        actions: ["post", "wait", "quote", "wait", "quote", "states", "restore", "paid"]),
      Course(
        title: "a payment on its way that fails leaves the money held",
        events: [
          .accepted, .waited, self.unpaid, .states([.unspent, .unspent]), .meltRefused(.other(code: 20004)),
        ] + self.again([self.unpaid, self.unspent]),
        actions: ["post", "wait", "quote", "states", "post"] + self.again(["quote", "states"]) + ["void"]),
      Course(
        title: "a lost call that comes through after its repetition was refused has paid",
        events: [
          self.lost, self.unpaid, self.unspent, .meltRefused(.other(code: 0)), self.unpaid, self.unspent,
          .waited, self.paid, self.spent, self.change,
        ],
        actions: [
          "post", "quote", "states", "post", "quote", "states", "wait", "quote", "states", "restore", "paid",
        ]),
      Course(
        title: "inputs pending under an unpaid quote are held by the mint",
        events: [self.lost, self.unpaid, .states([.pending, .pending])],
        actions: ["post", "quote", "states", "held"]),
      Course(
        title: "inputs spent under an unpaid quote were spent elsewhere",
        events: [.meltRefused(.spent), self.unpaid, .states([.spent, .unspent])],
        actions: ["post", "quote", "states", "spent [0]"]),
      Course(
        title: "a mint that dies says nothing", events: [self.lost, .quoteFailed],
        actions: ["post", "quote", "unknown"]),
      Course(
        title: "a mint that dies before the states says nothing",
        events: [self.lost, self.paid, .statesFailed],
        actions: ["post", "quote", "states", "unknown"]),
      Course(
        title: "change that is not valid is held against the mint",
        events: [self.lost, self.paid, self.spent, .restoreInvalid],
        actions: ["post", "quote", "states", "restore", "held"]),
      Course(
        title: "a mint that dies before the change is asked again later",
        events: [self.lost, self.paid, self.spent, .restoreFailed],
        actions: ["post", "quote", "states", "restore", "unknown"]),
      Course(
        title: "a quote that the mint forgot, and inputs it did not spend",
        events: [self.lost] + self.again([.quoteMissing, self.unspent]),
        actions: ["post"] + self.again(["quote", "states"]) + ["void"]),
      Course(
        title: "a quote that the mint forgot, and inputs it spent",
        events: [self.lost, .quoteMissing, self.spent],
        actions: ["post", "quote", "states", "held"]),
      Course(
        title: "recovery asks, and takes the change of a payment that went through", start: .maybeSent,
        events: [self.paid, self.spent, self.change], actions: ["quote", "states", "restore", "paid"]),
      Course(
        title: "recovery never pays: the operator may have paid otherwise", start: .maybeSent,
        events: self.again([self.unpaid, self.unspent]), actions: self.again(["quote", "states"]) + ["void"]),
      Course(
        title: "a call that comes through while recovery asks is not taken for one that never came",
        start: .maybeSent,
        events: [self.unpaid, self.unspent, .waited, self.paid, self.spent, self.change],
        actions: ["quote", "states", "wait", "quote", "states", "restore", "paid"]),
      Course(
        title: "inputs spent by our own call between two questions are not taken for spent elsewhere",
        start: .maybeSent, events: [self.unpaid, self.spent, .waited, self.paid, self.spent, self.change],
        actions: ["quote", "states", "wait", "quote", "states", "restore", "paid"]),
      Course(
        title: "inputs that stay spent under a quote that stays unpaid were spent elsewhere",
        start: .maybeSent,
        events: self.again([self.unpaid, self.spent]),
        actions: self.again(["quote", "states"]) + ["spent [0, 1]"]),
      Course(
        title: "a paid quote whose inputs are not spent yet is looked at again", start: .maybeSent,
        events: [self.paid, self.unspent, .waited, self.paid, self.spent, self.change],
        actions: ["quote", "states", "wait", "quote", "states", "restore", "paid"]),
      Course(
        title: "change that is not signed yet is asked for again", start: .maybeSent, blanks: 2,
        events: [self.paid, self.spent, self.change, .waited, .restored(change: [self.proof])],
        actions: ["quote", "states", "restore", "wait", "restore", "paid 1"]),
      Course(
        title: "change that never comes is none", blanks: 2,
        events: [self.lost, self.paid, self.spent, self.change, .waited, self.change, .waited, self.change]
          + [.waited, self.change],
        actions: [
          "post", "quote", "states", "restore", "wait", "restore", "wait", "restore", "wait", "restore",
        ]
          + ["paid"]),
      Course(
        title: "recovery leaves a payment on its way to its next turn", start: .maybeSent,
        events: [self.pending],
        actions: ["quote", "unknown"]),
    ]
  }

  @Test("each course of events ends as the rules say", arguments: Self.courses())
  func course(_ course: Course) {
    var machine = MeltStateMachine(course.start, inputCount: 2, blankCount: course.blanks)
    var actions = [Self.name(machine.begin())]
    for event in course.events { actions.append(Self.name(machine.handle(event))) }
    #expect(actions == course.actions)
  }

  @Test("a payment that stays on its way is left to recovery after a while")
  func patience() {
    var machine = MeltStateMachine(.fresh, inputCount: 2, blankCount: 0)
    _ = machine.begin()
    var action = Self.name(machine.handle(.accepted))
    for _ in 0..<100 where action == "wait" {
      _ = machine.handle(.waited)
      action = Self.name(machine.handle(Self.pending))
    }
    #expect(action == "unknown")
  }

  @Test(
    "blank outputs are enough for any change up to what is overpaid, and no more",
    arguments: [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (1000, 10)]
      as [(UInt64, UInt32)])
  func blanks(overpaid: UInt64, count: UInt32) {
    #expect(MeltPlan.blanks(for: overpaid) == count)
  }

  static func name(_ action: MeltStateMachine.Action) -> String {
    switch action {
    case .postMelt: "post"
    case .askQuote: "quote"
    case .askRestore: "restore"
    case .askStates: "states"
    case .wait: "wait"
    case .finish(.paid(let change, _)): change.isEmpty ? "paid" : "paid \(change.count)"
    case .finish(.spent(let indices)): "spent \(indices)"
    case .finish(.void): "void"
    case .finish(.held): "held"
    case .finish(.unknown): "unknown"
    }
  }
}
